package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Lanes: what is one Erlang process at a time. A process never uses two cores. The reader, channel and
// writer processes of a connection share one lane.
const (
	laneMeta  = 0 // Mnesia's and the node monitor's processes
	laneFirst = 1 // + slot of a queue or connection
)

// CPU time of messages. The figures are assumptions: they are set so that one classic queue takes some
// 20,000 to 30,000 persistent messages a second and a mirrored one of three less than half of that, the
// order of magnitude of RabbitMQ's sizing measurements of 2020 (rule 126).
const (
	costPublish   = 14 * sim.Microsecond // reader and channel: parse, route, count
	costQueue     = 18 * sim.Microsecond // queue process: enqueue and index
	costMirror    = 12 * sim.Microsecond // mirror: match a direct copy with the ring's
	costGM        = 8 * sim.Microsecond  // a hop of the ring
	costGMItem    = 12 * sim.Microsecond // replay of one broadcast
	costSettle    = 4 * sim.Microsecond  // for each acknowledged delivery
	costDeliver   = 8 * sim.Microsecond  // channel and writer, for each delivery
	costConfirm   = 2 * sim.Microsecond  // for each confirmed message
	costSmall     = 6 * sim.Microsecond  // any other message
	costDist      = 2 * sim.Microsecond  // decoding of a distribution packet
	costMeta      = 300 * sim.Microsecond
	costSync      = 10 * sim.Microsecond // a message of a mirror's synchronisation
	costRaft      = 8 * sim.Microsecond  // a message between members of a quorum queue
	costRaftEntry = 6 * sim.Microsecond  // an entry in it: write, apply
	costRaCommand = 16 * sim.Microsecond // a command at the leader: log, apply, answer
	costKiB       = 250                  // ns for each KiB of a body that is copied between heaps and sockets
)

func bodyCost(c *wire.Content) sim.Time { return sim.Time(c.Body.Len) * costKiB / 1024 }

// costOf is the CPU time that a process needs for one message of its mailbox.
func costOf(m wire.Message) sim.Time {
	switch m := m.(type) {
	case *wire.Publish:
		return costPublish + bodyCost(&m.Content)
	case *wire.ToQueue:
		return costQueue + bodyCost(&m.Content)
	case *wire.ToChannel:
		return costDeliver + bodyCost(&m.Content)
	case *wire.Confirm:
		return costConfirm * sim.Time(len(m.Seqs)+1)
	case *wire.Settle:
		return costSettle * sim.Time(len(m.Seqs)+1)
	case *wire.GM:
		cost := costGM
		for i := range m.Items {
			cost += costGMItem + bodyCost(&m.Items[i].Content)
		}
		return cost
	case *wire.SyncBatch:
		return costSmall + sim.Time(len(m.Items))*costSync
	case *wire.Raft:
		return costRaft + sim.Time(len(m.Entries))*costRaftEntry
	case *wire.RaCommand:
		return costRaCommand + sim.Time(len(m.Cmd.IDs))*costSettle + bodyCost(&m.Cmd.Content)
	case *wire.RaEvent:
		return costSmall + sim.Time(len(m.Corrs))*costConfirm
	case *wire.Meta:
		return costMeta
	}
	return costSmall
}

// Cost is the CPU time of a message from a socket and the lane of the process that it is for.
func (n *Node) Cost(c *sim.Conn, m any) (lane int, cost sim.Time) {
	switch d := c.Data.(type) {
	case *conn:
		return d.lane, costOf(m.(wire.Message))
	case *link:
		switch m.(type) {
		case *wire.Tick, *wire.Beat:
			return -1, costDist
		}
		msg := m.(wire.Message)
		to, ok := target(msg)
		var pr *process
		if m := n.ra.member(msg); m != nil {
			ok, pr = true, m.pr
		} else if ok {
			pr = n.find(to)
		}
		if !ok {
			return laneMeta, costOf(msg)
		}
		if pr != nil {
			if len(pr.box) > 0 || pr.held() {
				return pr.lane, costDist // it will wait in the mailbox, which books its time
			}
			return pr.lane, costDist + costOf(msg)
		}
		return -1, costDist
	}
	return -1, 0
}

// target is the process that a message of a link is for.
func target(m wire.Message) (wire.Pid, bool) {
	switch m := m.(type) {
	case *wire.ToQueue:
		return m.To, true
	case *wire.Confirm:
		return m.To, true
	case *wire.ToChannel:
		return m.To, true
	case *wire.Settle:
		return m.To, true
	case *wire.Credit:
		return m.To, true
	case *wire.Call:
		return m.To, true
	case *wire.Reply:
		return m.To, true
	case *wire.GM:
		return m.To, true
	case *wire.SyncBatch:
		return m.To, true
	case *wire.SyncAck:
		return m.To, true
	case *wire.RaEvent:
		return m.To, true
	case *wire.Monitor:
		return m.To, true
	}
	return wire.Pid{}, false
}
