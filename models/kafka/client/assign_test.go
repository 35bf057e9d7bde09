package client

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// party is a group without a broker: members with what they own.
type party struct {
	a     *assignor
	topic map[string]int
	names []string
	reads map[string]string // by member
	has   map[string]ownership
}

func newParty(strategy string, topics map[string]int) *party {
	return &party{a: assignorNamed(strategy), topic: topics, reads: map[string]string{}, has: map[string]ownership{}}
}

func (p *party) enter(name, topic string) {
	p.names = append(p.names, name)
	p.reads[name], p.has[name] = topic, ownership{generation: -1}
}

func (p *party) leave(name string) {
	p.names = slices.DeleteFunc(p.names, func(n string) bool { return n == name })
	delete(p.has, name)
}

// rebalance runs one generation and returns the shares.
func (p *party) rebalance(generation int32) map[string][]int32 {
	var members []wire.GroupMember
	for _, n := range p.names {
		own := ownership{generation: p.has[n].generation}
		if p.a.cooperative {
			own = p.has[n]
		}
		members = append(members, wire.GroupMember{Member: n, Metadata: subscription(p.reads[n], p.a.userData(p.has[n]), own, "")})
	}
	out := map[string][]int32{}
	for _, s := range assignAll(p.a, members, func(t string) int { return p.topic[t] }) {
		topic := p.reads[s.Member]
		out[s.Member] = decodeAssignment(s.Data, topic)
		p.has[s.Member] = ownership{generation: generation}
		if len(out[s.Member]) > 0 {
			p.has[s.Member] = ownership{[]share{{topic, out[s.Member]}}, generation}
		}
	}
	return out
}

func (p *party) show(shares map[string][]int32) string {
	names := slices.Sorted(slices.Values(p.names))
	text := ""
	for _, n := range names {
		text += fmt.Sprintf("%s%v ", n, shares[n])
	}
	return text
}

// The assignments of the examples in the class comments of RangeAssignor, RoundRobinAssignor and
// StickyAssignor, reduced to one topic per member.
func TestAssignors(t *testing.T) {
	for _, c := range []struct {
		strategy, want string
	}{
		{"range", "a[0 1 2] b[0 1] c[3 4] "},
		{"roundrobin", "a[0 2 4] b[0 1] c[1 3] "},
		{"sticky", "a[0 2 4] b[0 1] c[1 3] "},
		{"cooperative-sticky", "a[0 2 4] b[0 1] c[1 3] "},
	} {
		p := newParty(c.strategy, map[string]int{"t0": 5, "t1": 2})
		p.enter("c", "t0")
		p.enter("a", "t0")
		p.enter("b", "t1")
		if got := p.show(p.rebalance(1)); got != c.want {
			t.Errorf("%s: %s, want %s", c.strategy, got, c.want)
		}
	}
}

// A member leaves: the sticky assignor only deals out what it had, range and round robin begin anew.
func TestStickyKeeps(t *testing.T) {
	for _, c := range []struct {
		strategy, before, after string
	}{
		{"range", "a[0 1] b[2 3] c[4 5] ", "b[0 1 2] c[3 4 5] "},
		{"roundrobin", "a[0 3] b[1 4] c[2 5] ", "b[0 2 4] c[1 3 5] "},
		{"sticky", "a[0 3] b[1 4] c[2 5] ", "b[0 1 4] c[2 3 5] "},
		{"cooperative-sticky", "a[0 3] b[1 4] c[2 5] ", "b[0 1 4] c[2 3 5] "},
	} {
		p := newParty(c.strategy, map[string]int{"t0": 6})
		for _, n := range []string{"a", "b", "c"} {
			p.enter(n, "t0")
		}
		if got := p.show(p.rebalance(1)); got != c.before {
			t.Errorf("%s: %s, want %s", c.strategy, got, c.before)
		}
		p.leave("a")
		if got := p.show(p.rebalance(2)); got != c.after {
			t.Errorf("%s: %s, want %s", c.strategy, got, c.after)
		}
	}
}

// A member enters a cooperative group: the first rebalance only takes away, the second gives.
func TestCooperativeTakesTwoRebalances(t *testing.T) {
	p := newParty("cooperative-sticky", map[string]int{"t0": 4})
	p.enter("a", "t0")
	p.enter("b", "t0")
	p.rebalance(1)
	p.enter("c", "t0")
	if got, want := p.show(p.rebalance(2)), "a[0 2] b[1] c[] "; got != want {
		t.Errorf("first: %s, want %s", got, want)
	}
	if got, want := p.show(p.rebalance(3)), "a[0 2] b[1] c[3] "; got != want {
		t.Errorf("second: %s, want %s", got, want)
	}
}

// Two members claim a partition: the newer generation counts; two claims of one generation count as none.
func TestOwnerOf(t *testing.T) {
	claim := func(id string, generation int32) subscriber {
		return subscriber{id: id, topics: []string{"t"}, owned: []share{{"t", []int32{0}}}, generation: generation}
	}
	for _, c := range []struct {
		members []subscriber
		want    int
	}{
		{[]subscriber{claim("a", 3), claim("b", 4)}, 1},
		{[]subscriber{claim("a", 4), claim("b", 3)}, 0},
		{[]subscriber{claim("a", 4), claim("b", 4), claim("c", 4)}, -1},
		{[]subscriber{claim("a", 4), claim("b", 4), claim("c", 5)}, 2},
		{nil, -1},
	} {
		if got := ownerOf(c.members, "t", 0); got != c.want {
			t.Errorf("%v: %d, want %d", c.members, got, c.want)
		}
	}
}

// Random comings and goings: every assignor gives every partition of a topic to exactly one of its
// readers; the sticky ones to within one of each other, moving no more than balance needs; a cooperative
// group never gives a partition away that another member still owns, and is whole after a second round.
func TestAssignorsProperty(t *testing.T) {
	rnd := sim.NewWorld(1, sim.NetSpec{}).Rand("assignors")
	for _, a := range assignors {
		for range 200 {
			n := int(rnd.Below(9)) + 1
			p := newParty(a.name, map[string]int{"t": n})
			next := 0
			generation := int32(0)
			for range 8 {
				if len(p.names) == 0 || rnd.Below(2) == 0 {
					p.enter(fmt.Sprintf("m%d", next), "t")
					next++
				} else if len(p.names) > 1 {
					p.leave(p.names[rnd.Below(uint64(len(p.names)))])
				}
				before := p.owners("t")
				generation++
				shares := p.rebalance(generation)
				if a.cooperative {
					for name, parts := range shares { //mqsim:unordered each on its own
						for _, part := range parts {
							if o, owned := before[part]; owned && o != name {
								t.Fatalf("%s gets %d, which %s owns", name, part, o)
							}
						}
					}
					generation++
					shares = p.rebalance(generation)
				}
				p.checkWhole(t, shares, n)
			}
		}
	}
}

func (p *party) owners(topic string) map[int32]string {
	out := map[int32]string{}
	for _, n := range p.names {
		for _, s := range p.has[n].shares {
			for _, part := range s.parts {
				out[part] = n
			}
		}
	}
	return out
}

func (p *party) checkWhole(t *testing.T, shares map[string][]int32, n int) {
	t.Helper()
	var all []int32
	least, most := n, 0
	for _, name := range p.names {
		all = append(all, shares[name]...)
		least, most = min(least, len(shares[name])), max(most, len(shares[name]))
	}
	slices.Sort(all)
	for i := range all {
		if all[i] != int32(i) {
			t.Fatalf("%s: %s of %d", p.a.name, p.show(shares), n)
		}
	}
	if len(all) != n || most-least > 1 {
		t.Fatalf("%s: %s of %d", p.a.name, p.show(shares), n)
	}
}

func TestSubscriptionRoundTrip(t *testing.T) {
	own := ownership{[]share{{"orders", []int32{2, 5}}}, 9}
	for _, a := range assignors {
		b := subscription("orders", a.userData(own), own, "r1")
		if got := subscribedTopics(b); !slices.Equal(got, []string{"orders"}) {
			t.Errorf("%s: topics %v", a.name, got)
		}
		m := subscriberOf(&a, &wire.GroupMember{Member: "m", Instance: "i", Metadata: b})
		if m.id != "m" || m.instance != "i" || m.generation != 9 || !m.owns("orders", 5) || m.owns("orders", 4) {
			t.Errorf("%s: %+v", a.name, m)
		}
	}
	if subscribedTopics([]byte{0, 3, 0, 0, 0, 9, 0, 9}) != nil || decodeAssignment([]byte{0, 3, 0, 0, 0, 1, 0, 200}, "t") != nil {
		t.Error("malformed bytes are taken")
	}
}

// FuzzSubscription: a member may send anything; the leader of the group must not fall over it.
func FuzzSubscription(f *testing.F) {
	f.Add(subscription("t", nil, ownership{generation: -1}, ""))
	f.Add(subscription("t", []byte{1, 2}, ownership{[]share{{"t", []int32{1}}}, 3}, "r"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for i := range assignors {
			m := wire.GroupMember{Member: "m", Metadata: b}
			assignAll(&assignors[i], []wire.GroupMember{m, {Member: "n", Metadata: subscription("t", nil, ownership{generation: -1}, "")}},
				func(string) int { return 3 })
		}
		decodeAssignment(b, "t")
	})
}
