package models

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

func TestCompareVersions(t *testing.T) {
	order := []string{"0.10", "0.10.2.2", "0.11.0", "2.8", "3.9", "3.9.1", "3.10", "3.10.25", "4.0"}
	for i, a := range order {
		for j, b := range order {
			got := CompareVersions(a, b)
			switch {
			case i < j:
				require.Equal(t, -1, got, "%s %s", a, b)
			case i > j:
				require.Equal(t, 1, got, "%s %s", a, b)
			default:
				require.Equal(t, 0, got, "%s %s", a, b)
			}
		}
	}
	require.Equal(t, 0, CompareVersions("3.9", "3.9.0"))
}

var toy = &Table{
	Model: "toy", Default: "2.0", Sections: []Section{Broker, Topic},
	Versions: []VersionLine{{Name: "1.0", Last: "1.0.4", Built: true}, {Name: "2.0", Last: "2.0.9", Built: true}, {Name: "3.0", Last: "3.0.0"}},
	Topology: []Setting{{Name: "mode", Kind: KindEnum, Enum: []string{"old", "new"}, Defaults: []VersionValue{{Value: "old"}, {From: "2.0", Value: "new"}}, Effect: true}},
	Settings: []Setting{
		{Section: Broker, Name: "lag.ms", Kind: KindMillis, Defaults: []VersionValue{{Value: "10000"}, {From: "2.0.5", Value: "30000"}}, Effect: true},
		{Section: Broker, Name: "segment", Kind: KindBytes, Min: 10, Max: 100, Defaults: []VersionValue{{Value: "50"}}, Effect: true},
		{Section: Topic, Name: "segment", Kind: KindBytes, Defaults: []VersionValue{{Value: "50"}}, Fallback: "broker/segment", Effect: true},
		{Section: Broker, Name: "fresh", Kind: KindBool, Defaults: []VersionValue{{Value: "true"}}, Since: "2.0", Effect: true},
		{Section: Broker, Name: "gone", Kind: KindBool, Until: "2.0", Effect: true},
		{Section: Broker, Name: "idle", Kind: KindString},
		{Section: Broker, Name: "ratio", Kind: KindDecimal, Defaults: []VersionValue{{Value: "0.4"}}, Effect: true},
		{Section: Broker, Name: "acks", Kind: KindEnum, Enum: []string{"0", "1", "all"}, Aliases: []string{"-1", "all"}, Defaults: []VersionValue{{Value: "1"}}, Effect: true},
	},
	Quirks: []Quirk{{Name: "odd", Where: []QuirkRange{{Until: "2.0"}, {Since: "2.0", Key: "mode", Value: "old"}}, Built: true}},
}

func resolve(t *testing.T, version string, broker Settings) *Resolved {
	t.Helper()
	sys := &System{Name: "s", Version: version}
	sys.Sections[Broker] = broker
	r, problems := Resolve(toy, sys)
	require.Empty(t, problems)
	return r
}

func TestDefaultsFollowTheVersion(t *testing.T) {
	require.Equal(t, int64(10000), resolve(t, "1.0", nil).Int(Broker, "lag.ms"))
	require.Equal(t, int64(10000), resolve(t, "2.0.4", nil).Int(Broker, "lag.ms"))
	r := resolve(t, "2.0", nil)
	require.Equal(t, "2.0.9", r.Version(), "a line stands for its last patch")
	require.True(t, r.AtLeast("2.0.5"))
	require.False(t, r.AtLeast("2.1"))
	require.Equal(t, 30*sim.Second, r.Time(Broker, "lag.ms"))
	require.Equal(t, "new", r.Str(Topology, "mode"))
	require.False(t, r.IsSet(Broker, "lag.ms"))
	require.True(t, r.Bool(Broker, "fresh"))
	require.False(t, resolve(t, "1.0", nil).Has(Broker, "fresh"))
	require.Equal(t, int64(400), r.Milli(Broker, "ratio"))
}

func TestLayers(t *testing.T) {
	sys := &System{Name: "s", Hosts: []HostOverride{{Host: "h1", Settings: Settings{{Name: "lag.ms", Value: "7"}}}}}
	sys.Sections[Broker] = Settings{{Name: "segment", Value: "60"}, {Name: "acks", Value: "-1"}}
	r, problems := Resolve(toy, sys)
	require.Empty(t, problems)
	require.Equal(t, "all", r.Str(Broker, "acks"))
	require.Equal(t, int64(2), r.Int(Broker, "acks"))
	require.Equal(t, int64(60), r.Int(Topic, "segment"), "the broker's setting is the topic's default")
	require.Equal(t, int64(7), r.ForHost("h1").Int(Broker, "lag.ms"))
	require.Equal(t, int64(30000), r.ForHost("h2").Int(Broker, "lag.ms"))
	require.Equal(t, int64(60), r.ForHost("h1").Int(Broker, "segment"))
	own := r.ForStream(&Stream{Topic: Settings{{Name: "segment", Value: "70"}}})
	require.Equal(t, int64(70), own.Int(Topic, "segment"))
	require.Equal(t, int64(60), r.Int(Topic, "segment"))
	require.Panics(t, func() { r.Int(Broker, "nonsense") })
	require.Panics(t, func() { r.Quirk("nonsense") })
}

func TestResolveProblems(t *testing.T) {
	sys := &System{Name: "s", Quirks: []QuirkSwitch{{Name: "odde", On: true}}}
	sys.Sections[Broker] = Settings{{Name: "lags.ms", Value: "1"}, {Name: "gone", Value: "true"}, {Name: "fresh", Value: "yes"},
		{Name: "idle", Value: "x"}, {Name: "segment", Value: "5"}, {Name: "mode", Value: "old"}}
	_, problems := Resolve(toy, sys)
	var got []string
	for _, p := range problems {
		s := p.Path + ": " + p.Text
		if p.Hint != "" {
			s += " (" + p.Hint + "?)"
		}
		if p.Warn {
			s = "warning: " + s
		}
		got = append(got, s)
	}
	require.Equal(t, []string{
		"broker.lags.ms: toy has no such setting of the broker (lag.ms?)",
		"broker.gone: not in toy 2.0.9: it went with 2.0",
		`broker.fresh: "yes" is not true or false`,
		"warning: broker.idle: accepted, but without effect here",
		"broker.segment: 5 is below the least value, 10",
		"broker.mode: toy has no such setting of the broker; it stands in the entry itself",
		`quirks: toy has no quirk "odde" (odd?)`,
	}, got)
	r, problems := Resolve(toy, &System{Version: "3.0"})
	require.Nil(t, r)
	require.Equal(t, "toy 3.0 is not built yet", problems[0].Text)
}

func TestQuirks(t *testing.T) {
	require.True(t, resolve(t, "1.0", nil).Quirk("odd"))
	require.False(t, resolve(t, "2.0", nil).Quirk("odd"))
	sys := &System{Version: "2.0"}
	sys.Sections[Topology] = Settings{{Name: "mode", Value: "old"}}
	r, _ := Resolve(toy, sys)
	require.True(t, r.Quirk("odd"))
	sys.Quirks = []QuirkSwitch{{Name: "odd"}}
	r, _ = Resolve(toy, sys)
	require.False(t, r.Quirk("odd"))
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]sim.Time{"500ms": 500 * sim.Millisecond, "1m30s": 90 * sim.Second, "-5s": -5 * sim.Second,
		"1.5s": 1500 * sim.Millisecond, "250us": 250 * sim.Microsecond, "6.8s": 6800 * sim.Millisecond, "1h": sim.Hour} { //mqsim:unordered a test table
		got, err := ParseSpan(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, bad := range []string{"", "5", "s", "5 s", "1e3s", "5sec", "1.5.2s", "--5s", "1.2345s", "0.5ns", "1001h", "-", "9999999999999s"} {
		_, err := ParseSpan(bad)
		require.Error(t, err, bad)
	}
	for text, want := range map[string]int64{"256B": 256, "1KiB": 1024, "16MB": 16e6, "1.5kB": 1500} { //mqsim:unordered a test table
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, bad := range []string{"", "5", "KiB", "1.5B", "-1B", "5 kB", "99999999999TB"} {
		_, err := ParseSize(bad)
		require.Error(t, err, bad)
	}
	for text, want := range map[string]int64{"10Gbit": 125e7, "400MB": 400e6, "16MB/s": 16e6, "1Gbit/s": 125e6} { //mqsim:unordered a test table
		got, err := ParseBandwidth(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	share, err := ParseShare("2.5%")
	require.NoError(t, err)
	require.Equal(t, int64(25_000), share)
	for _, bad := range []string{"", "%", "25", "-1%", "101%", "x%"} {
		_, err := ParseShare(bad)
		require.Error(t, err, bad)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"min.insync.replicas", "replica.lag.time.max.ms", "acks", "at"}
	for word, want := range map[string]string{"min.insync.replica": "min.insync.replicas", "minInsyncReplicas": "min.insync.replicas",
		"akcs": "acks", "ack": "acks", "bootstrap": "", "AT": "at", "5": "", "": ""} { //mqsim:unordered a test table
		require.Equal(t, want, Nearest(word, words), word)
	}
}
