package sim

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// probe is a program that writes down what happens to it.
type probe struct {
	p      *Proc
	log    []string
	conns  []*Conn
	listen bool
	echo   bool
	cost   Time
	lane   int
	onBoot func(*probe)
	onRecv func(*probe, *Conn, any)
}

func (b *probe) say(format string, args ...any) {
	b.log = append(b.log, fmt.Sprintf("%s ", b.p.Now())+fmt.Sprintf(format, args...))
}
func (b *probe) Boot(p *Proc) {
	b.p = p
	if b.listen {
		p.Listen(testPort)
	}
	if b.onBoot != nil {
		b.onBoot(b)
	}
}
func (b *probe) Timer(kind uint16, arg uint32) { b.say("timer %d %d", kind, arg) }
func (b *probe) Accept(c *Conn)                { b.conns = append(b.conns, c) }
func (b *probe) Connected(c *Conn, err error)  { b.say("connected %v", err) }
func (b *probe) Receive(c *Conn, m any) {
	b.say("got %v", m)
	if b.onRecv != nil {
		b.onRecv(b, c, m)
	}
	if b.echo {
		c.Send(m, 100)
	}
}
func (b *probe) Closed(c *Conn, why CloseReason)           { b.say("closed %s", why) }
func (b *probe) Synced(arg uint32, err error)              { b.say("synced %d %v", arg, err) }
func (b *probe) Stop()                                     { b.say("stop"); b.p.Exit() }
func (b *probe) Cost(c *Conn, m any) (lane int, cost Time) { return b.lane, b.cost }

var testPort = Port{Num: 1, Class: PortClient}

// netPair is a client on host a and a server on host b, 1 ms apart.
type netPair struct {
	w        *World
	a, b     *Host
	sa, sb   *Service
	cli, srv *probe
	c        *Conn
}

func newPair(t testing.TB) *netPair {
	w := NewWorld(1, NetSpec{Latency: Millisecond})
	x := &netPair{w: w, a: w.AddHost("a", HostSpec{Cores: 1}), b: w.AddHost("b", HostSpec{Cores: 1, Server: true})}
	x.cli, x.srv = &probe{lane: -1}, &probe{lane: -1, listen: true}
	x.sa = x.a.Install("client", Range{}, func() Program { return x.cli })
	x.sb = x.b.Install("server", Range{}, func() Program { return x.srv })
	x.sb.Start()
	x.sa.Start()
	w.K.Run(0)
	x.c = x.cli.p.Dial(x.b, testPort)
	w.K.Run(10 * Millisecond)
	require.True(t, x.c.Open())
	x.cli.log = nil
	return x
}

func (x *netPair) both(f func(from, to *Host)) {
	f(x.a, x.b)
	f(x.b, x.a)
}

func TestKillClosesSockets(t *testing.T) {
	x := newPair(t)
	x.sb.Kill()
	x.w.K.Run(Second)
	require.Equal(t, []string{"11ms closed FIN"}, x.cli.log)
}

func TestKillWithUnreadDataResets(t *testing.T) {
	x := newPair(t)
	x.srv.cost = Second // the message waits for the CPU
	x.c.Send("m", 10)
	x.w.K.Run(20 * Millisecond)
	x.sb.Kill()
	x.w.K.Run(Second)
	require.Equal(t, []string{"21ms closed RST"}, x.cli.log)
}

func TestPowerOffIsSilentUntilRetransmissionAfterReboot(t *testing.T) {
	x := newPair(t)
	x.b.PowerOff(CrashNone)
	x.c.Send("m", 10) // first retransmissions at 0.2, 0.6, 1.4, 3.0, 6.2 s after 10 ms
	x.b.PowerOn(4 * Second)
	x.w.K.Run(100 * Second)
	require.Equal(t, []string{"6.212s closed RST"}, x.cli.log)
}

func TestPowerOffGivesUpAfterFifteenRetries(t *testing.T) {
	x := newPair(t)
	x.b.PowerOff(CrashNone)
	x.c.Send("m", 10)
	x.w.K.Run(1000 * Second)
	require.Equal(t, []string{"15m24.61s closed timed out"}, x.cli.log)
}

func TestConnectionSurvivesCutAndResumesAtRetransmission(t *testing.T) {
	x := newPair(t)
	x.srv.echo = true
	var rules []*Rule
	x.both(func(from, to *Host) {
		r := &Rule{From: NewHostSet(from), To: NewHostSet(to), Cut: true}
		rules = append(rules, r)
		x.w.Net.Add(r)
	})
	x.c.Send("one", 10)
	x.c.Send("two", 10)
	x.w.K.Run(30 * Second)
	require.Empty(t, x.srv.log)
	for _, r := range rules {
		x.w.Net.RemoveRule(r)
	}
	x.w.K.Run(100 * Second)
	// 0.2*(2^8-1) = 51.0 s after the first segment left at 10 ms.
	require.Equal(t, []string{"51.011s got one", "51.011s got two"}, x.srv.log)
	require.Equal(t, []string{"51.012s got one", "51.012s got two"}, x.cli.log)
	require.EqualValues(t, 1, rules[0].Touched)
}

func TestCutOfOnePortLeavesTheOther(t *testing.T) {
	x := newPair(t)
	x.w.Net.Add(&Rule{From: NewHostSet(x.a), To: NewHostSet(x.b), Cut: true, Classes: 1 << PortReplication})
	x.c.Send("m", 10)
	x.w.K.Run(Second)
	require.Equal(t, []string{"11ms got m"}, x.srv.log)
	require.True(t, x.w.Net.WouldDrop(x.a, x.b, PortReplication))
	require.False(t, x.w.Net.WouldDrop(x.a, x.b, PortClient))
}

func TestOneWayCut(t *testing.T) {
	x := newPair(t)
	x.srv.echo = true
	back := &Rule{From: NewHostSet(x.b), To: NewHostSet(x.a), Cut: true}
	x.w.Net.Add(back)
	x.c.Send("m", 10) // gets there; the answer does not come back
	x.w.K.Run(Second)
	require.Equal(t, []string{"11ms got m"}, x.srv.log)
	require.Empty(t, x.cli.log)
	x.w.Net.RemoveRule(back)
	x.w.K.Run(10 * Second)
	require.Equal(t, []string{"1.412s got m"}, x.cli.log)
}

func TestLossIsDelay(t *testing.T) {
	x := newPair(t)
	x.w.Net.Add(&Rule{From: NewHostSet(x.a), To: NewHostSet(x.b), Loss: 200_000})
	for i := range 200 {
		x.w.K.Run(x.w.Now() + 5*Millisecond)
		x.c.Send(i, 10)
	}
	x.w.K.Run(x.w.Now() + 20*Second)
	require.Len(t, x.srv.log, 200, "a byte that TCP accepted is never lost while both ends live")
	got := make([]string, 0, 200)
	for _, l := range x.srv.log {
		var at string
		var n int
		_, err := fmt.Sscanf(l, "%s got %d", &at, &n)
		require.NoError(t, err)
		require.Equal(t, len(got), n, "in order")
		got = append(got, at)
	}
}

func TestPauseQueuesEventsUp(t *testing.T) {
	x := newPair(t)
	x.srv.p.After(50*Millisecond, 7, 1)
	x.sb.Pause()
	x.c.Send("m", 10)
	x.w.K.Run(Second)
	require.Empty(t, x.srv.log)
	x.sb.Resume()
	x.w.K.Run(2 * Second)
	require.Equal(t, []string{"1s got m", "1s timer 7 1"}, x.srv.log)
	require.True(t, x.c.Open(), "sockets stay open")
}

func TestGracefulStopAndRestartAreNewIncarnations(t *testing.T) {
	x := newPair(t)
	old := x.srv.p
	x.sb.Stop()
	x.w.K.Run(Second)
	require.False(t, x.sb.Running())
	require.Contains(t, x.srv.log[0], "stop")
	require.Equal(t, []string{"11ms closed FIN"}, x.cli.log)
	x.sb.Start()
	x.w.K.Run(2 * Second)
	require.NotSame(t, old, x.srv.p)
}

func TestTwoProcessesOnOneHostOneDiesAlone(t *testing.T) {
	x := newPair(t)
	other := &probe{lane: -1}
	s := x.b.Install("other", Range{}, func() Program { return other })
	s.Start()
	x.w.K.Run(20 * Millisecond)
	x.sb.Kill()
	x.w.K.Run(Second)
	require.True(t, s.Running())
	require.False(t, x.sb.Running())
}

func TestRefusedAndDialTimeout(t *testing.T) {
	x := newPair(t)
	x.cli.p.Dial(x.b, Port{Num: 9})
	x.w.K.Run(Second)
	require.Equal(t, []string{"12ms connected connection refused"}, x.cli.log)
	x.cli.log = nil
	x.b.PowerOff(CrashNone)
	x.cli.p.Dial(x.b, testPort)
	x.w.K.Run(200 * Second)
	require.Len(t, x.cli.log, 1)
	require.Contains(t, x.cli.log[0], ErrTimeout.Error())
}

func TestLaneServesInOrderAndCoresAreShared(t *testing.T) {
	x := newPair(t)
	x.srv.lane, x.srv.cost = 0, 10*Millisecond
	x.srv.onRecv = func(b *probe, c *Conn, m any) {
		if m == "slow" {
			b.p.Charge(100 * Millisecond)
		}
	}
	for _, m := range []string{"a", "slow", "b", "c"} {
		x.c.Send(m, 10)
	}
	x.w.K.Run(Second)
	require.Equal(t, []string{"21ms got a", "31ms got slow", "141ms got b", "151ms got c"}, x.srv.log)
}

func TestHostsShareCores(t *testing.T) {
	w := NewWorld(1, NetSpec{})
	cpu := NewCPU(1)
	var logs [2]*probe
	for i := range logs {
		h := w.AddHost(fmt.Sprint("h", i), HostSpec{CPU: cpu})
		logs[i] = &probe{lane: -1, onBoot: func(b *probe) { b.p.Work(-1, 10*Millisecond, 1, 0) }}
		h.Install("x", Range{}, func() Program { return logs[i] }).Start()
	}
	w.K.Run(Second)
	require.Equal(t, []string{"10ms timer 1 0"}, logs[0].log)
	require.Equal(t, []string{"20ms timer 1 0"}, logs[1].log)
}

func TestWhatACallbackSendsAfterABlockingCallLeavesLater(t *testing.T) {
	x := newPair(t)
	x.srv.echo = true
	x.srv.onRecv = func(b *probe, c *Conn, m any) { b.p.Charge(5 * Millisecond) }
	x.c.Send("m", 10)
	x.w.K.Run(Second)
	require.Equal(t, []string{"17ms got m"}, x.cli.log)
}

func TestStuckCallHoldsAnswersUntilReleased(t *testing.T) {
	x := newPair(t)
	x.srv.echo, x.srv.lane = true, 0
	held := 0
	x.srv.onRecv = func(b *probe, c *Conn, m any) {
		if m == "one" {
			held = b.p.holdLane()
		}
	}
	x.c.Send("one", 10)
	x.c.Send("two", 10)
	x.w.K.Run(Second)
	require.Empty(t, x.cli.log)
	require.Equal(t, []string{"11ms got one"}, x.srv.log)
	x.srv.p.releaseLane(held)
	x.w.K.Run(2 * Second)
	require.Equal(t, []string{"1.001s got one", "1.001s got two"}, x.cli.log)
}

// A thread that is stuck holds back its answer; what another thread sends on the same connection comes
// behind it, and other connections are not concerned.
func TestWhatIsSentBehindAStuckAnswerDoesNotOvertakeIt(t *testing.T) {
	x := newPair(t)
	x.srv.echo, x.srv.lane = true, -1
	held := 0
	x.srv.onRecv = func(b *probe, c *Conn, m any) {
		if m == "one" {
			held = b.p.holdLane()
		}
	}
	x.c.Send("one", 10)
	x.c.Send("two", 10)
	x.w.K.Run(Second)
	require.Equal(t, []string{"11ms got one", "11ms got two"}, x.srv.log)
	require.Empty(t, x.cli.log)
	x.srv.p.releaseLane(held)
	x.c.Send("three", 10)
	x.w.K.Run(2 * Second)
	require.Equal(t, []string{"1.001s got one", "1.001s got two", "1.002s got three"}, x.cli.log)
}

func TestFINWaitsForUnreadData(t *testing.T) {
	x := newPair(t)
	x.srv.cost = 20 * Millisecond
	x.c.Send("m", 10)
	x.c.Close()
	x.w.K.Run(Second)
	require.Equal(t, []string{"31ms got m", "31ms closed FIN"}, x.srv.log)
}

func TestBandwidthSerialises(t *testing.T) {
	w := NewWorld(1, NetSpec{Latency: Millisecond, Bandwidth: 1_000_000})
	srv := &probe{lane: -1, listen: true}
	a, b := w.AddHost("a", HostSpec{}), w.AddHost("b", HostSpec{})
	cli := &probe{lane: -1}
	b.Install("s", Range{}, func() Program { return srv }).Start()
	a.Install("c", Range{}, func() Program { return cli }).Start()
	w.K.Run(0)
	c := cli.p.Dial(b, testPort)
	w.K.Run(10 * Millisecond)
	c.Send("x", 10_000) // 10 ms on the wire
	c.Send("y", 10_000)
	w.K.Run(Second)
	require.Equal(t, []string{"21ms got x", "31ms got y"}, srv.log)
}

// A segment that is long on its way must not hold up others that arrive before it.
func TestReceiverServesInOrderOfArrival(t *testing.T) {
	w := NewWorld(1, NetSpec{Latency: Millisecond, Bandwidth: 1_000_000})
	srv := &probe{lane: -1, listen: true}
	a, b, far := w.AddHost("a", HostSpec{}), w.AddHost("b", HostSpec{}), w.AddHost("far", HostSpec{})
	b.Install("s", Range{}, func() Program { return srv }).Start()
	near, remote := &probe{lane: -1}, &probe{lane: -1}
	a.Install("c", Range{}, func() Program { return near }).Start()
	far.Install("c", Range{}, func() Program { return remote }).Start()
	w.Net.Add(&Rule{From: NewHostSet(far), To: NewHostSet(b), Latency: 100 * Millisecond})
	w.K.Run(0)
	c1, c2 := near.p.Dial(b, testPort), remote.p.Dial(b, testPort)
	w.K.Run(Second)
	c2.Send("slow", 1000)
	c1.Send("x", 10_000)
	near2 := near.p.Now()
	c1.Send("y", 10_000)
	require.Equal(t, Second, near2)
	w.K.Run(2 * Second)
	require.Equal(t, []string{"1.011s got x", "1.021s got y", "1.102s got slow"}, srv.log)
}
