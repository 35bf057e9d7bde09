package profile

import (
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// TestTable checks the table against itself: no name twice, defaults that parse and are in order, both
// languages.
func TestTable(t *testing.T) {
	tab := Table()
	seen := map[string]bool{}
	for _, list := range [][]models.Setting{tab.Topology, tab.Settings} {
		for i := range list {
			s := &list[i]
			key := s.Section.String() + "/" + s.Name
			require.False(t, seen[key], "%s twice", key)
			seen[key] = true
			require.NotEmpty(t, s.Doc, key)
			require.NotEmpty(t, s.DocZH, key)
			last := ""
			for _, d := range s.Defaults {
				if last != "" {
					require.Positive(t, models.CompareVersions(d.From, last), key)
				}
				last = d.From
				_, _, err := s.Parse(d.Value)
				require.NoError(t, err, key)
			}
		}
	}
	for _, q := range tab.Quirks {
		require.NotEmpty(t, q.DocZH, q.Name)
		require.NotEmpty(t, q.Where, q.Name)
		require.NotEmpty(t, q.Source, q.Name)
	}
}

// TestHistory quotes the specification: what a default was in which version.
func TestHistory(t *testing.T) {
	for _, c := range []struct {
		section             models.Section
		name, version, want string
	}{
		{models.Broker, "brokerRole", "4.9.8", "ASYNC_MASTER"},
		{models.Broker, "flushCommitLogTimed", "4.8.0", "false"},
		{models.Broker, "flushCommitLogTimed", "4.9.8", "true"},
		{models.Broker, "registerBrokerTimeoutMills", "4.9.8", "6000"},
		{models.Broker, "registerBrokerTimeoutMills", "5.3.3", "24000"},
		{models.Broker, "inSyncReplicas", "5.3.3", "1"},
		{models.ConsumerSection, "pullTimeDelayMillsWhenException", "4.3.2", "3000"},
		{models.ConsumerSection, "pullTimeDelayMillsWhenException", "4.9.8", "1000"},
		{models.ProducerSection, "sendMsgTimeout", "4.9.8", "3000"},
	} {
		s := Table().Find(c.section, c.name)
		require.NotNil(t, s, c.name)
		got, _ := s.DefaultAt(c.version)
		require.Equal(t, c.want, got, "%s in %s", c.name, c.version)
	}
	ok, why := Table().Find(models.Broker, "inSyncReplicas").In("4.9.8")
	require.False(t, ok)
	require.Equal(t, "came with 5.0", why)
}

func TestHosts(t *testing.T) {
	sys := &models.System{Name: "r", Model: "rocketmq", Version: "4.9"}
	sys.Sections[models.Topology] = models.Settings{{Name: "brokerGroups", Value: "2"}}
	r, problems := models.Resolve(Table(), sys)
	require.Empty(t, problems)
	require.Equal(t, []string{"namesrv-1", "namesrv-2", "broker-a-0", "broker-a-1", "broker-b-0", "broker-b-1"}, Table().Hosts(r))
	require.Equal(t, []string{"a", "b"}, Table().Groups(r))
	require.True(t, r.Quirk("fin-not-failed-fast"))
	require.False(t, r.Quirk("slave-rejects-pulls"))
	require.Empty(t, Table().Nobody(r, nil, "slave", "a"))
}

// TestCheck: what cannot be meant is said.
func TestCheck(t *testing.T) {
	sys := &models.System{Name: "r", Model: "rocketmq", Version: "4.9"}
	sys.Sections[models.Broker] = models.Settings{{Name: "brokerRole", Value: "SLAVE"}}
	r, problems := models.Resolve(Table(), sys)
	require.Empty(t, problems)
	require.Len(t, Table().Check(sys, r, nil), 1)
	sys.Sections[models.Broker] = nil
	sys.Sections[models.Topology] = models.Settings{{Name: "mode", Value: "controller"}}
	r, problems = models.Resolve(Table(), sys)
	require.Len(t, problems, 1) // not built yet
	require.Len(t, Table().Check(sys, r, nil), 1)
}

// TestOnlyInTheirVersions: a setting that a version lacks is an error that says when it came or went.
func TestOnlyInTheirVersions(t *testing.T) {
	for _, c := range []struct {
		version, name, value, want string
		section                    models.Section
	}{
		{"4.3", "slaveTimeout", "3000", "came with 4.9.3", models.Broker},
		{"4.9", "inSyncReplicas", "2", "came with 5.0", models.Broker},
		{"4.9", "readUnCommitted", "true", "came with 5.3.0", models.Broker},
		{"5.3", "haSlaveFallbehindMax", "1024", "5.0", models.Broker},
		{"4.9", "sendMsgMaxTimeoutPerRequest", "800", "came with 5.3.3", models.ProducerSection},
	} {
		sys := &models.System{Name: "r", Model: "rocketmq", Version: c.version}
		sys.Sections[c.section] = models.Settings{{Name: c.name, Value: c.value}}
		_, problems := models.Resolve(Table(), sys)
		require.Len(t, problems, 1, "%s in %s", c.name, c.version)
		require.False(t, problems[0].Warn)
		require.Contains(t, problems[0].Text, c.want)
	}
	for _, v := range []string{"4.3", "4.9", "5.3"} {
		_, problems := models.Resolve(Table(), &models.System{Name: "r", Model: "rocketmq", Version: v})
		require.Empty(t, problems, v)
	}
}

// TestDelayLevels reads messageDelayLevel as ScheduleMessageService.parseDelayLevel does.
func TestDelayLevels(t *testing.T) {
	got, err := DelayLevels("1s 2m 1h 1d")
	require.NoError(t, err)
	require.Equal(t, []sim.Time{sim.Second, 2 * sim.Minute, sim.Hour, 24 * sim.Hour}, got)
	for _, bad := range []string{"5", "s", "1w", "-1s"} {
		_, err := DelayLevels(bad)
		require.Error(t, err, bad)
	}
}
