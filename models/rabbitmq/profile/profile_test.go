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
			for j, d := range s.Defaults {
				if j > 0 {
					require.Positive(t, models.CompareVersions(d.From, s.Defaults[j-1].From), key)
				}
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
		require.NotEmpty(t, q.Source, q.Name)
	}
}

// TestHistory quotes sections 0, 6 and 11 of the specification: what a default was in which version.
func TestHistory(t *testing.T) {
	for _, c := range []struct {
		section             models.Section
		name, version, want string
	}{
		{models.Broker, "net_ticktime", "3.12.14", "60"},
		{models.Broker, "heartbeat", "3.12.14", "60"},
		{models.Broker, "cluster_partition_handling", "3.10.25", "ignore"},
		{models.Broker, "queue_index_embed_msgs_below", "3.10.25", "4096"},
		{models.Broker, "max_message_size", "3.12.14", "134217728"},
		{models.Broker, "max_message_size", "4.0.0", "16777216"},
		{models.Policy, "ha-promote-on-failure", "3.12.14", "always"},
		{models.Policy, "ha-promote-on-shutdown", "3.12.14", "when-synced"},
		{models.Policy, "ha-sync-mode", "3.12.14", "manual"},
		{models.Queue, "x-queue-type", "3.12.14", "classic"},
		{models.Queue, "x-queue-version", "3.12.14", "1"},
		{models.Queue, "x-queue-version", "4.0.0", "2"},
		{models.Queue, "x-delivery-limit", "3.12.14", ""},
		{models.Queue, "x-delivery-limit", "4.0.0", "20"},
		{models.ConsumerSection, "prefetch", "3.12.14", "0"},
	} {
		s := Table().Find(c.section, c.name)
		require.NotNil(t, s, c.name)
		got, _ := s.DefaultAt(c.version)
		require.Equal(t, c.want, got, "%s in %s", c.name, c.version)
	}
	ok, why := Table().Find(models.Policy, "ha-mode").In("4.0.0")
	require.False(t, ok)
	require.Equal(t, "went with 4.0", why)
	ok, _ = Table().Find(models.Policy, "ha-promote-on-failure").In("3.7.4")
	require.False(t, ok)
}

func resolve(t *testing.T, version string, sections map[models.Section]models.Settings, quirks ...models.QuirkSwitch) (*models.System, *models.Resolved) {
	t.Helper()
	sys := &models.System{Model: "rabbitmq", Version: version, Quirks: quirks}
	for s := models.Topology; s < models.NumSections; s++ {
		sys.Sections[s] = sections[s]
	}
	r, problems := models.Resolve(Table(), sys)
	require.Empty(t, problems)
	return sys, r
}

// TestQuirks quotes the version profiles of section 0: each changes an outcome.
func TestQuirks(t *testing.T) {
	for _, c := range []struct {
		version             string
		dropAndAck, doubles bool
	}{
		{"3.10", true, false}, {"3.10.8", true, true}, {"3.12", false, false}, {"", false, false},
	} {
		_, r := resolve(t, c.version, nil)
		require.Equal(t, c.dropAndAck, r.Quirk("drop-and-ack"), c.version)
		require.Equal(t, c.doubles, r.Quirk("double-mirror-debit"), c.version)
		require.False(t, r.Quirk("confirm-without-store-sync"), c.version)
		require.False(t, r.Quirk("reconnect-stall"), c.version)
		require.False(t, r.Quirk("large-index-segments"), c.version)
	}
	_, r := resolve(t, "3.10", nil, models.QuirkSwitch{Name: "drop-and-ack"})
	require.False(t, r.Quirk("drop-and-ack"))
	require.Equal(t, []string{"n1", "n2", "n3"}, hosts(r))
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		policy models.Settings
		want   string
	}{
		{models.Settings{{Name: "ha-mode", Value: "all"}}, ""},
		{models.Settings{{Name: "ha-mode", Value: "all"}, {Name: "ha-params", Value: "2"}}, "rabbitmq refuses ha-params with ha-mode: all"},
		{models.Settings{{Name: "ha-mode", Value: "exactly"}}, "ha-mode: exactly needs a number of copies in ha-params"},
		{models.Settings{{Name: "ha-mode", Value: "exactly"}, {Name: "ha-params", Value: "2"}}, ""},
		{models.Settings{{Name: "ha-mode", Value: "nodes"}, {Name: "ha-params", Value: "[n1, n3]"}}, ""},
		{models.Settings{{Name: "ha-mode", Value: "nodes"}, {Name: "ha-params", Value: "n1,n4"}}, "there is no node n4"},
		{models.Settings{{Name: "ha-mode", Value: "nodes"}, {Name: "ha-params", Value: "broker-1"}}, "ha-mode: nodes needs a list of nodes in ha-params"},
		{models.Settings{{Name: "ha-sync-mode", Value: "automatic"}}, "rabbitmq refuses ha-sync-mode without ha-mode"},
	} {
		sys, r := resolve(t, "3.12", map[models.Section]models.Settings{models.Policy: c.policy})
		var got []string
		for _, p := range check(sys, r, nil) {
			got = append(got, p.Text)
		}
		require.Equal(t, c.want, strings.Join(got, "; "))
	}
}

// TestFourDotX: what 4.x has left is refused with a reason.
func TestFourDotX(t *testing.T) {
	for _, c := range []struct {
		version string
		section models.Section
		set     models.Settings
		want    string
	}{
		{"4.0", models.Broker, nil, ""},
		{"4.0", models.Policy, models.Settings{{Name: "ha-mode", Value: "all"}}, "not in rabbitmq 4.0.9: it went with 4.0"},
		{"4.0", models.Queue, models.Settings{{Name: "x-queue-version", Value: "1"}}, noVersion1},
		{"4.0", models.Policy, models.Settings{{Name: "queue-version", Value: "1"}}, noVersion1},
		{"4.0", models.Broker, models.Settings{{Name: "classic_queue.default_version", Value: "1"}}, noVersion1},
		{"4.0", models.Broker, models.Settings{{Name: "khepri_db", Value: "true"}}, "true is not built yet"},
		{"4.2", models.Broker, nil, "khepri is the default metadata store of 4.2.0 and not built: write khepri_db: false for mnesia"},
		{"4.2", models.Broker, models.Settings{{Name: "khepri_db", Value: "false"}}, ""},
		{"3.12", models.Queue, models.Settings{{Name: "x-queue-version", Value: "2"}}, ""},
		{"3.9", models.Queue, models.Settings{{Name: "x-queue-version", Value: "2"}}, "not in rabbitmq 3.9.29: it came with 3.10.0"},
	} {
		sys := &models.System{Model: "rabbitmq", Version: c.version}
		sys.Sections[c.section] = c.set
		r, problems := models.Resolve(Table(), sys)
		if len(problems) == 0 {
			problems = check(sys, r, nil)
		}
		var got []string
		for _, p := range problems {
			got = append(got, p.Text)
		}
		require.Equal(t, c.want, strings.Join(got, "; "), "%s %v", c.version, c.set)
	}
}
