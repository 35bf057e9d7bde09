package sim

// Rule is one disturbance of the network: packets from a host of From to a host of To on one of
// Classes are cut, delayed, lost, squeezed or refused. Rules compose and are removed one by one.
// A rule for both directions is two rules.
type Rule struct {
	From, To  HostSet
	Classes   uint8 // bit per PortClass; 0 means all
	Cut       bool
	Latency   Time  // added
	Jitter    Time  // added
	Loss      int64 // parts per million
	Bandwidth int64 // bytes/s of each sending host, 0: unlimited
	Refuse    bool  // new connections are refused
	// Touched counts the packets that the rule hit.
	Touched int64

	pipes []*pipe // of Bandwidth, by sending host
}

// HostSet is a set of hosts.
type HostSet []uint64

// NewHostSet returns the set of the given hosts.
func NewHostSet(hosts ...*Host) HostSet {
	var s HostSet
	for _, h := range hosts {
		s = s.add(h.ID)
	}
	return s
}

// With returns the set with one more host. The receiver may share its memory.
func (s HostSet) With(h *Host) HostSet { return s.add(h.ID) }

func (s HostSet) add(id HostID) HostSet {
	for len(s) <= int(id>>6) {
		s = append(s, 0)
	}
	s[id>>6] |= 1 << (id & 63)
	return s
}

// Has says whether a host is in the set.
func (s HostSet) Has(id HostID) bool {
	return int(id>>6) < len(s) && s[id>>6]&(1<<(id&63)) != 0
}

func (r *Rule) applies(from, to *Host, class PortClass) bool {
	return r.From.Has(from.ID) && r.To.Has(to.ID) && (r.Classes == 0 || r.Classes&(1<<class) != 0)
}

// Add puts a rule into force.
func (n *Network) Add(r *Rule) { n.rules = append(n.rules, r) }

// RemoveRule lifts a rule. Connections that waited because of it go on at their next retransmission.
func (n *Network) RemoveRule(r *Rule) {
	for i, x := range n.rules {
		if x == r {
			n.drain(i)
			n.rules = append(n.rules[:i], n.rules[i+1:]...)
			break
		}
	}
	n.recheck()
}

// WouldDrop says, without side effects, whether a packet from a to b would be dropped now.
func (n *Network) WouldDrop(a, b *Host, class PortClass) bool { return n.cut(a, b, class, false) }

func (n *Network) cut(from, to *Host, class PortClass, count bool) bool {
	for _, r := range n.rules {
		if r.Cut && r.applies(from, to, class) {
			if count {
				r.Touched++
			}
			return true
		}
	}
	return false
}

func (n *Network) refused(from, to *Host, class PortClass) bool {
	for _, r := range n.rules {
		if r.Refuse && r.applies(from, to, class) {
			r.Touched++
			return true
		}
	}
	return false
}

// lossy draws whether a segment from a host to another is lost at random.
func (n *Network) lossy(from, to *Host, class PortClass) bool {
	for _, r := range n.rules {
		if r.Loss > 0 && r.applies(from, to, class) && n.w.Rand("loss").Chance(uint64(r.Loss), 1_000_000) {
			r.Touched++
			return true
		}
	}
	return false
}

// shape applies added latency.
func (n *Network) shape(from, to *Host, class PortClass, lat, jit Time) (Time, Time) {
	for _, r := range n.rules {
		if (r.Latency == 0 && r.Jitter == 0) || !r.applies(from, to, class) {
			continue
		}
		r.Touched++
		lat += r.Latency
		jit += r.Jitter
	}
	return lat, jit
}

// Questions without side effects, for the proof that a fault took hold.

// WouldDelay is the latency and jitter that rules add to a packet from a to b now.
func (n *Network) WouldDelay(a, b *Host, class PortClass) (latency, jitter Time) {
	for _, r := range n.rules {
		if r.applies(a, b, class) {
			latency += r.Latency
			jitter += r.Jitter
		}
	}
	return latency, jitter
}

// LossChance is the chance, in millionths, that a segment from a to b is lost at random now.
func (n *Network) LossChance(a, b *Host, class PortClass) int64 {
	through := int64(1_000_000)
	for _, r := range n.rules {
		if r.Loss > 0 && r.applies(a, b, class) {
			through = through * (1_000_000 - min(r.Loss, 1_000_000)) / 1_000_000
		}
	}
	return 1_000_000 - through
}

// Limit is the bandwidth that rules leave to packets from a to b now, 0 if none limits it.
func (n *Network) Limit(a, b *Host, class PortClass) int64 {
	limit := int64(0)
	for _, r := range n.rules {
		if r.Bandwidth > 0 && (limit == 0 || r.Bandwidth < limit) && r.applies(a, b, class) {
			limit = r.Bandwidth
		}
	}
	return limit
}

// WouldRefuse says whether a rule refuses a new connection from a to b now.
func (n *Network) WouldRefuse(a, b *Host, class PortClass) bool {
	for _, r := range n.rules {
		if r.Refuse && r.applies(a, b, class) {
			return true
		}
	}
	return false
}

// ResetConnections breaks every open connection between a host of a and a host of b on a class in
// classes (0: all): both ends get RST. It returns how many it broke.
func (n *Network) ResetConnections(a, b HostSet, classes uint8) int {
	broken := 0
	for _, h := range n.w.Hosts {
		for _, s := range h.services {
			if s.proc == nil {
				continue
			}
			for _, c := range s.proc.conns {
				if c.state != connOpen || (classes != 0 && classes&(1<<c.Port.Class) == 0) {
					continue
				}
				if (a.Has(c.host.ID) && b.Has(c.Peer.ID)) || (b.Has(c.host.ID) && a.Has(c.Peer.ID)) {
					n.notify(c, CloseReset)
					if c.other == nil || c.other.p == nil || c.host.ID <= c.Peer.ID { // its other end is counted else
						broken++
					}
				}
			}
		}
	}
	return broken
}
