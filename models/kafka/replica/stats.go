package replica

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Stats is what a cluster counts, and a ledger of what is true of each partition whatever single
// brokers believe. Brokers write to it; no broker reads it, except to check the invariants of the
// spec's section 7. One Stats is shared by all brokers of a cluster and outlives their incarnations.
type Stats struct {
	W *sim.World

	Elections         int64 // leaders elected by the controller since Mark
	UncleanElections  int64
	ControllerChanges int64
	Shrinks           int64
	Expands           int64
	TruncatedRecords  int64 // offsets that followers cut
	SessionsExpired   int64
	ISRMin            int64 // smallest ISR of a user partition since Mark; -1: none known

	ledgers map[wire.TopicPartition]*ledger
	list    []*ledger
	shows   []show
}

// show is a broker's callback that sets its role lane.
type show struct {
	broker int32
	f      func()
}

// Watch registers what to call when a broker's role may have changed. A new incarnation replaces the
// one before and leads nothing yet.
func (s *Stats) Watch(broker int32, f func()) {
	for _, l := range s.list {
		if l.leader == broker {
			l.leader = -1
		}
	}
	for i := range s.shows {
		if s.shows[i].broker == broker {
			s.shows[i].f = f
			return
		}
	}
	s.shows = append(s.shows, show{broker, f})
}

func (s *Stats) showRoles(l *ledger) {
	if internal(l.tp.Topic) {
		return
	}
	for i := range s.shows {
		if l.holds(s.shows[i].broker) {
			s.shows[i].f()
		}
	}
}

// Role is what a broker is for the user's topics, as somebody who knows everything would say: leader
// of one at least, else out-of-sync if some ISR lacks it, else follower; "" without replicas.
func (s *Stats) Role(broker int32) string {
	role := ""
	for _, l := range s.list {
		if internal(l.tp.Topic) || !l.holds(broker) {
			continue
		}
		switch {
		case l.leader == broker:
			return "leader"
		case !l.inISR(broker):
			role = "out-of-sync"
		case role == "":
			role = "follower"
		}
	}
	return role
}

func (l *ledger) holds(broker int32) bool { return l.end(broker) >= 0 }

func (l *ledger) inISR(broker int32) bool { return contains(l.isr, broker) }

// ledger is the truth about one partition.
type ledger struct {
	tp      wire.TopicPartition
	ends    []replicaEnd
	leaders []leadership
	leader  int32
	isr     []int32
	epoch   int32 // of isr
	version int32
	lossy   bool // an unclean election happened: I2 promises nothing more
}

type replicaEnd struct {
	broker int32
	end    int64
}

type leadership struct{ epoch, leader int32 }

// NewStats returns empty statistics.
func NewStats(w *sim.World) *Stats {
	return &Stats{W: w, ISRMin: -1, ledgers: map[wire.TopicPartition]*ledger{}}
}

// Mark begins the window of measurement: counters start over.
func (s *Stats) Mark() {
	s.Elections, s.UncleanElections, s.ControllerChanges, s.Shrinks, s.Expands = 0, 0, 0, 0, 0
	s.TruncatedRecords, s.SessionsExpired, s.ISRMin = 0, 0, -1
	for _, l := range s.list {
		s.noteISR(l)
	}
}

func (s *Stats) ledger(tp wire.TopicPartition) *ledger {
	l := s.ledgers[tp]
	if l == nil {
		l = &ledger{tp: tp, leader: -1, epoch: -1, version: -1}
		s.ledgers[tp] = l
		s.list = append(s.list, l)
	}
	return l
}

// end is where a replica's log ends as far as it ever said; -1 if it never did.
func (l *ledger) end(broker int32) int64 {
	for i := range l.ends {
		if l.ends[i].broker == broker {
			return l.ends[i].end
		}
	}
	return -1
}

func (l *ledger) setEnd(broker int32, end int64) {
	for i := range l.ends {
		if l.ends[i].broker == broker {
			l.ends[i].end = end
			return
		}
	}
	l.ends = append(l.ends, replicaEnd{broker, end})
}

// leads checks invariant I5: at most one leader per leader epoch.
func (s *Stats) leads(p *Partition, broker int32) {
	l := p.ledger
	l.leader = broker
	for i := len(l.leaders) - 1; i >= 0; i-- {
		if l.leaders[i].epoch != p.leaderEpoch {
			continue
		}
		if l.leaders[i].leader != broker {
			p.m.env.Violate("kafka-I5", p.name+": brokers "+itoa(int64(l.leaders[i].leader))+" and "+
				itoa(int64(broker))+" lead in epoch "+itoa(int64(p.leaderEpoch)))
		}
		return
	}
	l.leaders = append(l.leaders, leadership{p.leaderEpoch, broker})
}

// ISR records a committed in-sync set. The controller and the leader both tell; the first to name a
// version of the state counts.
func (s *Stats) ISR(tp wire.TopicPartition, epoch, version int32, isr []int32) {
	l := s.ledger(tp)
	if version <= l.version {
		return
	}
	if !internal(tp.Topic) && l.version >= 0 {
		if len(isr) < len(l.isr) {
			s.Shrinks++
		} else if len(isr) > len(l.isr) {
			s.Expands++
		}
	}
	l.epoch, l.version = epoch, version
	l.isr = append(l.isr[:0], isr...)
	s.noteISR(l)
	s.showRoles(l)
}

func (s *Stats) noteISR(l *ledger) {
	if len(l.isr) == 0 || internal(l.tp.Topic) {
		return
	}
	if n := int64(len(l.isr)); s.ISRMin < 0 || n < s.ISRMin {
		s.ISRMin = n
	}
}

// internal says whether a topic is Kafka's own.
func internal(topic string) bool { return len(topic) > 2 && topic[:2] == "__" }

// Elected records what a controller decided; unclean: the new leader was not in the ISR.
func (s *Stats) Elected(tp wire.TopicPartition, unclean bool) {
	l := s.ledger(tp)
	if unclean {
		l.lossy = true
		s.UncleanElections++
	}
	if !internal(tp.Topic) {
		s.Elections++
	}
}
