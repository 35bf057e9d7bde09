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
	Bandwidth int64 // bytes/s, 0: unlimited
	Refuse    bool  // new connections are refused
	// Touched counts the packets that the rule hit.
	Touched int64
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

// dropped draws random loss for a segment of c's end.
func (n *Network) dropped(c *Conn) bool {
	for _, r := range n.rules {
		if r.Loss > 0 && r.applies(c.host, c.Peer, c.Port.Class) && n.w.Rand("loss").Chance(uint64(r.Loss), 1_000_000) {
			r.Touched++
			return true
		}
	}
	return false
}

// shape applies added latency and squeezed bandwidth.
func (n *Network) shape(from, to *Host, class PortClass, lat, jit Time, bw int64) (Time, Time, int64) {
	for _, r := range n.rules {
		if (r.Latency == 0 && r.Jitter == 0 && r.Bandwidth == 0) || !r.applies(from, to, class) {
			continue
		}
		r.Touched++
		lat += r.Latency
		jit += r.Jitter
		if r.Bandwidth > 0 && (bw == 0 || r.Bandwidth < bw) {
			bw = r.Bandwidth
		}
	}
	return lat, jit, bw
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
					broken++
				}
			}
		}
	}
	return broken
}
