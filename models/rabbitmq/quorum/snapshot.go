package quorum

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// A snapshot is the state behind one entry of the log: a line of JSON with consumers, publishers and the
// places of all live messages, then the messages themselves, each as its encoded enqueue with its body
// behind two lengths. Ra writes the machine's state as one Erlang term (ra_log_snapshot); the model writes
// the same facts.
type snapshotHead struct {
	Consumers []consumerState
	Enqueuers []enqueuerState
	Ready     []place
	Returns   []place
	Turn      int
}

type place struct {
	Index      uint64
	Deliveries int
}

type consumerState struct {
	Consumer
	Held []heldState
}

type heldState struct {
	ID uint64
	place
}

type enqueuerState struct {
	Pid       wire.Pid
	Next      uint64
	Suspected bool
}

// ErrSnapshot says that bytes are no snapshot.
var ErrSnapshot = errors.New("not a snapshot of a quorum queue")

// Snapshot encodes the machine.
func (q *Machine) Snapshot(a *sim.Arena) []byte {
	h := snapshotHead{Turn: q.turn}
	var all []*Message
	put := func(m *Message) place {
		all = append(all, m)
		return place{m.Index, m.Deliveries}
	}
	for i := range q.returns {
		h.Returns = append(h.Returns, put(&q.returns[i]))
	}
	for i := q.head; i < len(q.ready); i++ {
		h.Ready = append(h.Ready, put(&q.ready[i]))
	}
	for _, c := range q.consumers {
		s := consumerState{Consumer: *c}
		for i := c.head; i < len(c.out); i++ {
			if x := &c.out[i]; !x.done {
				s.Held = append(s.Held, heldState{x.id, put(&x.m)})
			}
		}
		h.Consumers = append(h.Consumers, s)
	}
	for _, e := range q.enqueuers {
		h.Enqueuers = append(h.Enqueuers, enqueuerState{e.pid, e.next, e.suspected})
	}
	b, err := json.Marshal(&h)
	if err != nil {
		panic(err)
	}
	b = append(b, '\n')
	for _, m := range all {
		head := m.Cmd.Encode(nil)
		b = binary.BigEndian.AppendUint64(b, m.Index)
		b = binary.BigEndian.AppendUint32(b, uint32(len(head)))
		b = binary.BigEndian.AppendUint32(b, m.Cmd.Body.Len)
		b = append(b, head...)
		b = append(b, a.Bytes(m.Cmd.Body)...)
	}
	return b
}

// SnapshotMessages visits the messages of an encoded snapshot; body is the offset of a message's body in b.
func SnapshotMessages(b []byte, visit func(index uint64, c *wire.Command, body, length int)) (head []byte, err error) {
	end := -1
	for i := range b {
		if b[i] == '\n' {
			end = i
			break
		}
	}
	if end < 0 {
		return nil, ErrSnapshot
	}
	head = b[:end]
	for at := end + 1; at < len(b); {
		if len(b)-at < 16 {
			return nil, ErrSnapshot
		}
		index := binary.BigEndian.Uint64(b[at:])
		n, k := int(binary.BigEndian.Uint32(b[at+8:])), int(binary.BigEndian.Uint32(b[at+12:]))
		at += 16
		if n+k > len(b)-at {
			return nil, ErrSnapshot
		}
		c, used, err := wire.DecodeCommand(b[at : at+n])
		if err != nil || used != n {
			return nil, ErrSnapshot
		}
		visit(index, c, at+n, k)
		at += n + k
	}
	return head, nil
}

// Restore replaces the machine's state by an encoded one. ref finds the bytes of the snapshot as an extent:
// what is delivered from now on is read from there.
func (q *Machine) Restore(b []byte, ref func(from, n int) sim.Ref) error {
	commands := map[uint64]*wire.Command{}
	text, err := SnapshotMessages(b, func(index uint64, c *wire.Command, body, n int) {
		c.Body = ref(body, n)
		commands[index] = c
	})
	if err != nil {
		return err
	}
	var h snapshotHead
	if json.Unmarshal(text, &h) != nil {
		return ErrSnapshot
	}
	missing := false
	get := func(p place) Message {
		m := Message{Index: p.Index, Cmd: commands[p.Index], Deliveries: p.Deliveries}
		missing = missing || m.Cmd == nil
		return m
	}
	n := Machine{cfg: q.cfg, env: q.env, turn: h.Turn}
	for _, p := range h.Returns {
		n.returns = append(n.returns, get(p))
	}
	for _, p := range h.Ready {
		n.ready = append(n.ready, get(p))
	}
	for i := range h.Consumers {
		c := h.Consumers[i].Consumer
		for _, x := range h.Consumers[i].Held {
			c.out = append(c.out, held{id: x.ID, m: get(x.place)})
			c.count++
		}
		n.consumers = append(n.consumers, &c)
	}
	for _, e := range h.Enqueuers {
		n.enqueuers = append(n.enqueuers, enqueuer{e.Pid, e.Next, e.Suspected})
	}
	if missing {
		return ErrSnapshot
	}
	*q = n
	return nil
}
