package broker

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// peer is an accepted connection. The broker reads its next request only when the last one has been
// answered (SocketServer mutes the channel), so answers keep the order of requests.
type peer struct {
	b         *Broker
	c         *sim.Conn
	index     uint32
	cur       any            // the request that is being handled or has been charged for
	queue     []wire.Request // arrived behind it
	waiting   int            // arrived without becoming cur, and not in the queue yet
	running   bool           // cur has been given to its handler
	scheduled bool           // Timer(timerNext) is under way
	gone      bool
	reset     bool
}

func (b *Broker) addPeer(c *sim.Conn) {
	d := &peer{b: b, c: c}
	if n := len(b.freePeers); n > 0 {
		d.index = b.freePeers[n-1]
		b.freePeers = b.freePeers[:n-1]
		b.peers[d.index] = d
	} else {
		d.index = uint32(len(b.peers))
		b.peers = append(b.peers, d)
	}
	c.Data = d
}

// claim makes m, which has just arrived, the connection's present request if there is none and none that
// arrived before it is still on its way into the queue.
func (d *peer) claim(m any) bool {
	if d.cur != nil || d.waiting > 0 {
		d.waiting++
		return false
	}
	d.cur = m
	return true
}

func (d *peer) received(m wire.Request) {
	if d.cur == m {
		d.running = true
		d.b.handle(d.c, m)
		return
	}
	d.waiting--
	if d.cur != nil {
		d.queue = append(d.queue, m)
		return
	}
	d.begin(m) // the one before it was answered in the same instant
}

// begin charges for a request that had to wait; its turn comes on a later event.
func (d *peer) begin(m wire.Request) {
	d.cur = m
	d.scheduled = true
	lane, cost := d.b.requestCost(m)
	d.b.p.Work(lane, cost, timerNext, d.index)
}

// finish ends the present request; the next one gets its turn on a later event.
func (d *peer) finish() {
	d.cur, d.running = nil, false
	if len(d.queue) == 0 {
		if d.gone {
			d.free()
		}
		return
	}
	m := d.queue[0]
	copy(d.queue, d.queue[1:])
	d.queue[len(d.queue)-1] = nil
	d.queue = d.queue[:len(d.queue)-1]
	d.begin(m)
}

// turn handles a request that had to wait for the one before it.
func (b *Broker) turn(index uint32) {
	d := b.peers[index]
	d.scheduled = false
	if d.reset {
		d.cur, d.queue = nil, nil
		d.free()
		return
	}
	d.running = true
	b.handle(d.c, d.cur.(wire.Request))
}

// closed: what had arrived before an orderly end is still handled until an answer cannot be sent
// (Selector: "channels with pending receives are closed late").
func (d *peer) closed(why sim.CloseReason) {
	d.gone = true
	if d.b.rm != nil {
		d.b.rm.ConnClosed(d.c)
	}
	if why != sim.CloseFIN {
		d.reset = true
		d.queue = nil
		if !d.running && !d.scheduled {
			d.cur = nil // charged for, and lost with the connection
		}
	}
	if d.cur == nil && !d.scheduled {
		d.free()
	}
}

// free gives the slot back.
func (d *peer) free() {
	if d.b.peers[d.index] == d {
		d.b.peers[d.index] = nil
		d.b.freePeers = append(d.b.freePeers, d.index)
	}
}

// reply answers the present request of a connection and reads the next.
func (b *Broker) reply(c *sim.Conn, m wire.Response) {
	d, ok := c.Data.(*peer)
	if !ok {
		return
	}
	if d.gone {
		d.queue = nil // the answer cannot be sent: the channel is closed now
		d.finish()
		return
	}
	c.Send(m, m.Size())
	d.finish()
}

// finishQuietly ends a request that gets no answer.
func (b *Broker) finishQuietly(c *sim.Conn) {
	if d, ok := c.Data.(*peer); ok {
		d.finish()
	}
}

// hangup closes a connection from this side.
func (b *Broker) hangup(c *sim.Conn) {
	d, ok := c.Data.(*peer)
	if !ok {
		return
	}
	d.queue = nil
	if !d.gone {
		c.Close()
		d.gone = true
		b.rm.ConnClosed(c)
	}
	d.finish()
}
