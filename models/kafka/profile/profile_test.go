package profile

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/stretchr/testify/require"
)

// TestTable checks the table against itself: no name twice, defaults that parse and are in order,
// fallbacks that exist, both languages.
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
				require.Positive(t, models.CompareVersions(d.From, last)+map[bool]int{true: 1}[last == "" && d.From == ""], key)
				last = d.From
				if d.Value != "" {
					_, _, err := s.Parse(d.Value)
					require.NoError(t, err, key)
				}
			}
			if s.Fallback != "" {
				sec, name, _ := strings.Cut(s.Fallback, "/")
				from, ok := models.SectionNamed(sec)
				require.True(t, ok && tab.Find(from, name) != nil, "%s falls back to %s", key, s.Fallback)
			}
		}
	}
	for _, q := range tab.Quirks {
		require.NotEmpty(t, q.DocZH, q.Name)
		require.NotEmpty(t, q.Where, q.Name)
	}
}

// TestHistory quotes section 0 of the specification: what a default was in which version.
func TestHistory(t *testing.T) {
	for _, c := range []struct {
		section             models.Section
		name, version, want string
	}{
		{models.ProducerSection, "acks", "2.8.2", "1"},
		{models.ProducerSection, "acks", "3.0", "all"},
		{models.ProducerSection, "enable.idempotence", "2.8.2", "false"},
		{models.ProducerSection, "enable.idempotence", "3.9.1", "true"},
		{models.ProducerSection, "retries", "2.0.1", "0"},
		{models.ProducerSection, "retries", "2.1", "2147483647"},
		{models.ProducerSection, "linger.ms", "3.9.1", "0"},
		{models.ProducerSection, "linger.ms", "4.1.0", "5"},
		{models.Broker, "unclean.leader.election.enable", "0.10.2.2", "true"},
		{models.Topic, "unclean.leader.election.enable", "2.4.1", "false"},
		{models.Broker, "replica.lag.time.max.ms", "2.4.1", "10000"},
		{models.Broker, "replica.lag.time.max.ms", "2.8.2", "30000"},
		{models.Broker, "zookeeper.session.timeout.ms", "2.4.1", "6000"},
		{models.Broker, "zookeeper.session.timeout.ms", "3.9.1", "18000"},
		{models.ConsumerSection, "session.timeout.ms", "2.8.2", "10000"},
		{models.ConsumerSection, "session.timeout.ms", "3.9.1", "45000"},
		{models.Broker, "num.recovery.threads.per.data.dir", "4.1.0", "2"},
		{models.Topic, "replication.factor", "3.9.1", "3"},
		{models.Topology, "coordination", "2.4.1", "zookeeper"},
		{models.Topology, "coordination", "3.9.1", ""},
		{models.Topology, "coordination", "4.1.0", "kraft"},
	} {
		s := Table().Find(c.section, c.name)
		require.NotNil(t, s, c.name)
		got, _ := s.DefaultAt(c.version)
		require.Equal(t, c.want, got, "%s in %s", c.name, c.version)
	}
	ok, why := Table().Find(models.ProducerSection, "delivery.timeout.ms").In("2.0.1")
	require.False(t, ok)
	require.Equal(t, "came with 2.1", why)
}

func TestHosts(t *testing.T) {
	sys := &models.System{Name: "kafka", Model: "kafka", Version: "3.9"}
	sys.Sections[models.Topology] = models.Settings{{Name: "coordination", Value: "zookeeper"}, {Name: "zookeepers", Value: "1"}, {Name: "brokers", Value: "2"}}
	r, problems := models.Resolve(Table(), sys)
	require.Empty(t, problems)
	require.Equal(t, []string{"zk-1", "broker-1", "broker-2"}, Table().Hosts(r))
	require.True(t, r.Quirk("last-isr-lossy-restart"))
	require.True(t, r.Quirk("stale-alter-partition"))
	require.False(t, r.Quirk("truncate-hw"))
}

// TestIdempotent follows ProducerConfig.postProcessAndValidateIdempotenceConfigs: acks other than
// all, no retries or many requests in flight turn it off unless it was asked for.
func TestIdempotent(t *testing.T) {
	for _, c := range []struct {
		producer models.Settings
		want     bool
	}{
		{nil, true},
		{models.Settings{{Name: "acks", Value: "1"}}, false},
		{models.Settings{{Name: "retries", Value: "0"}}, false},
		{models.Settings{{Name: "max.in.flight.requests.per.connection", Value: "6"}}, false},
		{models.Settings{{Name: "enable.idempotence", Value: "false"}}, false},
		{models.Settings{{Name: "enable.idempotence", Value: "true"}}, true},
	} {
		sys := &models.System{Name: "kafka", Model: "kafka", Version: "3.9"}
		sys.Sections[models.Topology] = models.Settings{{Name: "coordination", Value: "zookeeper"}}
		sys.Sections[models.ProducerSection] = c.producer
		r, problems := models.Resolve(Table(), sys)
		require.Empty(t, problems)
		require.Equal(t, c.want, Idempotent(r), "%v", c.producer)
	}
}
