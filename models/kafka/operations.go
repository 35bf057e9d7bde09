package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// Do executes an operator's command through the admin client. Starting and stopping hosts is not a
// command to the cluster; the injector does it.
func (c *Cluster) Do(op *models.Operation, done func(models.OpAnswer)) {
	switch op.Do {
	case "preferred-election":
		c.elect(wire.ElectPreferred, op, done)
	case "unclean-election":
		c.elect(wire.ElectUnclean, op, done)
	case "reassign":
		c.reassign(op, done)
	case "host-settings":
		c.setHosts(op, done)
	case "set-config":
		c.setConfig(op, done)
	default:
		done(models.OpAnswer{Text: fmt.Sprintf("refused: %s is not built for kafka", op.Do)})
	}
}

// elect is kafka-leader-election: of one partition, or of every partition of the workload.
func (c *Cluster) elect(kind int8, op *models.Operation, done func(models.OpAnswer)) {
	var parts []wire.TopicPartition
	arg := op.Args["partition"]
	c.eachPartition(arg, arg == "", func(tp wire.TopicPartition, _ []int32) { parts = append(parts, tp) })
	if len(parts) == 0 {
		done(models.OpAnswer{Text: "there is no partition " + arg})
		return
	}
	if !c.operator.svc.Running() || c.operator.proc == nil {
		done(models.OpAnswer{Text: "the operator's admin client does not run"})
		return
	}
	c.operator.admin.ElectLeaders(kind, parts, func(answers []wire.PartError, err error) {
		if err != nil {
			done(models.OpAnswer{Text: err.Error()})
			return
		}
		done(electionAnswer(answers))
	})
}

// reassign is kafka-reassign-partitions --execute for one partition. It is answered when the controller has
// begun; the event reassignment-finished ends it.
func (c *Cluster) reassign(op *models.Operation, done func(models.OpAnswer)) {
	if !c.operator.svc.Running() || c.operator.proc == nil {
		done(models.OpAnswer{Text: "the operator's admin client does not run"})
		return
	}
	var ids []int32
	for _, name := range strings.Split(op.Args["to"], ",") {
		for i, s := range c.brokers {
			if s.host.Name == name {
				ids = append(ids, int32(i+1))
			}
		}
	}
	arg := op.Args["partition"]
	found := false
	for _, t := range c.topics {
		for i := range t.replicas {
			if found || !t.named(arg, int32(i)) {
				continue
			}
			found = true
			c.operator.admin.Reassign(t.tp(int32(i)), ids, func(err error) {
				if err != nil {
					done(models.OpAnswer{Text: err.Error()})
					return
				}
				t.replicas[i] = ids
				done(models.OpAnswer{OK: true, Text: "reassignment of " + arg + " has begun"})
			})
		}
	}
	if !found {
		done(models.OpAnswer{Text: "there is no partition " + arg})
	}
}

// electionAnswer words the answers of all partitions; ELECTION_NOT_NEEDED is no failure.
func electionAnswer(answers []wire.PartError) models.OpAnswer {
	var texts []string
	ok := true
	for _, a := range answers {
		switch a.Err {
		case wire.None:
			texts = append(texts, fmt.Sprintf("%s-%d: elected", a.Topic, a.Partition))
		case wire.ElectionNotNeeded:
			texts = append(texts, fmt.Sprintf("%s-%d: not needed", a.Topic, a.Partition))
		default:
			ok = false
			texts = append(texts, fmt.Sprintf("%s-%d: %s", a.Topic, a.Partition, a.Err))
		}
	}
	return models.OpAnswer{OK: ok, Text: strings.Join(texts, ", ")}
}

// setHosts gives the next incarnations of brokers other settings.
func (c *Cluster) setHosts(op *models.Operation, done func(models.OpAnswer)) {
	var names []string
	for k := range op.Args { //mqsim:unordered sorted below
		if name, ok := strings.CutPrefix(k, "settings."); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var over models.Settings
	for _, n := range names {
		over = append(over, models.Entry{Name: n, Value: op.Args["settings."+n]})
	}
	for _, h := range op.Hosts {
		for _, p := range c.hostSettings(h, over) {
			if !p.Warn {
				done(models.OpAnswer{Text: h.Name + ": " + p.Path + ": " + p.Text})
				return
			}
		}
	}
	done(models.OpAnswer{OK: true, Text: "the next start uses other settings"})
}
