package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// dynamicBroker are the broker settings that can change while it runs (DynamicBrokerConfig.scala, KIP-226).
var dynamicBroker = []string{
	"min.insync.replicas", "unclean.leader.election.enable", "message.max.bytes",
	"log.segment.bytes", "log.roll.ms", "log.index.size.max.bytes", "log.index.interval.bytes",
	"log.retention.ms", "log.retention.bytes", "log.flush.interval.messages", "log.flush.interval.ms",
	"log.segment.delete.delay.ms", "log.cleanup.policy", "log.message.timestamp.type",
}

// override is a change that was accepted; it counts for what the cluster promises from then on.
type override struct {
	topic    string // "" = brokers
	settings models.Settings
}

// setConfig is kafka-configs --alter: of the topic that name: says, of the brokers that the selector says,
// else of all brokers.
func (c *Cluster) setConfig(op *models.Operation, done func(models.OpAnswer)) {
	if !c.operator.svc.Running() || c.operator.proc == nil {
		done(models.OpAnswer{Text: "the operator's admin client does not run"})
		return
	}
	var names []string
	for k := range op.Args { //mqsim:unordered sorted below
		if name, ok := strings.CutPrefix(k, "definition."); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var settings []wire.Setting
	o := override{topic: op.Args["name"]}
	for _, n := range names {
		if o.topic == "" && !slices.Contains(dynamicBroker, n) {
			done(models.OpAnswer{Text: "refused: cannot update " + n + " dynamically (DynamicBrokerConfig); restart hosts with settings: instead"})
			return
		}
		settings = append(settings, wire.Setting{Name: n, Value: op.Args["definition."+n]})
		o.settings = append(o.settings, models.Entry{Name: n, Value: op.Args["definition."+n]})
	}
	if o.topic == "" && !c.cfg.Set.AtLeast("1.1") {
		done(models.OpAnswer{Text: "refused: settings of running brokers cannot change before kafka 1.1 (KIP-226)"})
		return
	}
	var ids []int32
	if o.topic == "" {
		for i, s := range c.brokers {
			if slices.Contains(op.Hosts, s.host) {
				ids = append(ids, int32(i+1))
			}
		}
	}
	if len(ids) == 0 || len(ids) == len(c.brokers) {
		ids = []int32{-1}
	}
	left, failed := len(ids), error(nil)
	for _, id := range ids {
		c.operator.admin.AlterConfigs(o.topic, id, settings, func(err error) {
			if err != nil {
				failed = err
			}
			if left--; left > 0 {
				return
			}
			if failed != nil {
				done(models.OpAnswer{Text: failed.Error()})
				return
			}
			c.overrides = append(c.overrides, o)
			done(models.OpAnswer{OK: true, Text: fmt.Sprintf("%s changed", strings.Join(names, ", "))})
		})
	}
}

// topicWith is what topics are configured with on a host once settings were changed.
func (c *Cluster) topicWith(r *models.Resolved) func(string, []wire.Setting, []wire.Setting) replica.TopicConfig {
	entries := func(list []wire.Setting) (out models.Settings) {
		for _, s := range list {
			out = append(out, models.Entry{Name: s.Name, Value: s.Value})
		}
		return out
	}
	return func(topic string, broker, own []wire.Setting) replica.TopicConfig {
		base := r.With(models.Broker, entries(broker))
		for i := range c.cfg.Streams {
			if c.cfg.Streams[i].Name == topic {
				return topicConfig(base.ForStream(&c.cfg.Streams[i]).With(models.Topic, entries(own)))
			}
		}
		return c.topicConfigs(base)(topic)
	}
}

// changed is a stream's settings with what was changed since the start.
func (c *Cluster) changed(r *models.Resolved, topic string) *models.Resolved {
	for _, o := range c.overrides {
		switch o.topic {
		case "":
			r = r.With(models.Broker, o.settings)
		case topic:
			r = r.With(models.Topic, o.settings)
		}
	}
	return r
}
