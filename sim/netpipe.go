package sim

// pipe is the way of one sending host through a rule that limits bandwidth: one segment after the
// other, in order, as a token bucket on the host's egress would let them go.
type pipe struct {
	rule  *Rule
	host  *Host
	queue []piped
	head  int
	busy  bool
	gen   uint32
}

// piped is a segment that waits in a pipe; at is when it came.
type piped struct {
	c  *Conn
	s  segment
	at Time
}

// pipe is the rule's pipe of a sending host.
func (r *Rule) pipe(h *Host) *pipe {
	for _, p := range r.pipes {
		if p.host == h {
			return p
		}
	}
	p := &pipe{rule: r, host: h}
	r.pipes = append(r.pipes, p)
	return p
}

// squeeze puts a segment into the pipe of the first rule from index on that limits its way; false: none does.
func (n *Network) squeeze(index int, c *Conn, s *segment, at Time) bool {
	if c.host == c.Peer {
		return false
	}
	for _, r := range n.rules[index:] {
		if r.Bandwidth > 0 && r.applies(c.host, c.Peer, c.Port.Class) {
			r.Touched++
			p := r.pipe(c.host)
			p.queue = append(p.queue, piped{c, *s, at})
			n.pump(p)
			return true
		}
	}
	return false
}

// pump lets the first waiting segment of an idle pipe through.
func (n *Network) pump(p *pipe) {
	if p.busy || p.head == len(p.queue) {
		return
	}
	p.busy = true
	x := &p.queue[p.head]
	at := max(n.w.Now(), x.at) + transferTime(x.s.size, p.rule.Bandwidth)
	n.post(at, &segment{kind: segPiped, m: p, gen: p.gen})
}

// piped is the end of a segment's way through a pipe.
func (n *Network) piped(p *pipe) {
	x := p.queue[p.head]
	p.queue[p.head] = piped{}
	p.head++
	if p.head == len(p.queue) {
		p.queue, p.head = p.queue[:0], 0
	}
	p.busy = false
	for i, r := range n.rules {
		if r == p.rule {
			n.leavePipe(i+1, &x)
			break
		}
	}
	n.pump(p)
}

// drain lets everything through that waits in the pipes of the rule at index, which limits no longer.
func (n *Network) drain(index int) {
	r := n.rules[index]
	r.Bandwidth = 0
	for _, p := range r.pipes {
		p.gen++
		p.busy = false
		for p.head < len(p.queue) {
			x := p.queue[p.head]
			p.head++
			n.leavePipe(index+1, &x)
		}
	}
	r.pipes = nil
}

// leavePipe sends a segment on its way behind a pipe: through the next one, or onto the wire.
func (n *Network) leavePipe(index int, x *piped) {
	c, at := x.c, max(n.w.Now(), x.at)
	switch {
	case !c.host.Up || n.squeeze(index, c, &x.s, at):
	case c.Peer.Up && !n.cut(c.host, c.Peer, c.Port.Class, true):
		n.wire(c, &x.s, at)
	default:
		n.recall(c, x, at)
	}
}

// recall is what becomes of a segment that finds the way cut: with all that follows it in pipes it waits
// for a retransmission, before what the connection has sent since.
func (n *Network) recall(c *Conn, x *piped, at Time) {
	early := []segment{x.s}
	for i := len(n.rules) - 1; i >= 0; i-- { // what is in a later pipe was sent before
		for _, p := range n.rules[i].pipes {
			early = n.withdraw(c, p, early)
		}
	}
	if !c.stalled {
		n.stall(c, &early[0], at)
		early = early[1:]
		c.queue = append(c.queue, early...)
		return
	}
	c.queue = append(early, c.queue...)
}

// withdraw moves a connection's segments from a pipe to the end of a list.
func (n *Network) withdraw(c *Conn, p *pipe, list []segment) []segment {
	kept := p.queue[:0]
	waiting := p.queue[p.head:]
	first := len(waiting) > 0 && waiting[0].c == c
	for _, x := range waiting {
		if x.c == c {
			list = append(list, x.s)
		} else {
			kept = append(kept, x)
		}
	}
	clear(p.queue[len(kept):])
	p.queue, p.head = kept, 0
	if first && p.busy { // the next one goes now
		p.gen++
		p.busy = false
		n.pump(p)
	}
	return list
}
