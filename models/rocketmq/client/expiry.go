package client

import "github.com/mqsim/mqsim/sim"

// alarmed ends the calls of waiting threads and connects that took too long.
func (n *instance) alarmed() {
	now := n.p.Now()
	if now < n.alarm {
		return
	}
	n.alarm = forever
	for _, r := range n.namesrv {
		n.deadlines(r, now)
	}
	for i := 0; i < len(n.remotes); i++ {
		n.deadlines(n.remotes[i], now)
	}
	n.orphans = n.sift(nil, n.orphans, now, now, true)
	n.fire()
}

func (n *instance) deadlines(r *remote, now sim.Time) {
	if r.state == remoteDialing {
		if r.dialBy <= now {
			r.conn.Close()
			n.down(r, unreachable)
			return
		}
		n.need(r.dialBy)
	}
	for i := r.head; i < len(r.calls); i++ {
		c := &r.calls[i]
		if !c.waits {
			continue
		}
		if by := c.begun + c.timeout; by > now {
			n.need(by)
			continue
		}
		// invokeSync: the thread gives up and closes the channel, which fails the others at once.
		done := *c
		r.calls = append(r.calls[:i], r.calls[i+1:]...)
		r.conn.Close()
		n.down(r, broken)
		n.fail(r, done, timedOut)
		return
	}
}

// scan ends asynchronous calls that are a second over their time.
func (n *instance) scan() {
	now := n.p.Now()
	late := now - sim.Second
	for _, r := range n.remotes {
		if r.head < len(r.calls) && r.calls[r.head].begun <= late {
			kept := n.sift(r, r.calls[r.head:], now, late, false)
			r.calls = append(r.calls[:0], kept...)
			r.head = 0
		}
	}
	n.orphans = n.sift(nil, n.orphans, now, late, false)
	n.fire()
}

// sift takes the calls that are due out of a list, and asks for an alarm for those that wait.
func (n *instance) sift(r *remote, list []call, now, late sim.Time, waiting bool) []call {
	kept := list[:0]
	for _, c := range list {
		by := c.begun + c.timeout
		switch {
		case c.waits && by <= now && waiting, !c.waits && by <= late && !waiting:
			n.expired = append(n.expired, expiry{r, c})
			continue
		case c.waits:
			n.need(by)
		}
		kept = append(kept, c)
	}
	return kept
}

func (n *instance) fire() {
	list := n.expired
	n.expired = nil
	for _, e := range list {
		n.fail(e.r, e.c, timedOut)
	}
	n.expired = list[:0]
}
