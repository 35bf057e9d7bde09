package verdict

import (
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/workload"
)

// selection narrows measuring to some periods and to one client, stream, partition or group. nil and
// the zero value select everything.
type selection struct {
	when periods

	f        *facts
	producer int // by the kind of scope; -1 = any
	consumer int
	group    int
	parts    []bool // by partition number, the last for NoPart; nil = any
	streams  []bool // by stream, for messages whose partition nobody told
	narrow   bool
}

// selectScope resolves a scope by name. The text says why there is nothing of that name.
func (f *facts) selectScope(s Scope, when periods) (*selection, string) {
	sel := &selection{when: when, f: f, producer: -1, consumer: -1, group: -1, narrow: true}
	if s.Name == "" {
		sel.narrow = false
		return sel, ""
	}
	if s.Kind == "group" {
		return f.selectGroup(sel, s.Name)
	}
	for p, info := range f.h.Producers {
		if info.Name == s.Name {
			sel.producer = p
			return sel, ""
		}
	}
	for c, info := range f.h.Consumers {
		if info.Name == s.Name {
			sel.consumer = c
			return sel, ""
		}
	}
	if sel.take(func(p workload.Part) bool { return f.h.Streams[p.Stream].Name == s.Name }) ||
		sel.take(func(p workload.Part) bool { return p.Name == s.Name }) {
		return sel, ""
	}
	return nil, "no client, stream or partition is called " + s.Name + didYouMean(s.Name, f.scopeNames())
}

// selectGroup takes a group of consumers, or the partitions of a group of brokers, whose names stand
// before a slash (RocketMQ's a/t0-0).
func (f *facts) selectGroup(sel *selection, name string) (*selection, string) {
	for g, info := range f.h.Groups {
		if info.Name == name {
			sel.group = g
			return sel, ""
		}
	}
	if sel.take(func(p workload.Part) bool { return strings.HasPrefix(p.Name, name+"/") }) {
		return sel, ""
	}
	return nil, "no group is called " + name
}

// take selects partitions and says whether there are any.
func (s *selection) take(wanted func(workload.Part) bool) bool {
	s.parts = make([]bool, len(s.f.parts)+1)
	s.streams = make([]bool, len(s.f.h.Streams))
	rest := make([]bool, len(s.f.h.Streams))
	found := false
	for i, p := range s.f.parts {
		if wanted(p) {
			s.parts[i], s.streams[p.Stream], found = true, true, true
		} else {
			rest[p.Stream] = true
		}
	}
	for i := range rest { // a message of unknown partition belongs to a stream only as a whole
		s.streams[i] = s.streams[i] && !rest[i]
	}
	return found
}

func (f *facts) scopeNames() []string {
	var names []string
	for _, p := range f.h.Producers {
		names = append(names, p.Name)
	}
	for _, c := range f.h.Consumers {
		names = append(names, c.Name)
	}
	for _, s := range f.h.Streams {
		names = append(names, s.Name)
	}
	for _, p := range f.parts {
		names = append(names, p.Name)
	}
	return names
}

func (s *selection) all() bool { return s == nil || !s.narrow }

// oneGroup says whether only deliveries to one group are selected.
func (s *selection) oneGroup() bool { return !s.all() && (s.consumer >= 0 || s.group >= 0) }

// sent says whether message i belongs to the selection.
func (s *selection) sent(i int) bool {
	if s.all() {
		return true
	}
	if s.producer >= 0 {
		return int(s.f.owner[i]) == s.producer
	}
	if s.parts != nil {
		part := s.f.partOf(i)
		if part == workload.NoPart {
			return s.streams[s.f.sends[i].Stream]
		}
		return s.parts[part]
	}
	return true
}

// missed is sent for a send that never began.
func (s *selection) missed(m *workload.Miss) bool {
	switch {
	case s.all():
		return true
	case s.producer >= 0:
		return int(m.Producer) == s.producer
	case s.parts != nil && m.Part != workload.NoPart:
		return s.parts[m.Part]
	case s.parts != nil:
		return s.streams[s.f.h.Producers[m.Producer].Stream]
	}
	return true
}

// delivered says whether a delivery belongs to the selection.
func (s *selection) delivered(d *workload.Delivery) bool {
	switch {
	case s.all():
		return true
	case s.consumer >= 0:
		return int(d.Consumer) == s.consumer
	case s.group >= 0:
		return s.f.h.Consumers[d.Consumer].Group == s.group
	case s.producer >= 0:
		return d.Flags&workload.Corrupted == 0 && int(d.ID.Producer()) == s.producer
	}
	return s.parts[s.f.partSlot(d.Part)]
}

// reads says whether a group belongs to the selection.
func (s *selection) reads(f *facts, g int) bool {
	switch {
	case s.all():
		return true
	case s.consumer >= 0:
		return f.h.Consumers[s.consumer].Group == g
	case s.group >= 0:
		return s.group == g
	}
	return true
}

// holds says whether a partition belongs to the selection.
func (s *selection) holds(part uint32) bool {
	return s.all() || s.parts == nil || s.parts[part]
}

func (f *facts) acked(i int) bool { return f.sends[i].Outcome() == models.Acked }
