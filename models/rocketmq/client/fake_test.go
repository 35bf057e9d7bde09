package client

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/profile"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// fake is a NameServer and scripted brokers: routes, heartbeats, member lists and offsets they answer by
// themselves, sends and pulls wait for the script.
type fake struct {
	w       *sim.World
	cl      Cluster
	route   *wire.RouteResponse
	waiting []pending
	out     strings.Builder
	from    sim.Time
	next    uint32
	pools   *wire.Pool

	producer *Producer
	consumer *Consumer
}

type pending struct {
	host string
	c    *sim.Conn
	m    wire.Request
}

type fakeServer struct {
	f *fake
	p *sim.Proc
}

func (s *fakeServer) Boot(p *sim.Proc) {
	s.p = p
	p.Listen(wire.ClientPort)
	p.Listen(wire.NamesrvPort)
}
func (s *fakeServer) Timer(uint16, uint32)              {}
func (s *fakeServer) Accept(*sim.Conn)                  {}
func (s *fakeServer) Connected(*sim.Conn, error)        {}
func (s *fakeServer) Closed(*sim.Conn, sim.CloseReason) {}
func (s *fakeServer) Synced(uint32, error)              {}
func (s *fakeServer) Stop()                             {}

func (s *fakeServer) Receive(c *sim.Conn, m any) {
	f := s.f
	h := wire.RespHeader{Opaque: m.(wire.Request).Correlation()}
	send := func(r wire.Response) { c.Send(r, r.Size()) }
	switch m := m.(type) {
	case *wire.RouteRequest:
		r := *f.route
		r.Opaque, r.Topic = m.Opaque, m.Topic
		if m.Topic != "t0" || len(r.Queues) == 0 {
			r.Code = wire.TopicNotExist
		}
		send(&r)
	case *wire.HeartbeatRequest:
		send(&wire.Answer{RespHeader: h})
	case *wire.ConsumerListRequest:
		send(&wire.ConsumerListResponse{RespHeader: h, IDs: []string{"client@1"}})
	case *wire.QueryOffsetRequest:
		send(&wire.OffsetResponse{RespHeader: h, Offset: 100})
	case *wire.UpdateOffsetRequest:
		f.logf("%s <- commit %s/%d = %d", s.p.Host.Name, m.Topic, m.ID, m.Offset)
	case *wire.LockRequest:
		f.logf("%s <- lock", s.p.Host.Name)
		send(&wire.LockResponse{RespHeader: h, Broker: m.Broker, Queues: m.Queues})
	case *wire.SendMessageRequest:
		id, _ := sim.BodyID(f.w.Arena.Bytes(m.Body))
		f.logf("%s <- send %s queue %d", s.p.Host.Name, id, m.QueueID)
		f.waiting = append(f.waiting, pending{s.p.Host.Name, c, m})
	case *wire.PullMessageRequest:
		f.logf("%s <- pull queue %d from %d", s.p.Host.Name, m.QueueID, m.Offset)
		f.waiting = append(f.waiting, pending{s.p.Host.Name, c, m})
	}
}

func (f *fake) logf(format string, args ...any) {
	at := f.w.Now() - f.from
	fmt.Fprintf(&f.out, "%8d ms  ", at/sim.Millisecond)
	fmt.Fprintf(&f.out, format+"\n", args...)
}

// Answered is the application above the producer.
func (f *fake) Answered(id sim.MsgID, a models.Answer) {
	s := a.Outcome.String()
	if a.Status != StatusNone {
		s += " " + append([]string{""}, profile.Statuses()...)[a.Status]
	}
	f.logf("%s %s", id, s)
}

func (f *fake) CanSend()                  {}
func (f *fake) Delivered(models.Delivery) {}

// setRoute reads "a=0:broker-a-0,1:broker-a-1 b=0:broker-b-0".
func (f *fake) setRoute(args []datadriven.CmdArg) {
	f.route = &wire.RouteResponse{}
	for _, a := range args {
		if len(a.Key) != 1 {
			continue
		}
		d := wire.BrokerData{Broker: a.Key}
		for _, v := range a.Vals {
			id, addr, _ := strings.Cut(v, ":")
			n, _ := strconv.Atoi(id)
			d.Addrs = append(d.Addrs, wire.BrokerAddr{ID: int64(n), Addr: addr})
		}
		f.route.Queues = append(f.route.Queues, wire.QueueData{Broker: a.Key, ReadQueues: 1, WriteQueues: 1, Perm: wire.PermRead | wire.PermWrite})
		f.route.Brokers = append(f.route.Brokers, d)
	}
}

// newFake builds a world for one client: kind producer or consumer, further arguments are its settings.
func newFake(t *testing.T, d *datadriven.TestData) *fake {
	f := &fake{w: sim.NewWorld(1, sim.NetSpec{Latency: 500 * sim.Microsecond}), pools: wire.NewPool()}
	for _, n := range []string{"namesrv-1", "broker-a-0", "broker-a-1", "broker-b-0"} {
		h := f.w.AddHost(n, sim.HostSpec{Cores: 4, Server: true})
		h.Install(models.ServerService, sim.Range{}, func() sim.Program { return &fakeServer{f: f} }).Start()
	}
	f.cl = Cluster{Topics: []string{"t0"}, Queues: []int32{1}, Groups: []string{"a", "b"}, Namesrv: []*sim.Host{f.w.HostNamed("namesrv-1")}, Pool: f.pools}
	f.setRoute(d.CmdArgs)
	sys := &models.System{Name: "r", Model: "rocketmq", Version: "4.9"}
	kind, mode := d.CmdArgs[0].Key, models.Async
	for _, a := range d.CmdArgs[1:] {
		switch {
		case a.Key == "sync":
			mode = models.Sync
		case a.Key == "oneway":
			mode = models.OneWay
		case len(a.Key) > 1:
			s := models.ProducerSection
			if kind == "consumer" {
				s = models.ConsumerSection
			}
			sys.Sections[s] = append(sys.Sections[s], models.Entry{Name: a.Key, Value: a.Vals[0]})
		}
	}
	set, problems := models.Resolve(profile.Table(), sys)
	if len(problems) > 0 {
		t.Fatal(problems[0].Text)
	}
	h := f.w.AddHost("client", sim.HostSpec{Cores: 4})
	h.Install(models.ClientService, sim.Range{}, func() sim.Program {
		if kind == "consumer" {
			f.consumer = NewConsumer(&f.cl, &models.ConsumerSpec{Name: "consumer-0", Group: "g", Set: set}, f)
			return f.consumer
		}
		f.producer = NewProducer(&f.cl, &models.ProducerSpec{Name: "producer-0", Sync: mode == models.Sync, OneWay: mode == models.OneWay, Set: set}, f)
		return f.producer
	}).Start()
	f.w.K.Run(100 * sim.Millisecond)
	f.from = f.w.Now()
	return f
}

func (f *fake) command(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "send":
		m := models.Message{ID: sim.NewMsgID(0, f.next), Partition: -1, Key: -1, Size: 64}
		f.next++
		f.producer.Send(m)
	case "route":
		f.setRoute(d.CmdArgs)
	case "run":
		span, err := models.ParseSpan(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		f.w.K.Run(f.w.Now() + span)
	case "kill": // what waits was read: the peer sees a FIN
		f.waiting = nil
		f.service(d).Kill()
	case "power-off":
		f.w.HostNamed(d.CmdArgs[0].Key).PowerOff(sim.CrashKind(0))
	case "reset":
		for _, p := range f.waiting {
			p.c.Reset()
		}
		f.waiting = nil
	case "start":
		f.service(d).Start()
	case "answer":
		if len(f.waiting) == 0 {
			t.Fatal("nothing waits")
		}
		p := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.answer(t, p, d)
	default:
		t.Fatalf("no command %s", d.Cmd)
	}
}

func (f *fake) service(d *datadriven.TestData) *sim.Service {
	return f.w.HostNamed(d.CmdArgs[0].Key).Service(models.ServerService)
}

// answer sends a code, for a pull with the next offset and the suggested broker.
func (f *fake) answer(t *testing.T, p pending, d *datadriven.TestData) {
	code := wire.Code(-1)
	for c := wire.Code(0); c < 600; c++ {
		if c.String() == d.CmdArgs[0].Key {
			code = c
		}
	}
	if code < 0 {
		t.Fatalf("no code %s", d.CmdArgs[0].Key)
	}
	h := wire.RespHeader{Opaque: p.m.Correlation(), Code: code}
	if _, pull := p.m.(*wire.PullMessageRequest); !pull {
		r := &wire.SendMessageResponse{RespHeader: h}
		p.c.Send(r, r.Size())
		return
	}
	r := &wire.PullMessageResponse{RespHeader: h}
	for _, a := range d.CmdArgs[1:] {
		n, _ := strconv.ParseInt(a.Vals[0], 10, 64)
		switch a.Key {
		case "next":
			r.NextOffset = n
		case "suggest":
			r.Suggest = n
		}
	}
	p.c.Send(r, r.Size())
}

func TestProducer(t *testing.T) { transcripts(t, "testdata/producer") }
func TestConsumer(t *testing.T) { transcripts(t, "testdata/consumer") }

func transcripts(t *testing.T, dir string) {
	datadriven.Walk(t, dir, func(t *testing.T, path string) {
		var f *fake
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "world" {
				f = newFake(t, d)
			} else {
				f.command(t, d)
			}
			s := f.out.String()
			f.out.Reset()
			return s
		})
	})
}

// TestAveragely quotes the examples of AllocateMessageQueueAveragely: the first members get one more.
func TestAveragely(t *testing.T) {
	all := make([]target, 8)
	for i := range all {
		all[i] = target{"a", int32(i)}
	}
	ids := []string{"c0", "c1", "c2"}
	var got []int
	for _, id := range ids {
		got = append(got, len(averagely(all, ids, id)))
	}
	if fmt.Sprint(got) != "[3 3 2]" {
		t.Errorf("%v", got)
	}
	if averagely(all, ids, "c3") != nil || len(averagely(all[:1], ids, "c1")) != 0 || len(averagely(all[:1], ids, "c0")) != 1 {
		t.Error("members without a queue")
	}
}
