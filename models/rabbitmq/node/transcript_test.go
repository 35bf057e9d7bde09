package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

func num(td *datadriven.TestData, name string, n int) int {
	td.MaybeScanArgs(&testing.T{}, name, &n)
	return n
}

func word(td *datadriven.TestData, name string) string {
	for _, a := range td.CmdArgs {
		if a.Key == name && len(a.Vals) > 0 {
			return a.Vals[0]
		}
	}
	return ""
}

// confirming is a channel whose queue processes are names: what they do is told.
type confirming struct {
	k     *rig
	b     *bare
	ch    *channel
	names []string
}

func (c *confirming) pid(name string) wire.Pid {
	i := slices.Index(c.names, name)
	if i < 0 {
		i = len(c.names)
		c.names = append(c.names, name)
	}
	// the name's first letter is its node: a is n1, b n2
	n := uint16(name[0] - 'a')
	pid := wire.Pid{Node: n, Serial: uint32(5000 + i), Creation: c.ch.n.creation}
	if int(n) != c.ch.n.index {
		pid.Creation = c.ch.n.links[n].creation
	}
	return pid
}

func (c *confirming) publish(queues []string) {
	ch := c.ch
	ch.seq++
	o := open{}
	for _, queue := range queues {
		pending := uint64(0)
		for _, name := range strings.Split(queue, "+") {
			rep := ch.replica(c.pid(name))
			if rep == nil {
				rep = ch.newReplica(c.pid(name))
			}
			pending |= rep.bit
		}
		o.sent |= pending
		if o.queues++; o.queues == 1 {
			o.pending = pending
		} else {
			o.rest = append(o.rest, openPart{pending: pending})
		}
	}
	ch.window = append(ch.window, o)
}

func (c *confirming) command(td *datadriven.TestData) string {
	ch := c.ch
	switch td.Cmd {
	case "rules":
		ch.n.k.Rules.AckInFlight = td.HasArg("ack-in-flight")
	case "publish":
		var queues []string
		for _, a := range td.CmdArgs {
			queues = append(queues, a.Key)
		}
		c.publish(queues)
	case "confirm", "reject":
		var seqs []uint64
		for _, s := range td.CmdArgs[1:] {
			var seq uint64
			fmt.Sscan(s.Key, &seq)
			seqs = append(seqs, seq)
		}
		ch.confirmed(&wire.Confirm{From: c.pid(td.CmdArgs[0].Key), Seqs: seqs, Reject: td.Cmd == "reject"})
	case "down":
		ch.down(c.pid(td.CmdArgs[0].Key), td.HasArg("crash"), td.HasArg("deleted"))
	case "node-down":
		ch.nodeDown(uint16(td.CmdArgs[0].Key[0] - 'a'))
	}
	acked, nacked := len(c.b.acked), len(c.b.nacked)
	c.k.run(10 * sim.Millisecond)
	var b strings.Builder
	for what, set := range [2]map[uint64]bool{c.b.acked, c.b.nacked} {
		if len(set) > [2]int{acked, nacked}[what] {
			var all []uint64
			for s := range set {
				all = append(all, s)
			}
			slices.Sort(all)
			fmt.Fprintf(&b, "%s so far: %d\n", [2]string{"acked", "nacked"}[what], all)
		}
	}
	for i := ch.head; i < len(ch.window); i++ {
		o := &ch.window[i]
		if o.state != isOpen {
			continue
		}
		fmt.Fprintf(&b, "%d waits for", ch.base+uint64(i-ch.head))
		pending := o.pending
		for _, r := range o.rest {
			pending |= r.pending
		}
		for _, name := range c.names {
			if rep := ch.replica(c.pid(name)); rep != nil && pending&rep.bit != 0 {
				b.WriteString(" " + name)
			}
		}
		b.WriteString("\n")
	}
	for _, v := range c.k.w.Trace.Violations {
		fmt.Fprintf(&b, "violated: %s\n", v)
	}
	if b.Len() == 0 {
		return "nothing is open\n"
	}
	return b.String()
}

// TestConfirms plays the confirms of one channel: rules 10 to 15 and 21.
func TestConfirms(t *testing.T) {
	datadriven.Walk(t, "testdata/confirms", func(t *testing.T, path string) {
		k := newRig(t, 3, DefaultRules())
		b := k.client(0)
		d := k.node(0).conns[0]
		c := &confirming{k: k, b: b, ch: d.channels[0]}
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string { return c.command(td) })
	})
}

// TestPromotion plays a mirrored queue of three nodes: who takes over, and with what.
func TestPromotion(t *testing.T) {
	datadriven.Walk(t, "testdata/promotion", func(t *testing.T, path string) {
		k := newRig(t, 3, DefaultRules())
		var p *bare
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			node := num(td, "node", 1) - 1
			switch td.Cmd {
			case "policy":
				policy := Policy{AutoSync: td.HasArg("automatic"), OnShutdown: WhenSynced}
				if word(td, "on-failure") == "when-synced" {
					policy.OnFailure = WhenSynced
				}
				if word(td, "on-shutdown") == "always" {
					policy.OnShutdown = Always
				}
				k.mirrored(policy)
			case "declare":
				k.declare("q", node)
			case "connect":
				p = k.client(node)
			case "publish":
				p.publish("q", num(td, "n", 1), wire.Persistent)
			case "kill":
				k.nodes[node].Service("server").Kill()
			case "stop":
				k.nodes[node].Service("server").Stop()
			case "start":
				k.nodes[node].Service("server").Start()
				k.run(3 * sim.Second)
			default:
				t.Fatalf("what is %s?", td.Cmd)
			}
			k.run(2 * sim.Second)
			return k.showQueue("q", p)
		})
		k.check()
	})
}

func (k *rig) showQueue(name string, p *bare) string {
	var b strings.Builder
	for i := range k.nodes {
		n := k.node(i)
		if n == nil || !n.Running() {
			continue
		}
		v, ok := n.View(name)
		if !ok {
			return "no queue\n"
		}
		names := func(nodes []int) string {
			out := ""
			for _, i := range nodes {
				out += fmt.Sprintf(" n%d", i+1)
			}
			return out
		}
		fmt.Fprintf(&b, "master n%d, mirrors%s, synchronised%s\nmessages:", v.Home+1, names(v.Mirrors), names(v.Synced))
		break
	}
	for i := range k.nodes {
		if n := k.node(i); n != nil && n.Running() && n.queues[name] != nil {
			fmt.Fprintf(&b, " n%d %d", i+1, n.queues[name].st.length())
		}
	}
	b.WriteString("\n")
	if p != nil {
		fmt.Fprintf(&b, "published %d, acked %d, nacked %d\n", p.sent, len(p.acked), len(p.nacked))
	}
	return b.String()
}
