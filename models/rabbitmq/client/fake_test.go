package client

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/profile"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// fakeCluster is a set of scripted nodes: handshakes and declarations they answer by themselves, unless
// the script says otherwise; what is published or consumed waits for the script.
type fakeCluster struct {
	t     *testing.T
	w     *sim.World
	c     Cluster
	fakes []*fakeNode
	mute  map[string]bool // answers that are not given
	from  sim.Time
	out   strings.Builder

	producer *Producer
	consumer *Consumer
	svc      *sim.Service
	next     uint32
	tokens   []uint64
}

// fakeNode is one node's end of the last connection.
type fakeNode struct {
	f    *fakeCluster
	name string
	p    *sim.Proc
	conn *sim.Conn
	tag  uint64 // of deliveries
	last *wire.Publish
}

func (f *fakeCluster) logf(format string, args ...any) {
	at := f.w.Now() - f.from
	fmt.Fprintf(&f.out, "%6d.%03d ms  ", at/sim.Millisecond, at/sim.Microsecond%1000)
	fmt.Fprintf(&f.out, format+"\n", args...)
}

func (n *fakeNode) Boot(p *sim.Proc) {
	n.p = p
	p.Listen(wire.ClientPort)
}
func (n *fakeNode) Timer(uint16, uint32)       {}
func (n *fakeNode) Accept(c *sim.Conn)         { n.conn = c }
func (n *fakeNode) Connected(*sim.Conn, error) {}
func (n *fakeNode) Synced(uint32, error)       {}
func (n *fakeNode) Stop()                      { n.p.Exit() }
func (n *fakeNode) Closed(c *sim.Conn, why sim.CloseReason) {
	n.f.logf("%s: connection ended (%s)", n.name, why)
}

func (n *fakeNode) send(m wire.Message) { n.conn.Send(m, m.Size()) }

func (n *fakeNode) Receive(c *sim.Conn, msg any) {
	f := n.f
	n.conn = c
	kind := strings.TrimPrefix(fmt.Sprintf("%T", msg), "*wire.")
	var answer wire.Message
	text := kind
	switch m := msg.(type) {
	case *wire.ProtocolHeader:
		answer = &wire.ConnectionStart{}
	case *wire.ConnectionStartOk:
		answer = &wire.ConnectionTune{Heartbeat: 60}
	case *wire.ConnectionTuneOk:
		text = fmt.Sprintf("TuneOk heartbeat=%d", m.Heartbeat)
	case *wire.ConnectionOpen:
		answer = &wire.ConnectionOpenOk{}
	case *wire.ChannelOpen:
		n.tag = 0
		text = fmt.Sprintf("ChannelOpen %d", m.Channel)
		answer = &wire.ChannelOpenOk{Chan: m.Chan}
	case *wire.QueueDeclare:
		text = fmt.Sprintf("QueueDeclare %s passive=%v", m.Queue, m.Passive)
		answer = &wire.QueueDeclareOk{Chan: m.Chan, Queue: m.Queue}
	case *wire.ExchangeDeclare:
		text = fmt.Sprintf("ExchangeDeclare %s %s", m.Exchange, m.Type)
		answer = &wire.ExchangeDeclareOk{Chan: m.Chan}
	case *wire.QueueBind:
		text = fmt.Sprintf("QueueBind %s to %s", m.Queue, m.Exchange)
		answer = &wire.QueueBindOk{Chan: m.Chan}
	case *wire.ConfirmSelect:
		answer = &wire.ConfirmSelectOk{Chan: m.Chan}
	case *wire.Qos:
		text = fmt.Sprintf("Qos %d", m.Prefetch)
		answer = &wire.QosOk{Chan: m.Chan}
	case *wire.Consume:
		text = fmt.Sprintf("Consume %s on %d no-ack=%v", m.Queue, m.Channel, m.NoAck)
		answer = &wire.ConsumeOk{Chan: m.Chan, Tag: m.Tag}
	case *wire.Publish:
		id, ok := sim.BodyID(f.w.Arena.Bytes(m.Body))
		text = fmt.Sprintf("Publish %s to %q/%q mode=%d mandatory=%v ok=%v", id, m.Exchange, m.Key, m.Mode, m.Mandatory, ok)
		n.last = m
	case *wire.Ack:
		text = fmt.Sprintf("Ack %d on %d", m.Tag, m.Channel)
	case *wire.Nack:
		text = fmt.Sprintf("Nack %d on %d requeue=%v", m.Tag, m.Channel, m.Requeue)
	case *wire.ConnectionClose:
		answer = &wire.ConnectionCloseOk{}
	}
	if f.mute["quiet"] && answer != nil {
		n.send(answer)
		return
	}
	f.logf("%s <- %s", n.name, text)
	if answer != nil && !f.mute[kind] {
		n.send(answer)
	}
}

func (f *fakeCluster) Answered(id sim.MsgID, a models.Answer) {
	s := a.Outcome.String()
	if a.Nacked {
		s += " nacked"
	}
	if a.Returned {
		s += " returned"
	}
	f.logf("%s %s queue %d", id, s, a.Partition)
}

func (f *fakeCluster) CanSend() { f.logf("can send") }

func (f *fakeCluster) Delivered(d models.Delivery) {
	id, _ := sim.BodyID(f.w.Arena.Bytes(d.Body))
	f.logf("delivered %s of queue %d redelivered=%v", id, d.Partition, d.Redelivered)
	f.tokens = append(f.tokens, d.Token)
}

func flag(d *datadriven.TestData, key, def string) string {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			if len(a.Vals) == 0 {
				return "true"
			}
			return a.Vals[0]
		}
	}
	return def
}

func number64(t *testing.T, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newFake: world nodes=2 queues=1 KEY=VALUE: a cluster and one client. Settings of the manual stand as
// confirms=, mandatory=, delivery_mode=.
func newFake(t *testing.T, d *datadriven.TestData, consumer bool) *fakeCluster {
	f := &fakeCluster{t: t, w: sim.NewWorld(1, sim.NetSpec{Latency: 250 * sim.Microsecond}), mute: map[string]bool{}}
	for i := range number64(t, flag(d, "nodes", "2")) {
		n := &fakeNode{f: f, name: fmt.Sprintf("n%d", i+1)}
		h := f.w.AddHost(n.name, sim.HostSpec{Cores: 4, Server: true})
		h.Install(models.ServerService, sim.Range{}, func() sim.Program { return n })
		h.Service(models.ServerService).Start()
		f.fakes = append(f.fakes, n)
		f.c.Nodes = append(f.c.Nodes, h)
	}
	s := Stream{Name: "t0"}
	for i := range number64(t, flag(d, "queues", "1")) {
		s.Queues = append(s.Queues, Queue{Name: fmt.Sprintf("t0-%d", i), Durable: true})
	}
	f.c.Streams = []Stream{s, {Name: "t1", Queues: []Queue{{Name: "t1-0", Durable: true}}}}
	f.c.Pool = &wire.Pool{}
	sys := &models.System{Name: "r", Model: "rabbitmq", Version: "3.12"}
	for _, key := range []string{"confirms", "mandatory", "delivery_mode"} {
		if v := flag(d, key, ""); v != "" {
			sys.Sections[models.ProducerSection] = append(sys.Sections[models.ProducerSection], models.Entry{Name: key, Value: v})
		}
	}
	set, problems := models.Resolve(profile.Table(), sys)
	if set == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	host := f.w.AddHost("client", sim.HostSpec{Cores: 4})
	f.svc = host.Install(models.ClientService, sim.Range{}, func() sim.Program {
		if consumer {
			ack := map[string]models.AckMode{"after": models.AckAfter, "before": models.AckBefore, "auto": models.AckAuto}[flag(d, "ack", "after")]
			f.consumer = NewConsumer(&f.c, &models.ConsumerSpec{Name: "consumer-0", At: flag(d, "at", ""), Stay: flag(d, "stay", "") != "",
				Prefetch: int(number64(t, flag(d, "prefetch", "-1"))), Ack: ack, Set: set}, f)
			return f.consumer
		}
		spec := &models.ProducerSpec{Name: "producer-0", At: flag(d, "at", ""), Stay: flag(d, "stay", "") != "",
			Declare: flag(d, "declare", "never"), OneWay: flag(d, "oneway", "") != "",
			Heartbeat: sim.Time(number64(t, flag(d, "heartbeat", "0"))) * sim.Second, Set: set}
		if flag(d, "fanout", "") != "" {
			spec.To = []int{1}
		}
		f.producer = NewProducer(&f.c, spec, f)
		return f.producer
	})
	f.from = f.w.Now()
	f.mute["quiet"] = flag(d, "quiet", "") != ""
	f.svc.Start()
	f.run(20 * sim.Millisecond)
	f.mute["quiet"] = false
	return f
}

func (f *fakeCluster) run(d sim.Time) { f.w.K.Run(f.w.Now() + d) }

func (f *fakeCluster) node(d *datadriven.TestData) *fakeNode {
	return f.fakes[number64(f.t, strings.TrimPrefix(flag(d, "at", "n1"), "n"))-1]
}

// command runs one line of a transcript.
func (f *fakeCluster) command(d *datadriven.TestData) string {
	n := f.node(d)
	ch := wire.Chan{Channel: uint16(number64(f.t, flag(d, "channel", "1")))}
	tag := uint64(number64(f.t, flag(d, "tag", "1")))
	svc := n.p.Host.Service(models.ServerService)
	switch d.Cmd {
	case "send":
		for range number64(f.t, flag(d, "n", "1")) {
			m := models.Message{ID: sim.NewMsgID(0, f.next), Partition: -1, Key: int32(number64(f.t, flag(d, "key", "-1"))), Size: 64}
			if !f.producer.Send(m) {
				f.logf("refused")
				break
			}
			f.next++
		}
	case "ack":
		n.send(&wire.Ack{Chan: ch, Tag: tag, Multiple: flag(d, "multiple", "") != ""})
	case "nack":
		n.send(&wire.Nack{Chan: ch, Tag: tag, Multiple: flag(d, "multiple", "") != ""})
	case "return":
		n.send(&wire.Return{Chan: ch, Code: wire.NoRoute, Key: n.last.Key, Content: n.last.Content})
	case "deliver":
		ref, _ := f.w.Arena.Alloc(64)
		f.w.Body(ref, sim.NewMsgID(7, f.next))
		f.next++
		n.tag++
		n.send(&wire.Deliver{Chan: ch, Tag: n.tag, Redelivered: flag(d, "redelivered", "") != "", Content: wire.Content{Body: ref}})
	case "processed":
		f.consumer.Processed(f.tokens[0], flag(d, "ok", "true") == "true")
		f.tokens = f.tokens[1:]
	case "cancel":
		n.send(&wire.Cancel{Chan: ch})
	case "channel-close":
		n.send(&wire.ChannelClose{Chan: ch, Code: wire.NotFound, Text: "NOT_FOUND"})
	case "close":
		n.send(&wire.ConnectionClose{Code: wire.ConnectionForced, Text: "CONNECTION_FORCED"})
	case "blocked":
		n.send(&wire.ConnectionBlocked{Reason: "low on memory"})
	case "unblocked":
		n.send(&wire.ConnectionUnblocked{})
	case "kill":
		svc.Kill()
	case "pause":
		svc.Pause()
	case "start":
		svc.Start()
	case "mute":
		f.mute[d.CmdArgs[0].Key] = true
	case "unmute":
		delete(f.mute, d.CmdArgs[0].Key)
	case "stop":
		f.svc.Stop()
	case "ready":
		if f.producer != nil {
			f.logf("ready=%v", f.producer.Ready())
		} else {
			f.logf("ready=%v", f.consumer.Ready())
		}
	case "run":
	default:
		f.t.Fatalf("unknown command %s", d.Cmd)
	}
	span, err := models.ParseSpan(flag(d, "for", "5ms"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.run(span)
	s := f.out.String()
	f.out.Reset()
	return s
}

func transcripts(t *testing.T, dir string, consumer bool) {
	datadriven.Walk(t, dir, func(t *testing.T, path string) {
		var f *fakeCluster
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "world" {
				f = newFake(t, d, consumer)
				d.Cmd = "ready"
				d.CmdArgs = nil
			}
			f.t = t
			return f.command(d)
		})
	})
}

func TestProducer(t *testing.T) { transcripts(t, "testdata/producer", false) }
func TestConsumer(t *testing.T) { transcripts(t, "testdata/consumer", true) }
