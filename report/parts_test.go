package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mqsim/mqsim/result"
)

func ms(n int64) result.Number { return result.Seconds(n * millis) }

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		n    result.Number
		want string
	}{
		{0, "0 ms"}, {ms(420), "420 ms"}, {result.Seconds(250_000), "0.25 ms"}, {result.Seconds(4_200_000), "4.2 ms"},
		{ms(1000), "1.0 s"}, {ms(14_200), "14.2 s"}, {ms(153_400), "153 s"}, {result.Never, "∞"},
	} {
		require.Equal(t, c.want, releasing.Replace(span(c.n)))
	}
	st := newStyle(Options{})
	require.Equal(t, "13.1–16.8 s", releasing.Replace(between(st, ms(13_100), ms(16_800))))
	require.Equal(t, "0–420 ms", releasing.Replace(between(st, 0, ms(420))))
	require.Equal(t, "420 ms–3.2 s", releasing.Replace(between(st, ms(420), ms(3200))))
	require.Equal(t, "2.0 s–∞", releasing.Replace(between(st, ms(2000), result.Never)))
}

func TestPercentIsNeverRoundedUpToAll(t *testing.T) {
	require.Equal(t, "100", percent(result.Int(100), 1))
	require.Equal(t, "99.97", percent(result.Ratio(9997, 100), 1))
	require.Equal(t, "99.99", percent(result.Ratio(999_999, 10_000), 1))
	require.Equal(t, "43", percent(result.Ratio(4319, 100), 0))
	require.Equal(t, "75.6", percent(result.Ratio(7556, 100), 1))
}

func TestWrap(t *testing.T) {
	require.Equal(t, []string{"14.2 s,", "new leader"}, wrap("14.2"+glue+"s, new"+glue+"leader", 10))
	require.Equal(t, []string{"主节点进", "程被杀，", "重启"}, wrap("主节点进程被杀，重启", 9))
	require.Equal(t, []string{"a", "b"}, wrap("a\nb", 80))
	require.Equal(t, []string{"rabbitmq-classic"}, wrap("rabbitmq-classic", 5), "names are never cut")
	require.Equal(t, []string{"acked-while-", "home-down"}, wrapAt("acked-while-home-down", 12, true))
}

// Wrapping loses nothing and keeps to the width where it can.
func TestWrapKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.StringMatching(`[a-z,主节点，（）-]{1,8}`)).Draw(t, "words"), " ")
		width := rapid.IntRange(4, 40).Draw(t, "width")
		lines := wrapAt(s, width, true)
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		require.Equal(t, squeeze(s), squeeze(strings.Join(lines, "")))
		for _, line := range lines {
			require.LessOrEqual(t, columnsOf(line), max(width, longestPiece(s)))
		}
	})
}

func systemWith(name string, outages ...int64) *system {
	y := &system{name: name}
	for i, o := range outages {
		y.runs = append(y.runs, &result.Result{System: name, Seed: uint64(i), Verdict: result.Pass,
			Metrics: result.Metrics{"write_outage": ms(o)}})
	}
	return y
}

func TestClustersAreSeparateOnlyIfRangesDoNotTouch(t *testing.T) {
	got := clusters([]*system{
		systemWith("d", 500, 600), systemWith("a", 100, 200), systemWith("b", 200, 300), systemWith("c", 301, 310), systemWith("e", 250),
	})
	var names []string
	for _, c := range got {
		names = append(names, strings.Join(c.names, "+"))
	}
	require.Equal(t, []string{"a+b+e", "c", "d"}, names, "equal ends touch")
	require.Equal(t, ms(300), got[0].max)
}

// With one seed the report tells a history; it never says that a system is faster.
func TestOneSeedDoesNotGeneralise(t *testing.T) {
	for _, f := range []*result.File{crash(), crashSeeds()} {
		text := string(render(t, "table", f, Options{}))
		for _, word := range []string{"faster", "slower", "better", "always"} {
			require.NotContains(t, text, word)
		}
	}
}

func TestCurve(t *testing.T) {
	r := crashShapes()[2].run(1, 0)
	y := &system{name: "x", runs: []*result.Result{r}}
	s := &section{systems: []*system{y}}
	const cells = 60
	full := fullRate(s, cells)
	require.Equal(t, int64(100*100), full, "the rate at which sends fell due, not the burst behind the outage")
	drawn := []rune(curveOf(y, cells).draw(newStyle(Options{}), full))
	require.Len(t, drawn, cells)
	require.Equal(t, "█", string(drawn[5]))
	require.Equal(t, "·", string(drawn[20]))
	require.Equal(t, "█", string(drawn[45]))
	// A single ack is not nothing.
	r.Series.Acked[100] = 1
	require.Equal(t, "▁", string([]rune(curveOf(y, cells).draw(newStyle(Options{}), full))[20]))
}

func TestMarks(t *testing.T) {
	r := &result.Result{Window: [2]result.Number{0, result.Int(60)}, Faults: []result.Fault{
		{Name: "crash", From: result.Int(10), To: result.Int(40)},
		{Name: "blip", From: result.Int(20), To: result.Int(21)},
		{Name: "late", From: result.Int(58), To: result.Never},
		{Name: "never-fired", From: result.Never, To: result.Never},
		{Name: "断电", From: result.Int(5), To: result.Int(13)},
	}}
	require.Equal(t, []string{
		"          ├crash 10.0–40.0 s────────────┤              ^late",
		"     ├断电───┤      ^blip",
	}, marks(newStyle(Options{}), []*result.Result{r}, 60)[:2])
}

func TestSeedList(t *testing.T) {
	require.Equal(t, "1..3,7,9..10", seedList([]uint64{1, 2, 3, 7, 9, 10}))
}

func TestShellWord(t *testing.T) {
	require.Equal(t, "kafka.topic.min.insync.replicas=1", shellWord("kafka.topic.min.insync.replicas=1"))
	require.Equal(t, `'*.x=it'\''s'`, shellWord("*.x=it's"))
	require.Equal(t, "''", shellWord(""))
}
