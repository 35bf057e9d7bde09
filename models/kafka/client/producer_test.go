package client

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// producerHarness is an application that sends what the script says and logs what it is told.
type producerHarness struct {
	*fakeCluster
	p    *Producer
	svc  *sim.Service
	next uint32
}

func (h *producerHarness) Answered(id sim.MsgID, a models.Answer) {
	s := a.Outcome.String()
	if a.Partition >= 0 {
		s += fmt.Sprintf(" t0-%d", a.Partition)
	}
	if a.Offset >= 0 {
		s += fmt.Sprintf("@%d", a.Offset)
	}
	h.logf("%s %s", id, s)
}

func (h *producerHarness) CanSend() { h.logf("can send") }

func TestProducer(t *testing.T) {
	datadriven.Walk(t, "testdata/producer", func(t *testing.T, path string) {
		var h *producerHarness
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "world" {
				h = newProducerHarness(t, d)
				return h.take()
			}
			h.command(t, d)
			return h.take()
		})
	})
}

// world is the command of that name with its arguments, for tests without a transcript.
func world(args ...string) *datadriven.TestData {
	d := &datadriven.TestData{Cmd: "world"}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		d.CmdArgs = append(d.CmdArgs, datadriven.CmdArg{Key: k, Vals: []string{v}})
	}
	return d
}

// world brokers=2 partitions=1 acks=all linger.ms=5: a cluster, and a producer that is ready.
func newProducerHarness(t *testing.T, d *datadriven.TestData) *producerHarness {
	brokers, partitions := 1, 1
	oneway, connect := false, true
	var settings []string
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "brokers":
			brokers, _ = strconv.Atoi(a.Vals[0])
		case "partitions":
			partitions, _ = strconv.Atoi(a.Vals[0])
		case "oneway":
			oneway = true
		case "unready":
			connect = false
		default:
			settings = append(settings, section("producer", a.Key)+"="+a.Vals[0])
		}
	}
	h := &producerHarness{fakeCluster: newFakeCluster(brokers, partitions)}
	spec := &models.ProducerSpec{Name: "producer-0", OneWay: oneway, Set: resolve(t, settings...)}
	c := &Cluster{Topics: []string{"t0"}, Brokers: h.hosts}
	host := h.w.AddHost("producer-0", sim.HostSpec{Cores: 8})
	h.svc = host.Install(models.ClientService, sim.Range{}, func() sim.Program {
		h.p = NewProducer(c, spec, h)
		return h.p
	})
	h.w.K.Run(sim.Millisecond)
	h.svc.Start()
	if connect {
		if !h.w.K.RunUntil(sim.Second, func() bool { return h.p != nil && h.p.Ready() }) {
			t.Fatal("the producer does not get ready")
		}
		h.w.K.Run(sim.Second)
		h.from = h.w.Now()
		h.out.Reset()
	}
	return h
}

func (h *producerHarness) command(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "send": // send [n=3] [size=100] [key=7] [partition=1]
		h.send(t, d)
	case "run": // run 100ms
		h.run(t, d)
	case "answer": // answer [broker=1] [error=NOT_LEADER_OR_FOLLOWER] [leader=2 epoch=6] [offset=7]
		h.answerProduce(t, d)
	case "leader": // leader t0-0=2 epoch=6: what metadata says from now on
		var leader, epoch int
		d.ScanArgs(t, "broker", &leader)
		d.ScanArgs(t, "epoch", &epoch)
		for i := range h.leaders {
			h.leaders[i] = partMeta{int32(leader), int32(epoch)}
		}
	case "kill", "power-off", "start":
		host := h.w.HostNamed(d.CmdArgs[0].Key)
		switch d.Cmd {
		case "kill":
			host.Service(models.ServerService).Kill()
			h.dropWaiting(host)
		case "power-off":
			host.PowerOff(sim.CrashNone)
			h.dropWaiting(host)
		default:
			host.Service(models.ServerService).Start()
		}
	case "stop":
		h.svc.Stop()
	case "pause":
		h.svc.Pause()
	case "resume":
		h.svc.Resume()
	default:
		t.Fatalf("no command %s", d.Cmd)
	}
}

func (f *fakeCluster) dropWaiting(host *sim.Host) {
	kept := f.waiting[:0]
	for _, p := range f.waiting {
		if f.hosts[p.broker-1] != host {
			kept = append(kept, p)
		}
	}
	f.waiting = kept
}

func (h *producerHarness) send(t *testing.T, d *datadriven.TestData) {
	n, size, key, partition := 1, 100, -1, -1
	for _, a := range d.CmdArgs {
		v, err := strconv.Atoi(a.Vals[0])
		if err != nil {
			t.Fatal(err)
		}
		switch a.Key {
		case "n":
			n = v
		case "size":
			size = v
		case "key":
			key = v
		case "partition":
			partition = v
		}
	}
	refused := 0
	for range n {
		m := models.Message{ID: sim.NewMsgID(0, h.next), Key: int32(key), Partition: int32(partition), Size: uint32(size)}
		if h.p.Send(m) {
			h.next++
		} else {
			refused++
		}
	}
	if refused > 0 {
		h.logf("%d refused", refused)
	}
}

func (f *fakeCluster) run(t *testing.T, d *datadriven.TestData) {
	span, err := models.ParseSpan(d.CmdArgs[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	f.w.K.Run(f.w.Now() + span)
}

func (h *producerHarness) answerProduce(t *testing.T, d *datadriven.TestData) {
	broker, e := 0, wire.None
	leader, epoch := -1, -1
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "broker":
			broker, _ = strconv.Atoi(a.Vals[0])
		case "error":
			e = errorNamed(t, a.Vals[0])
		case "leader":
			leader, _ = strconv.Atoi(a.Vals[0])
		case "epoch":
			epoch, _ = strconv.Atoi(a.Vals[0])
		case "offset":
			n, _ := strconv.Atoi(a.Vals[0])
			h.offset = int64(n)
		}
	}
	call := h.pick(t, int32(broker))
	req := call.m.(*wire.ProduceRequest)
	r := &wire.ProduceResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
	for i := range req.Parts {
		res := wire.ProduceResult{TopicPartition: req.Parts[i].TopicPartition, Err: e, BaseOffset: -1, HintLeader: int32(leader), HintEpoch: int32(epoch)}
		if e == wire.None {
			res.BaseOffset = h.offset
			h.offset += int64(strings.Count(h.describe(req), " p0-"))
		}
		r.Parts = append(r.Parts, res)
	}
	if leader > 0 {
		r.Nodes = []wire.Node{{ID: int32(leader), Host: h.hosts[leader-1].Name}}
	}
	call.answer(r)
}
