package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// limit puts a rule of so many bytes/s on the way from a to b.
func (x *netPair) limit(rate int64) *Rule {
	r := &Rule{From: NewHostSet(x.a), To: NewHostSet(x.b), Bandwidth: rate}
	x.w.Net.Add(r)
	return r
}

func TestALimitedWayIsOrderedAndEndsInOrder(t *testing.T) {
	x := newPair(t)
	x.limit(1000)
	for i := range 3 {
		x.c.Send(i, 500)
	}
	x.c.Close()
	x.w.K.Run(10 * Second)
	require.Equal(t, []string{"511ms got 0", "1.011s got 1", "1.511s got 2", "1.511s closed FIN"}, x.srv.log)
}

func TestTheEndOfALimitLetsGoWhatWaits(t *testing.T) {
	x := newPair(t)
	r := x.limit(1000)
	for i := range 4 {
		x.c.Send(i, 500)
	}
	x.w.K.Run(600 * Millisecond)
	require.EqualValues(t, 1000, x.w.Net.Limit(x.a, x.b, PortClient))
	x.w.Net.RemoveRule(r)
	x.c.Send(4, 500)
	x.w.K.Run(10 * Second)
	require.Equal(t, []string{"511ms got 0", "601ms got 1", "601ms got 2", "601ms got 3", "601ms got 4"}, x.srv.log)
	require.EqualValues(t, 4, r.Touched)
}

func TestOneLimitedWayLeavesTheOthers(t *testing.T) {
	x := newPair(t)
	c := x.w.AddHost("c", HostSpec{Cores: 1})
	far := &probe{lane: -1, listen: true}
	c.Install("server", Range{}, func() Program { return far }).Start()
	x.w.K.Run(20 * Millisecond)
	other := x.cli.p.Dial(c, testPort)
	x.w.K.Run(30 * Millisecond)
	x.limit(1000)
	x.c.Send("slow", 500)
	other.Send("fast", 500)
	x.w.K.Run(Second)
	require.Equal(t, []string{"31ms got fast"}, far.log)
	require.Equal(t, []string{"531ms got slow"}, x.srv.log)
}

func TestACutBehindALimitKeepsTheOrder(t *testing.T) {
	x := newPair(t)
	x.limit(1000)
	for i := range 4 {
		x.c.Send(i, 500) // leave at 510, 1010, 1510, 2010 ms
	}
	x.w.K.Run(600 * Millisecond)
	cut := &Rule{From: NewHostSet(x.a), To: NewHostSet(x.b), Cut: true}
	x.w.Net.Add(cut)
	x.w.K.Run(1200 * Millisecond)
	x.c.Send(4, 500)
	x.w.K.Run(1300 * Millisecond)
	x.w.Net.RemoveRule(cut)
	x.w.K.Run(20 * Second)
	var got []string
	for _, line := range x.srv.log {
		got = append(got, line[len(line)-5:])
	}
	require.Equal(t, []string{"got 0", "got 1", "got 2", "got 3", "got 4"}, got)
}

func TestAPipeDiesWithItsMachine(t *testing.T) {
	x := newPair(t)
	x.limit(1000)
	x.c.Send(0, 500)
	x.c.Send(1, 500)
	x.w.K.Run(600 * Millisecond)
	x.a.PowerOff(CrashNone)
	x.w.K.Run(10 * Second)
	require.Equal(t, []string{"511ms got 0"}, x.srv.log)
}

func TestLossOfTheFirstSegmentDelaysTheConnection(t *testing.T) {
	x := newPair(t)
	lossy := &Rule{From: NewHostSet(x.a), To: NewHostSet(x.b), Loss: 1_000_000}
	x.w.Net.Add(lossy)
	require.EqualValues(t, 1_000_000, x.w.Net.LossChance(x.a, x.b, PortClient))
	x.cli.p.Dial(x.b, testPort)
	x.w.K.Run(1500 * Millisecond)
	require.Empty(t, x.cli.log)
	require.EqualValues(t, 2, lossy.Touched, "the SYN, and again after one second")
	x.w.Net.RemoveRule(lossy)
	x.w.K.Run(10 * Second)
	require.Len(t, x.cli.log, 1)
	require.Contains(t, x.cli.log[0], "connected <nil>")
}

func TestEnableWhileTheMachineIsOff(t *testing.T) {
	x := newPair(t)
	x.b.PowerOff(CrashNone)
	x.sb.Enable(false)
	x.b.PowerOn(Second)
	x.w.K.Run(5 * Second)
	require.True(t, x.b.Up)
	require.False(t, x.sb.Running())
	x.b.PowerOff(CrashNone)
	x.sb.Enable(true)
	require.False(t, x.b.Powered())
	x.b.PowerOn(Second)
	require.True(t, x.b.Powered())
	x.w.K.Run(7 * Second)
	require.True(t, x.sb.Running())
}
