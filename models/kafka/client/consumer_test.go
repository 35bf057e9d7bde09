package client

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// consumerHarness is an application that logs what it receives, and either processes it at once or
// when the script says so.
type consumerHarness struct {
	*fakeCluster
	c      *Consumer
	svc    *sim.Service
	slow   bool
	tokens []uint64
}

func (h *consumerHarness) Delivered(d models.Delivery) {
	id, ok := sim.BodyID(h.w.Arena.Bytes(d.Body))
	if !ok {
		h.logf("received a wrong body")
	}
	h.logf("received %s t0-%d@%d", id, d.Partition, d.Offset)
	if h.slow {
		h.tokens = append(h.tokens, d.Token)
		return
	}
	h.c.Processed(d.Token, true)
}

func TestConsumer(t *testing.T) {
	datadriven.Walk(t, "testdata/consumer", func(t *testing.T, path string) {
		var h *consumerHarness
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "world" {
				h = newConsumerHarness(t, d)
			} else {
				h.command(t, d)
			}
			return h.take()
		})
	})
}

// world brokers=2 partitions=3 ack=after slow auto.offset.reset=none: a cluster and a consumer that has
// just booted. With joined the script begins where it has its assignment and its positions at 0.
func newConsumerHarness(t *testing.T, d *datadriven.TestData) *consumerHarness {
	brokers, partitions, ack, slow, joined := 1, 1, models.AckAfter, false, false
	var settings []string
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "brokers":
			brokers, _ = strconv.Atoi(a.Vals[0])
		case "partitions":
			partitions, _ = strconv.Atoi(a.Vals[0])
		case "ack":
			ack = map[string]models.AckMode{"after": models.AckAfter, "before": models.AckBefore, "auto": models.AckAuto}[a.Vals[0]]
		case "slow":
			slow = true
		case "joined":
			joined = true
		default:
			settings = append(settings, section("consumer", a.Key)+"="+a.Vals[0])
		}
	}
	if ack == models.AckAfter {
		settings = append(settings, "consumer/enable.auto.commit=false") // the application commits after each poll
	}
	h := &consumerHarness{fakeCluster: newFakeCluster(brokers, partitions), slow: slow}
	spec := &models.ConsumerSpec{Name: "consumer-0", Group: "g", Prefetch: -1, Ack: ack, Set: resolve(t, settings...)}
	c := &Cluster{Topics: []string{"t0"}, Brokers: h.hosts}
	host := h.w.AddHost("consumer-0", sim.HostSpec{Cores: 8})
	h.svc = host.Install(models.ClientService, sim.Range{}, func() sim.Program {
		h.c = NewConsumer(c, spec, h)
		return h.c
	})
	h.w.K.Run(sim.Millisecond)
	h.svc.Start()
	if joined {
		for !h.c.booted() || h.c.group.state != memberStable || !h.fetching() {
			h.w.K.Run(h.w.Now() + sim.Millisecond)
			for len(h.waiting) > 0 && !h.fetching() {
				h.answer(t, nil)
			}
		}
		h.w.K.Run(sim.Second)
		h.from = h.w.Now()
		h.out.Reset()
	}
	return h
}

func (c *Consumer) booted() bool { return c != nil && c.proc != nil }

func (h *consumerHarness) fetching() bool {
	return slices.ContainsFunc(h.waiting, func(p pendingCall) bool { _, ok := p.m.(*wire.FetchRequest); return ok })
}

func (h *consumerHarness) command(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "run":
		h.run(t, d)
	case "answer": // answer [broker=1] [of=fetch] [error=...] [n=3] [epoch=5] [offset=7] ...
		h.answer(t, d)
	case "processed": // processed n=2
		n := 1
		d.MaybeScanArgs(t, "n", &n)
		for range n {
			token := h.tokens[0]
			h.tokens = h.tokens[1:]
			h.c.Processed(token, true)
		}
	case "leader":
		var leader, epoch int
		d.ScanArgs(t, "broker", &leader)
		d.ScanArgs(t, "epoch", &epoch)
		for i := range h.leaders {
			h.leaders[i] = partMeta{int32(leader), int32(epoch)}
		}
	case "kill":
		host := h.w.HostNamed(d.CmdArgs[0].Key)
		host.Service(models.ServerService).Kill()
		h.dropWaiting(host)
	case "stop":
		h.svc.Stop()
	default:
		t.Fatalf("no command %s", d.Cmd)
	}
}

// answer answers the oldest waiting request, or the oldest of a kind.
func (h *consumerHarness) answer(t *testing.T, d *datadriven.TestData) {
	broker, kind, e := 0, "", wire.None
	a := answerArgs{epoch: 5, generation: 1}
	if d != nil {
		for _, x := range d.CmdArgs {
			n := 0
			if len(x.Vals) > 0 {
				n, _ = strconv.Atoi(x.Vals[0])
			}
			switch x.Key {
			case "broker":
				broker = n
			case "of":
				kind = x.Vals[0]
			case "error":
				e = errorNamed(t, x.Vals[0])
			case "n":
				a.n = n
			case "epoch":
				a.epoch = n
			case "offset":
				a.offset = int64(n)
			case "generation":
				a.generation = n
			case "member":
				a.member = x.Vals[0]
			case "members":
				a.members = x.Vals
			case "parts":
				for _, v := range x.Vals {
					p, _ := strconv.Atoi(v)
					a.parts = append(a.parts, int32(p))
				}
			case "replica":
				a.replica = int32(n)
			case "corrupt":
				a.corrupt = true
			case "batch":
				a.batch = n
			}
		}
	}
	for i, p := range h.waiting {
		if (broker == 0 || p.broker == int32(broker)) && (kind == "" || strings.HasPrefix(h.describe(p.m), kind)) {
			h.waiting = append(h.waiting[:i:i], h.waiting[i+1:]...)
			h.reply(p, e, a)
			return
		}
	}
	t.Fatalf("no such request waits")
}

type answerArgs struct {
	n, epoch, generation, batch int
	offset                      int64
	member                      string
	members                     []string
	parts                       []int32
	corrupt                     bool
	replica                     int32 // to read from instead
}

func (h *consumerHarness) reply(p pendingCall, e wire.Error, a answerArgs) {
	head := wire.RespHeader{Corr: p.m.Correlation()}
	switch m := p.m.(type) {
	case *wire.JoinGroupRequest:
		r := &wire.JoinGroupResponse{RespHeader: head, Err: e, Generation: int32(a.generation), Protocol: m.Protocols[0].Name, Leader: "m1", Member: "m1"}
		if a.member != "" {
			r.Leader = a.member
		}
		if m.Member == "" && e == wire.None {
			r.Err = wire.MemberIDRequired
		}
		r.Members = []wire.GroupMember{{Member: "m1", Metadata: m.Protocols[0].Metadata}}
		for _, name := range a.members {
			r.Members = append(r.Members, wire.GroupMember{Member: name, Metadata: subscription("t0", nil, ownership{generation: -1}, "")})
		}
		p.answer(r)
	case *wire.SyncGroupRequest:
		r := &wire.SyncGroupResponse{RespHeader: head, Err: e, Protocol: "range"}
		for _, s := range m.Assignments {
			if s.Member == "m1" {
				r.Data = s.Data
			}
		}
		if a.parts != nil {
			r.Data = encodeAssignment([]share{{"t0", a.parts}})
		}
		p.answer(r)
	case *wire.HeartbeatRequest:
		p.answer(&wire.HeartbeatResponse{RespHeader: head, Err: e})
	case *wire.OffsetFetchRequest:
		r := &wire.OffsetFetchResponse{RespHeader: head, Err: e}
		for _, tp := range m.Parts {
			r.Parts = append(r.Parts, wire.OffsetFetchResult{TopicPartition: tp, Offset: a.offset, LeaderEpoch: -1})
		}
		p.answer(r)
	case *wire.OffsetCommitRequest:
		r := &wire.OffsetCommitResponse{RespHeader: head}
		for _, c := range m.Parts {
			r.Parts = append(r.Parts, wire.PartError{TopicPartition: c.TopicPartition, Err: e})
		}
		p.answer(r)
	case *wire.ListOffsetsRequest:
		p.answer(&wire.ListOffsetsResponse{RespHeader: head, Parts: []wire.ListOffsetsResult{{
			TopicPartition: m.Parts[0].TopicPartition, Err: e, Offset: a.offset, LeaderEpoch: int32(a.epoch)}}})
	case *wire.OffsetsForLeaderEpochRequest:
		p.answer(&wire.OffsetsForLeaderEpochResponse{RespHeader: head, Parts: []wire.EpochResult{{
			TopicPartition: m.Parts[0].TopicPartition, Err: e, LeaderEpoch: int32(a.epoch), EndOffset: a.offset}}})
	case *wire.FetchRequest:
		p.answer(h.records(m, head, e, a))
	}
}

// records answers a fetch with n messages at the offset of its first partition, in batches.
func (h *consumerHarness) records(m *wire.FetchRequest, head wire.RespHeader, e wire.Error, a answerArgs) *wire.FetchResponse {
	r := &wire.FetchResponse{RespHeader: head, SessionID: 77}
	if e == wire.FetchSessionIDNotFound {
		r.Err, r.SessionID = e, 0
		return r
	}
	if len(m.Parts) == 0 || a.n == 0 && e == wire.None && a.replica == 0 {
		return r
	}
	res := wire.FetchResult{TopicPartition: m.Parts[0].TopicPartition, Err: e, DivergingEpoch: -1, HintLeader: -1,
		ReadReplica: a.replica, HasReadReplica: a.replica != 0}
	offset := m.Parts[0].Offset
	per := a.n
	if a.batch > 0 {
		per = a.batch
		offset -= offset % int64(per) // a fetch returns whole batches
	}
	for first := offset; first < m.Parts[0].Offset+int64(a.n); first += int64(per) {
		b := log.NewBuilder(h.w)
		for i := range per {
			b.AddBody(1700000000000, nil, sim.NewMsgID(0, uint32(first)+uint32(i)), 100)
		}
		built := b.Build(-1, -1, -1)
		head, bytes := h.w.Arena.Alloc(int(built.Header.Len))
		copy(bytes, h.w.Arena.Bytes(built.Header))
		for i := range 8 {
			bytes[i] = byte(first >> (56 - 8*i))
		}
		bytes[15] = byte(a.epoch) // low byte of the leader epoch, whose others are -1 from the client
		bytes[12], bytes[13], bytes[14] = 0, 0, 0
		if a.corrupt {
			bytes[20] ^= 1
		}
		res.Refs = append(res.Refs, head, built.Records)
		res.Bytes += int32(head.Len + built.Records.Len)
	}
	r.Parts = []wire.FetchResult{res}
	return r
}

// The manual's default is that the library commits; ack: after changes that only where it is switched off.
func TestAutoCommits(t *testing.T) {
	on, off := resolve(t), resolve(t, "consumer/enable.auto.commit=false")
	for _, c := range []struct {
		ack     models.AckMode
		on, off bool
	}{{models.AckAuto, true, false}, {models.AckAfter, true, false}, {models.AckBefore, false, false}} {
		if AutoCommits(c.ack, on) != c.on || AutoCommits(c.ack, off) != c.off {
			t.Errorf("ack %d: %v with the default, %v without auto-commit", c.ack, AutoCommits(c.ack, on), AutoCommits(c.ack, off))
		}
	}
}
