package kafka

import (
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/stretchr/testify/require"
)

// TestTimesInOtherUnits: log.roll and log.retention come in several units; the finest that is set counts, the
// topic's own before any.
func TestTimesInOtherUnits(t *testing.T) {
	const hour = int64(3600000)
	for _, c := range []struct {
		broker, topic models.Settings
		roll, retain  int64
	}{
		{nil, nil, 168 * hour, 168 * hour},
		{models.Settings{{Name: "log.roll.hours", Value: "2"}, {Name: "log.retention.hours", Value: "3"}}, nil, 2 * hour, 3 * hour},
		{models.Settings{{Name: "log.retention.minutes", Value: "7"}, {Name: "log.retention.hours", Value: "3"}}, nil, 168 * hour, 7 * 60000},
		{models.Settings{{Name: "log.retention.hours", Value: "-1"}}, nil, 168 * hour, -1},
		{models.Settings{{Name: "log.retention.ms", Value: "5000"}, {Name: "log.retention.minutes", Value: "7"}, {Name: "log.roll.ms", Value: "9000"},
			{Name: "log.roll.hours", Value: "2"}}, nil, 9000, 5000},
		{models.Settings{{Name: "log.retention.minutes", Value: "7"}, {Name: "log.roll.hours", Value: "2"}},
			models.Settings{{Name: "retention.ms", Value: "11000"}, {Name: "segment.ms", Value: "12000"}}, 12000, 11000},
	} {
		sys := &models.System{Name: "kafka", Model: "kafka", Version: "3.9"}
		sys.Sections[models.Topology] = models.Settings{{Name: "coordination", Value: "zookeeper"}}
		sys.Sections[models.Broker], sys.Sections[models.Topic] = c.broker, c.topic
		r, problems := models.Resolve(profile.Table(), sys)
		require.Empty(t, problems)
		o := topicConfig(r).Log
		require.Equal(t, []int64{c.roll, c.retain}, []int64{o.SegmentMillis, o.RetentionMillis}, "%v %v", c.broker, c.topic)
	}
}

// TestTimestampType: a topic takes the broker's default.
func TestTimestampType(t *testing.T) {
	for _, c := range []struct {
		broker, topic string
		want          bool
	}{{"CreateTime", "", false}, {"LogAppendTime", "", true}, {"LogAppendTime", "CreateTime", false}, {"CreateTime", "LogAppendTime", true}} {
		sys := &models.System{Name: "kafka", Model: "kafka", Version: "3.9"}
		sys.Sections[models.Topology] = models.Settings{{Name: "coordination", Value: "zookeeper"}}
		sys.Sections[models.Broker] = models.Settings{{Name: "log.message.timestamp.type", Value: c.broker}}
		if c.topic != "" {
			sys.Sections[models.Topic] = models.Settings{{Name: "message.timestamp.type", Value: c.topic}}
		}
		r, problems := models.Resolve(profile.Table(), sys)
		require.Empty(t, problems)
		require.Equal(t, c.want, topicConfig(r).Log.AppendTime, "%+v", c)
	}
}
