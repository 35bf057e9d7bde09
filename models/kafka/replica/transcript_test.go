package replica

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// stage drives replica managers without a network: requests between them lie in boxes until a script
// delivers them. Time stands still except in tick.
type stage struct {
	t      *testing.T
	w      *sim.World
	stats  *Stats
	now    sim.Time
	nodes  []*node
	out    strings.Builder
	timers []timer
	rules  Rules
	writes byte // records written so far
}

type timer struct {
	at   sim.Time
	n    *node
	kind uint16
	arg  uint32
}

// node is one broker: the Env of its manager.
type node struct {
	s     *stage
	id    int32
	m     *Manager
	conns map[int32]*sim.Conn         // of those that fetch here
	from  map[*sim.Conn]string        // who answers go to
	asked map[int32]wire.Request      // fetches of this broker by source, not delivered yet
	back  map[int32]wire.Response     // answers to this broker's fetches, not delivered yet
	alter *wire.AlterPartitionRequest // waits for the controller
	dead  map[int32]bool              // brokers that the metadata cache does not list
}

func newStage(t *testing.T) *stage {
	w := sim.NewWorld(1, sim.NetSpec{})
	return &stage{t: t, w: w, stats: NewStats(w)}
}

func (s *stage) node(id int32, minISR int) *node {
	h := s.w.AddHost(fmt.Sprintf("broker-%d", id), sim.HostSpec{Cores: 1})
	n := &node{s: s, id: id, conns: map[int32]*sim.Conn{}, from: map[*sim.Conn]string{},
		asked: map[int32]wire.Request{}, back: map[int32]wire.Response{}, dead: map[int32]bool{}}
	n.boot(h, minISR)
	s.nodes = append(s.nodes, n)
	return n
}

// boot opens the log directory with the logs that are there.
func (n *node) boot(h *sim.Host, minISR int) {
	s := n.s
	dir, err := log.OpenDir(h.Disks[0].FS(), "logs", 0, log.DirOptions{HWOfHeld: s.rules.HWNotSaved})
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := DefaultConfig(n.id)
	cfg.Rules = s.rules
	opt := log.DefaultOptions()
	opt.EpochFlush = log.EpochFlushInline // nothing here completes a sync in the background
	cfg.Topic = func(string) TopicConfig { return TopicConfig{MinISR: minISR, Log: opt} }
	for _, name := range dir.Partitions() {
		topic, partition, _ := log.SplitPartitionDir(name)
		if _, _, err := dir.Open(topic, partition, opt, n.Wall()); err != nil {
			s.t.Fatal(err)
		}
	}
	n.m = NewManager(cfg, n, dir, s.stats)
	n.m.Start(cfg.ShrinkEvery())
}

// restart kills the process and starts the next one; the page cache survives.
func (n *node) restart(minISR int) {
	h := n.s.w.HostNamed(fmt.Sprintf("broker-%d", n.id))
	n.s.timers = slices.DeleteFunc(n.s.timers, func(t timer) bool { return t.n == n })
	clear(n.asked)
	clear(n.back)
	n.boot(h, minISR)
}

func (s *stage) at(id int) *node {
	for _, n := range s.nodes {
		if n.id == int32(id) {
			return n
		}
	}
	s.t.Fatalf("no broker %d", id)
	return nil
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (n *node) Now() sim.Time { return n.s.now }
func (n *node) Wall() int64   { return 1700000000000 + int64(n.s.now/sim.Millisecond) }
func (n *node) After(d sim.Time, kind uint16, arg uint32) {
	n.s.timers = append(n.s.timers, timer{n.s.now + d, n, kind, arg})
}
func (n *node) Reply(c *sim.Conn, m wire.Response) {
	who := n.from[c]
	switch m := m.(type) {
	case *wire.ProduceResponse:
		for _, p := range m.Parts {
			n.s.say("%s <- broker %d: %s %s offset %d", who, n.id, p.Topic, p.Err, p.BaseOffset)
		}
	case *wire.FetchResponse:
		n.s.say("%s <- broker %d: %s", who, n.id, describe(n.s.w, m))
		for _, o := range n.s.nodes {
			if fmt.Sprintf("broker %d", o.id) == who {
				o.back[n.id] = m
			}
		}
	}
}
func (n *node) Done(*sim.Conn)   {}
func (n *node) Hangup(*sim.Conn) { n.s.say("broker %d closes the connection", n.id) }
func (n *node) Fetch(source int32, m wire.Request) {
	n.asked[source] = m
	if f, ok := m.(*wire.FetchRequest); ok {
		for _, p := range f.Parts {
			n.s.say("broker %d -> broker %d: fetch %d, last epoch %d, at epoch %d", n.id, source, p.Offset, p.LastFetchedEpoch, p.CurrentLeaderEpoch)
		}
		if len(f.Parts) == 0 {
			n.s.say("broker %d -> broker %d: fetch, nothing new", n.id, source)
		}
	}
	if e, ok := m.(*wire.OffsetsForLeaderEpochRequest); ok {
		for _, p := range e.Parts {
			n.s.say("broker %d -> broker %d: where does epoch %d end, at epoch %d", n.id, source, p.LeaderEpoch, p.CurrentLeaderEpoch)
		}
	}
}
func (n *node) Hush(int32) {}
func (n *node) AlterPartition(m *wire.AlterPartitionRequest) {
	n.alter = m
	for _, p := range m.Parts {
		n.s.say("broker %d -> controller: ISR %s at epoch %d.%d", n.id, ids(p.ISR), p.LeaderEpoch, p.PartitionEpoch)
	}
}
func (n *node) MayJoin(id int32, _ int64) bool            { return n.Alive(id) }
func (n *node) Alive(id int32) bool                       { return !n.dead[id] && id >= 0 }
func (n *node) Leader(wire.TopicPartition) (int32, int32) { return -1, -1 }
func (n *node) Node(id int32) (wire.Node, bool)           { return wire.Node{ID: id}, true }
func (n *node) BrokerEpoch() int64                        { return int64(n.id) }
func (n *node) Halt(reason string)                        { n.s.say("broker %d halts: %s", n.id, reason) }
func (n *node) Led(wire.TopicPartition, int32, bool)      {}
func (n *node) Emit(kind, part, text string)              { n.s.say("event %s %s: %s", kind, part, text) }
func (n *node) Probe(name string)                         {}
func (n *node) Violate(invariant, detail string)          { n.s.say("VIOLATED %s: %s", invariant, detail) }

func describe(w *sim.World, m *wire.FetchResponse) string {
	if m.Err != wire.None {
		return m.Err.String()
	}
	if len(m.Parts) == 0 {
		return "nothing new"
	}
	var b []string
	for _, p := range m.Parts {
		s := fmt.Sprintf("hw %d", p.HW)
		if p.Err != wire.None {
			s = p.Err.String()
		}
		if p.DivergingEpoch >= 0 {
			s += fmt.Sprintf(", diverging epoch %d end %d", p.DivergingEpoch, p.DivergingEnd)
		}
		c := log.NewCursor(&w.Arena, p.Refs)
		for c.Next() {
			s += fmt.Sprintf(", %d-%d e%d", c.Header.BaseOffset(), c.Header.LastOffset(), c.Header.LeaderEpoch())
		}
		b = append(b, s)
	}
	return strings.Join(b, "; ")
}

var tp0 = wire.TopicPartition{Topic: "t0"}

// TestTranscripts plays the scripts of testdata. The commands:
//
//	brokers n=3 min-isr=2              make brokers 1..n, each with a disk of its own
//	lead broker=1 epoch=0 isr=(1,2) replicas=(1,2)  a LeaderAndIsr to every broker of replicas
//	tell broker=2 leader=1 epoch=0 ... the same, to one broker
//	produce to=1 acks=-1 n=1           one batch of n records
//	fetch from=2 to=1                  deliver the fetch of broker 2 that waits for broker 1
//	answer to=2 from=1                 deliver the answer
//	round from=2 to=1                  both
//	consume from=1 offset=0 wait=500   a consumer's fetch; without wait it is answered at once
//	controller broker=1 [error=...]    the controller answers broker 1's AlterPartition
//	tick d=15s                         let time pass: timers fire
//	dead broker=1 who=2                broker 1's metadata cache loses broker 2
//	state                              LEO, HW, ISR of every replica
//	elect broker=2 from=1 epoch=1 replicas=(1,2)  the controller elects broker 2, with nobody else in sync, if it is
//	                                   in the ISR of broker 1
//	lose broker=1 to=3                 the log of a broker ends at 3 from now, as after a power loss
//	restart broker=2                   broker 2 is killed and starts with what its log directory holds
//	logs                               every record of every replica: its epoch, and what was written
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/replica", func(t *testing.T, path string) {
		s := newStage(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			s.out.Reset()
			s.command(d)
			if s.out.Len() == 0 {
				return "ok\n"
			}
			return s.out.String()
		})
	})
}

func arg(d *datadriven.TestData, key string, fallback int) int {
	v := fallback
	if d.HasArg(key) {
		d.ScanArgs(s0.t, key, &v)
	}
	return v
}

// s0 gives ScanArgs a *testing.T to fail.
var s0 struct{ t *testing.T }

func list(d *datadriven.TestData, key string) []int32 {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			var out []int32
			for _, v := range a.Vals {
				var n int32
				fmt.Sscan(v, &n)
				out = append(out, n)
			}
			return out
		}
	}
	return nil
}

func (s *stage) command(d *datadriven.TestData) {
	s0.t = s.t
	switch d.Cmd {
	case "brokers":
		for i := range arg(d, "n", 3) {
			s.node(int32(i+1), arg(d, "min-isr", 1))
		}
	case "lead":
		for _, id := range list(d, "replicas") {
			s.tell(s.at(int(id)), int32(arg(d, "broker", 1)), d)
		}
	case "tell":
		s.tell(s.at(arg(d, "broker", 1)), int32(arg(d, "leader", 1)), d)
	case "produce":
		s.produce(s.at(arg(d, "to", 1)), int16(arg(d, "acks", -1)), arg(d, "n", 1))
	case "fetch":
		s.fetch(s.at(arg(d, "from", 2)), s.at(arg(d, "to", 1)))
	case "answer":
		s.answer(s.at(arg(d, "to", 2)), int32(arg(d, "from", 1)))
	case "round":
		n, src := s.at(arg(d, "from", 2)), s.at(arg(d, "to", 1))
		s.fetch(n, src)
		if n.back[src.id] != nil {
			s.answer(n, src.id)
		}
	case "consume":
		s.consume(s.at(arg(d, "from", 1)), int64(arg(d, "offset", 0)), int32(arg(d, "wait", 0)))
	case "controller":
		s.controller(s.at(arg(d, "broker", 1)), d)
	case "tick":
		var text string
		d.ScanArgs(s.t, "d", &text)
		s.tick(text)
	case "dead":
		s.at(arg(d, "broker", 1)).dead[int32(arg(d, "who", 2))] = true
	case "alive":
		delete(s.at(arg(d, "broker", 1)).dead, int32(arg(d, "who", 2)))
	case "restart":
		s.at(arg(d, "broker", 1)).restart(arg(d, "min-isr", 1))
	case "elect":
		s.elect(s.at(arg(d, "broker", 1)), s.at(arg(d, "from", 1)), d)
	case "lose":
		p := s.at(arg(d, "broker", 1)).m.Partition(tp0)
		if _, err := p.Log.TruncateTo(int64(arg(d, "to", 0)), "power loss", 0); err != nil {
			s.t.Fatal(err)
		}
		p.hw = min(p.hw, p.LEO())
	case "logs":
		s.logs()
	case "state":
		s.state()
	default:
		s.t.Fatalf("unknown command %s", d.Cmd)
	}
}

func (s *stage) tell(n *node, leader int32, d *datadriven.TestData) {
	r := n.m.LeaderAndIsr(&wire.LeaderAndIsrRequest{Parts: []wire.PartitionState{{
		TopicPartition: tp0, Leader: leader, LeaderEpoch: int32(arg(d, "epoch", 0)), ISR: list(d, "isr"),
		PartitionEpoch: int32(arg(d, "version", arg(d, "epoch", 0))), Replicas: list(d, "replicas"),
	}}})
	for _, p := range r.Parts {
		if p.Err != wire.None {
			s.say("broker %d answers %s", n.id, p.Err)
		}
	}
}

func (s *stage) elect(n, from *node, d *datadriven.TestData) {
	if !contains(from.m.Partition(tp0).ISR(), n.id) {
		s.say("broker %d is not in the ISR and cannot be elected", n.id)
		return
	}
	d.CmdArgs = append(d.CmdArgs, datadriven.CmdArg{Key: "isr", Vals: []string{fmt.Sprint(n.id)}})
	for _, id := range list(d, "replicas") {
		s.tell(s.at(int(id)), n.id, d)
	}
}

func (s *stage) produce(n *node, acks int16, records int) {
	b := log.NewBuilder(s.w)
	for range records {
		s.writes++
		b.Add(n.Wall(), nil, []byte{s.writes})
	}
	batch := b.Build(log.None, log.None, log.None)
	c := &sim.Conn{}
	n.from[c] = "producer"
	n.m.Produce(c, &wire.ProduceRequest{Acks: acks, TimeoutMs: 30000,
		Parts: []wire.ProducePart{{TopicPartition: tp0, Refs: []sim.Ref{batch.Header, batch.Records}}}})
}

func (s *stage) fetch(n, src *node) {
	req := n.asked[src.id]
	if req == nil {
		s.say("broker %d asks nothing of broker %d", n.id, src.id)
		return
	}
	delete(n.asked, src.id)
	c := src.conns[n.id]
	if c == nil {
		c = &sim.Conn{}
		src.conns[n.id] = c
		src.from[c] = fmt.Sprintf("broker %d", n.id)
	}
	switch req := req.(type) {
	case *wire.FetchRequest:
		src.m.Fetch(c, req)
		if n.back[src.id] == nil {
			s.say("parked")
		}
	case *wire.ListOffsetsRequest:
		n.back[src.id] = src.m.ListOffsets(req)
	case *wire.OffsetsForLeaderEpochRequest:
		r := src.m.OffsetsForLeaderEpoch(req)
		n.back[src.id] = r
		for _, p := range r.Parts {
			s.say("broker %d <- broker %d: %s, epoch %d ends at %d", n.id, src.id, p.Err, p.LeaderEpoch, p.EndOffset)
		}
	}
}

func (s *stage) answer(n *node, source int32) {
	m := n.back[source]
	delete(n.back, source)
	switch m := m.(type) {
	case *wire.FetchResponse:
		n.m.FetchResponse(source, m)
	case *wire.ListOffsetsResponse:
		n.m.OffsetsResponse(source, m)
	case *wire.OffsetsForLeaderEpochResponse:
		n.m.EpochsResponse(source, m)
	case nil:
		n.m.FetchFailed(source)
	}
}

func (s *stage) consume(n *node, offset int64, wait int32) {
	c := &sim.Conn{}
	n.from[c] = "consumer"
	n.m.Fetch(c, &wire.FetchRequest{Replica: -1, MaxWaitMs: wait, MinBytes: 1, MaxBytes: 1 << 20, SessionEpoch: wire.SessionFinal, Parts: []wire.FetchPart{
		{TopicPartition: tp0, CurrentLeaderEpoch: -1, Offset: offset, LastFetchedEpoch: -1, MaxBytes: 1 << 20}}})
}

func (s *stage) controller(n *node, d *datadriven.TestData) {
	req := n.alter
	if req == nil {
		s.say("broker %d asks nothing of the controller", n.id)
		return
	}
	n.alter = nil
	resp := &wire.AlterPartitionResponse{}
	var name string
	if d.HasArg("error") {
		d.ScanArgs(s.t, "error", &name)
	}
	for _, p := range req.Parts {
		r := wire.AlterResult{TopicPartition: p.TopicPartition, Leader: n.id, LeaderEpoch: p.LeaderEpoch, ISR: p.ISR, PartitionEpoch: p.PartitionEpoch + 1}
		switch name {
		case "":
		case "INELIGIBLE_REPLICA":
			r.Err = wire.IneligibleReplica
		case "FENCED_LEADER_EPOCH":
			r.Err = wire.FencedLeaderEpoch
		case "STALE_BROKER_EPOCH":
			resp.Err = wire.StaleBrokerEpoch
		default:
			s.t.Fatalf("unknown error %s", name)
		}
		resp.Parts = append(resp.Parts, r)
	}
	n.m.AlterPartitionDone(resp)
}

func (s *stage) tick(text string) {
	var n int
	var unit string
	fmt.Sscanf(text, "%d%s", &n, &unit)
	d := sim.Time(n) * sim.Second
	if unit == "ms" {
		d = sim.Time(n) * sim.Millisecond
	}
	end := s.now + d
	for {
		sort.SliceStable(s.timers, func(i, j int) bool { return s.timers[i].at < s.timers[j].at })
		if len(s.timers) == 0 || s.timers[0].at > end {
			break
		}
		t := s.timers[0]
		s.timers = s.timers[1:]
		s.now = t.at
		t.n.m.Timer(t.kind, t.arg)
	}
	s.now = end
}

func (s *stage) state() {
	for _, n := range s.nodes {
		p := n.m.Partition(tp0)
		if p == nil || p.Log == nil {
			continue
		}
		what := fmt.Sprintf("follows %d", p.leader)
		if p.Leads() {
			what = "leads, ISR " + ids(p.isr)
			switch p.change.kind {
			case expanding:
				what += " (+" + itoa(int64(p.change.replica)) + " asked)"
			case shrinking:
				what += " (" + ids(p.change.isr) + " asked)"
			}
		}
		var epochs []string
		for _, e := range p.Log.Epochs().Entries() {
			epochs = append(epochs, fmt.Sprintf("%d@%d", e.Epoch, e.Start))
		}
		s.say("broker %d: LEO %d HW %d, epoch %d %s; epochs %s", n.id, p.LEO(), p.hw, p.leaderEpoch, what, strings.Join(epochs, " "))
	}
}
