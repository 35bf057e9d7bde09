package broker

import (
	"testing"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// flow is a producer and a consumer on one connection each: sends at a fixed rate, one pull at a time.
type flow struct {
	k       *cluster
	p       *sim.Proc
	to, sub *sim.Conn
	every   sim.Time
	body    sim.Ref
	props   []byte
	sent    int
	acked   int
	got     int
	next    int64
	opaque  int32
}

func (f *flow) Boot(p *sim.Proc) {
	f.p = p
	f.to = p.Dial(f.k.hosts["broker-a-0"], wire.ClientPort)
	f.sub = p.Dial(f.k.hosts["broker-a-0"], wire.ClientPort)
}
func (f *flow) Accept(*sim.Conn)                  {}
func (f *flow) Synced(uint32, error)              {}
func (f *flow) Stop()                             { f.p.Exit() }
func (f *flow) Closed(*sim.Conn, sim.CloseReason) {}
func (f *flow) Connected(c *sim.Conn, err error) {
	if c == f.to {
		f.p.After(f.every, 0, 0)
		return
	}
	f.pull()
}
func (f *flow) Timer(uint16, uint32) {
	f.p.After(f.every, 0, 0)
	m := f.k.pool.Send()
	f.opaque++
	m.Opaque, m.Group, m.Topic, m.QueueID, m.MaxReconsumeTimes, m.WaitStore, m.Body = f.opaque, "pg", "t0", 0, -1, true, f.body
	m.Props = append(m.Props, f.props...)
	f.sent++
	f.to.Send(m, m.Size())
}
func (f *flow) pull() {
	m := f.k.pool.Pull()
	m.Group, m.Topic, m.Offset, m.MaxMsgs, m.SuspendTimeout = "cg", "t0", f.next, 32, 15000
	m.SysFlag = wire.PullSubscription | wire.PullSuspend
	f.sub.Send(m, m.Size())
}
func (f *flow) Receive(_ *sim.Conn, m any) {
	switch m := m.(type) {
	case *wire.SendMessageResponse:
		if m.Code == wire.Success {
			f.acked++
		}
		f.k.pool.PutSent(m)
	case *wire.PullMessageResponse:
		f.got += int(m.Count)
		f.next = m.NextOffset
		f.k.pool.PutPulled(m)
		f.pull()
	}
}

func startFlow(k *cluster, every sim.Time, size int) *flow {
	ref, _ := k.w.Arena.Alloc(size)
	f := &flow{k: k, every: every, body: ref, props: []byte("UNIQ_KEY\x010A00000100002A9F0000000000000000\x02WAIT\x01true\x02")}
	k.clients.Install("flow", sim.Range{}, func() sim.Program { return f })
	k.clients.Service("flow").Start()
	return f
}

// BenchmarkMessage is one message end to end through a group of two with SYNC_MASTER: send, HA frame,
// report, answer, pull.
func BenchmarkMessage(b *testing.B) {
	for _, role := range []Role{AsyncMaster, SyncMaster} {
		b.Run(role.String(), func(b *testing.B) {
			k := newCluster(b, options{slaves: 1, role: role, file: 1 << 30})
			k.settled()
			k.create("broker-a-0", "t0", 1)
			k.run(sim.Second)
			f := startFlow(k, 200*sim.Microsecond, 1024)
			k.run(sim.Second)
			before, ev := f.acked, k.w.K.Events()
			b.ReportAllocs()
			b.ResetTimer()
			k.run(sim.Time(b.N) * 200 * sim.Microsecond)
			b.StopTimer()
			b.ReportMetric(float64(k.w.K.Events()-ev)/float64(b.N), "events/op")
			if f.acked-before < b.N*9/10 || f.got < f.acked-500 {
				b.Fatalf("%d acked, %d received of %d", f.acked-before, f.got, b.N)
			}
		})
	}
}

// BenchmarkIdle is a second of a group of two with nothing to do.
func BenchmarkIdle(b *testing.B) {
	k := newCluster(b, options{slaves: 1, role: SyncMaster})
	k.settled()
	k.run(60 * sim.Second)
	ev := k.w.K.Events()
	b.ReportAllocs()
	b.ResetTimer()
	k.run(sim.Time(b.N) * sim.Second)
	b.ReportMetric(float64(k.w.K.Events()-ev)/float64(b.N), "events/op")
}
