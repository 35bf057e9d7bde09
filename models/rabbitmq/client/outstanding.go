package client

import "github.com/mqsim/mqsim/sim"

// outstanding are the publishes of one channel that wait for a confirm, in order of delivery tag. Tags
// count from 1 on every channel in confirm mode (confirms.md).
type outstanding struct {
	list  []publish
	head  int    // everything before it is settled
	first uint64 // tag of list[0]
	open  int
}

// publish is one message on its way.
type publish struct {
	id        sim.MsgID
	partition int32
	settled   bool
	returned  bool
}

// reset begins a new channel.
func (o *outstanding) reset() { o.list, o.head, o.first, o.open = o.list[:0], 0, 1, 0 }

// add appends a publish and returns its delivery tag.
func (o *outstanding) add(id sim.MsgID, partition int32) uint64 {
	if o.head == len(o.list) {
		o.first += uint64(len(o.list))
		o.list, o.head = o.list[:0], 0
	} else if o.head > 1024 && o.head > len(o.list)/2 {
		n := copy(o.list, o.list[o.head:])
		o.list = o.list[:n]
		o.first += uint64(o.head)
		o.head = 0
	}
	o.list = append(o.list, publish{id: id, partition: partition})
	o.open++
	return o.first + uint64(len(o.list)) - 1
}

// at is the publish with a tag, nil if it is settled or was never made.
func (o *outstanding) at(tag uint64) *publish {
	if tag < o.first || tag-o.first >= uint64(len(o.list)) {
		return nil
	}
	if p := &o.list[tag-o.first]; !p.settled {
		return p
	}
	return nil
}

// take settles the publish with a tag.
func (o *outstanding) take(tag uint64) (publish, bool) {
	p := o.at(tag)
	if p == nil {
		return publish{}, false
	}
	p.settled = true
	out := *p
	o.open--
	for o.head < len(o.list) && o.list[o.head].settled {
		o.head++
	}
	return out, true
}

// oldest is the tag of the first publish that is not settled; false if there is none.
func (o *outstanding) oldest() (uint64, bool) {
	if o.head == len(o.list) {
		return 0, false
	}
	return o.first + uint64(o.head), true
}

// returned marks the publish of a message that came back. A return precedes the confirm of its message
// (confirms.md), so the message is among the unsettled ones; mostly it is the oldest.
func (o *outstanding) markReturned(id sim.MsgID) bool {
	for i := o.head; i < len(o.list); i++ {
		if p := &o.list[i]; p.id == id && !p.settled && !p.returned {
			p.returned = true
			return true
		}
	}
	return false
}
