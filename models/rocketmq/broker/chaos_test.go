package broker

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// writer sends one message after another to the master, whatever happened to the last one.
type writer struct {
	k     *cluster
	n     int
	busy  bool
	asked sim.Time
	gen   int
	acked map[string]wire.Code
}

func (w *writer) poke() {
	k := w.k
	if w.busy && k.w.Now()-w.asked > 4*sim.Second {
		w.busy = false
		w.gen++
		if c := k.client.conns["broker-a-0"]; c != nil {
			c.Reset()
			delete(k.client.conns, "broker-a-0")
		}
	}
	if w.busy {
		return
	}
	body := fmt.Sprintf("m%d", w.n)
	w.n++
	w.busy, w.asked = true, k.w.Now()
	gen := w.gen
	m := k.pool.Send()
	m.Group, m.Topic, m.DefaultTopicNums, m.MaxReconsumeTimes, m.WaitStore = "pg", "t0", 1, -1, true
	m.Body = k.w.Arena.Put([]byte(body))
	k.client.ask(k.hosts["broker-a-0"], wire.ClientPort, m, func(r wire.Response) {
		if gen == w.gen {
			w.busy = false
		}
		if r.Result().Stored() {
			w.acked[body] = r.Result()
		}
	})
}

// bodies are all messages of a queue in order, as the broker would serve them.
func (k *cluster) bodies(host string) []string {
	var out []string
	s := k.broker(host).store
	var g store.Get
	for at := int64(0); ; at = g.Next {
		s.Get("t0", 0, at, 32, nil, &g)
		if g.Status != store.Found {
			return out
		}
		c := store.NewCursor(&k.w.Arena, g.Refs)
		for c.Left() > 0 && c.Next(true) == store.Good {
			out = append(out, string(c.BodyBytes()))
		}
	}
}

func (k *cluster) chaos(seed uint64, power bool) *writer {
	w := &writer{k: k, acked: map[string]wire.Code{}}
	r := sim.NewRand(seed, "chaos")
	all := []*sim.Host{k.hosts["broker-a-0"], k.hosts["broker-a-1"], k.ns[0], k.ns[1]}
	var rules []*sim.Rule
	heal := func() {
		for _, x := range rules {
			k.w.Net.RemoveRule(x)
		}
		rules = nil
	}
	svc := func(h *sim.Host) *sim.Service { return h.Services()[0] }
	for end := k.w.Now() + 200*sim.Second; k.w.Now() < end; {
		h := all[r.Below(4)]
		switch r.Below(8) {
		case 0:
			svc(h).Kill()
		case 1, 2:
			if h.Up {
				svc(h).Start()
			} else {
				h.PowerOn(5 * sim.Second)
			}
		case 3:
			svc(h).Pause()
		case 4:
			svc(h).Resume()
		case 5:
			o := all[r.Below(4)]
			x := &sim.Rule{From: sim.NewHostSet(h), To: sim.NewHostSet(o), Cut: true}
			rules = append(rules, x)
			k.w.Net.Add(x)
		case 6:
			heal()
		case 7:
			if power {
				h.PowerOff(sim.CrashTypical)
			} else {
				svc(h).Stop()
			}
		}
		for next := k.w.Now() + r.Range(sim.Second, 15*sim.Second); k.w.Now() < next; {
			w.poke()
			k.run(20 * sim.Millisecond)
		}
	}
	heal()
	for _, h := range all {
		svc(h).Resume()
		if !h.Up {
			h.PowerOn(sim.Second)
		}
	}
	k.run(2 * sim.Second)
	for _, h := range all {
		svc(h).Start()
	}
	return w
}

// Without power loss nothing that was stored is lost, the slave ends equal to its master, and no
// invariant breaks. With power loss and SYNC_FLUSH every SEND_OK survives on the master.
func TestChaos(t *testing.T) {
	seeds := uint64(16)
	if testing.Short() {
		seeds = 4
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		power := seed%2 == 0
		o := options{slaves: 1, role: SyncMaster, seed: seed}
		if seed%4 == 3 {
			o.role = AsyncMaster
		}
		if power {
			o.flush = store.SyncFlush
		}
		k := newCluster(t, o)
		k.settled()
		k.create("broker-a-0", "t0", 1)
		k.run(15 * sim.Second)
		w := k.chaos(seed, power)
		k.until(120*sim.Second, "a registered master", func() bool { b := k.master("a"); return b != nil && b.Serving() })
		if !power {
			k.settled()
		}
		k.run(time2)
		have := map[string]bool{}
		for _, b := range k.bodies("broker-a-0") {
			if have[b] {
				t.Errorf("seed %d: %s twice", seed, b)
			}
			have[b] = true
		}
		for b, code := range w.acked { //mqsim:unordered each on its own
			if !have[b] && (!power || code == wire.Success) {
				t.Errorf("seed %d: %s was acknowledged with %s and is gone", seed, b, code.SendStatus())
			}
		}
		if !power {
			m, s := k.bodies("broker-a-0"), k.bodies("broker-a-1")
			if len(m) != len(s) {
				t.Errorf("seed %d: the master has %d messages, the slave %d", seed, len(m), len(s))
			}
		}
		if len(w.acked) < 100 {
			t.Errorf("seed %d: only %d of %d acknowledged", seed, len(w.acked), w.n)
		}
		k.check()
		if t.Failed() {
			k.dump()
			return
		}
	}
}

const time2 = 2 * sim.Second

// Row 21: the master lost its unflushed tail and the slave is ahead: SEND_OK without replication.
func TestSlaveAhead(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: SyncMaster})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.run(15 * sim.Second)
	for i := range 30 {
		k.wantSend("broker-a-0", "t0", 0, fmt.Sprintf("m%d", i), "SEND_OK", int64(i))
	}
	h := k.hosts["broker-a-0"]
	h.PowerOff(sim.CrashAll)
	h.PowerOn(sim.Second)
	k.until(30*sim.Second, "a master", func() bool { b := k.master("a"); return b != nil && b.Serving() })
	k.run(15 * sim.Second)
	lost := k.broker("broker-a-0").LogEnd()
	if s := k.broker("broker-a-1").LogEnd(); lost >= s {
		t.Fatalf("the master ends at %d, the slave at %d", lost, s)
	}
	k.send("broker-a-0", "t0", 0, "reset") // the old connection
	s, off := k.send("broker-a-0", "t0", 0, "reused")
	if s != "SEND_OK" || off >= 30 {
		t.Errorf("send to a master behind its slave: %s at %d", s, off)
	}
	if names, _ := k.w.Trace.Probes(); !slices.Contains(names, "rocketmq-slave-ahead") {
		t.Error("the slave was not ahead")
	}
	k.check()
}

// Rows 5 and 38: NameServers do not know each other; a restarted one is empty until the next round.
func TestNamesrvRestart(t *testing.T) {
	k := newCluster(t, options{groups: 2})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.create("broker-b-0", "t0", 1)
	k.run(time2)
	ns := k.ns[0].Service(namesrv.ServiceName)
	ns.Kill()
	ns.Start()
	k.run(1500 * sim.Millisecond)
	if r := k.route("t0"); r == nil || r.Code != wire.TopicNotExist {
		t.Errorf("an empty NameServer answers %+v", r)
	}
	k.run(31 * sim.Second)
	if r := k.route("t0"); r == nil || len(r.Queues) != 2 {
		t.Errorf("after a round of registrations: %+v", r)
	}
	k.check()
}

// Row 16: a slave with an empty disk gets the master's newest file and never the older ones.
func TestBlankSlave(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: AsyncMaster})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	f := startFlow(k, sim.Millisecond, 2000)
	k.run(3 * sim.Second)
	k.clients.Service("flow").Kill()
	if f.acked < 2500 {
		t.Fatalf("%d sends", f.acked)
	}
	h := k.hosts["broker-a-1"]
	h.Service(server).Kill()
	h.Disks[0].Wipe()
	h.Service(server).Start()
	k.run(time2)
	k.settled()
	m, s := k.broker("broker-a-0").store, k.broker("broker-a-1").store
	if m.MinOffset() != 0 || s.MinOffset() != m.MaxOffset()-m.MaxOffset()%(1<<20) || s.MaxOffset() != m.MaxOffset() {
		t.Errorf("master [%d, %d), slave [%d, %d)", m.MinOffset(), m.MaxOffset(), s.MinOffset(), s.MaxOffset())
	}
	k.check()
}

// Row 62: an orderly stop takes the group out of the routes at once and leaves no abort file.
func TestOrderlyRestart(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: AsyncMaster})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.wantSend("broker-a-0", "t0", 0, "m0", "SEND_OK", 0)
	svc := k.hosts["broker-a-0"].Service(server)
	svc.Stop()
	k.run(5 * sim.Millisecond)
	if r := k.route("t0"); r == nil || len(r.Brokers[0].Addrs) != 1 {
		t.Errorf("route while it stops: %+v", r)
	}
	k.until(10*sim.Second, "an end", func() bool { return !svc.Running() })
	if k.hosts["broker-a-0"].Disks[0].FS().Exists("store/abort") {
		t.Error("the abort file is there")
	}
	svc.Start()
	k.run(5 * sim.Second)
	k.wantSend("broker-a-0", "t0", 0, "m1", "SEND_OK", 1)
	k.check()
}

// Row 43: an append that waits for the disk makes later sends fail fast, and they are not stored.
func TestStalledAppend(t *testing.T) {
	k := newCluster(t, options{})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	f := startFlow(k, sim.Millisecond, 2000)
	k.run(100 * sim.Millisecond)
	k.hosts["broker-a-0"].Disks[0].Stall(sim.OpWrite, "*")
	k.run(5 * sim.Second)
	names, _ := k.w.Trace.Probes()
	if !slices.Contains(names, "rocketmq-send-queue-timeout") {
		t.Errorf("no queued send timed out: %v", names)
	}
	code := ""
	m := k.pool.Send()
	m.Group, m.Topic, m.MaxReconsumeTimes, m.Body = "pg", "t0", -1, f.body
	if r, ok := k.ask(k.hosts["broker-a-0"], wire.ClientPort, m, sim.Second).(*wire.SendMessageResponse); ok {
		code = r.Code.String() + " " + r.Remark
	}
	if code != "SYSTEM_BUSY [REJECTREQUEST]system busy, start flow control for a while" {
		t.Errorf("a send after 5 s: %s", code)
	}
	k.check()
}

// One seed gives one run.
func TestDeterminism(t *testing.T) {
	digest := func() uint64 {
		k := newCluster(t, options{slaves: 1, role: SyncMaster, seed: 5})
		k.settled()
		k.create("broker-a-0", "t0", 1)
		k.chaos(5, true)
		return k.w.K.Digest()
	}
	if a, b := digest(), digest(); a != b {
		t.Errorf("%x and %x", a, b)
	}
}
