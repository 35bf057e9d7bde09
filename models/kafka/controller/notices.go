package controller

import (
	"encoding/json"
	"strings"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// Before 2.7 leaders changed the ISR in ZooKeeper without asking. The controller learned of it from
// notes that brokers left below /isr_change_notification (KafkaController.processIsrChangeNotification),
// and told all brokers. Elections never relied on them: they read the state again.

// StatePath is the znode of a partition's state.
func StatePath(tp wire.TopicPartition) string { return statePath(tp) }

// EncodeState is the content of a state znode that a leader writes (ReplicationUtils.updateLeaderAndIsr).
func EncodeState(leader, leaderEpoch int32, isr []int32, controllerEpoch int32) []byte {
	return encodeState(&leaderISR{Leader: leader, LeaderEpoch: leaderEpoch, ISR: isr, ControllerEpoch: controllerEpoch})
}

// NoticePath is the prefix of a note's name; ZooKeeper appends a number.
const NoticePath = pathISRChanges + "/isr_change_"

type noticeJSON struct {
	Version    int              `json:"version"`
	Partitions []noticePartJSON `json:"partitions"`
}

type noticePartJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// EncodeNotice is the content of a note about partitions (IsrChangeNotificationZNode).
func EncodeNotice(parts []wire.TopicPartition) []byte {
	j := noticeJSON{Version: 1}
	for _, tp := range parts {
		j.Partitions = append(j.Partitions, noticePartJSON{tp.Topic, tp.Partition})
	}
	return mustJSON(&j)
}

func decodeNotice(data []byte) []wire.TopicPartition {
	var j noticeJSON
	if json.Unmarshal(data, &j) != nil {
		return nil
	}
	var out []wire.TopicPartition
	for _, p := range j.Partitions {
		out = append(out, wire.TopicPartition{Topic: p.Topic, Partition: p.Partition})
	}
	return out
}

// dropNotices is the first step of a new controller: it reads all states anyway.
func (c *Controller) dropNotices(done func()) {
	if !c.cfg.Rules.LeadersWriteISR {
		done()
		return
	}
	c.notices(func(paths []string, _ []wire.TopicPartition) { c.remove(paths, done) })
}

// isrChange reads the notes, tells every broker the states that they are about, and removes them.
func (c *Controller) isrChange(done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	c.notices(func(paths []string, tps []wire.TopicPartition) {
		var parts []*partition
		for _, tp := range tps {
			if p := c.parts[tp]; p != nil && p.known {
				parts = append(parts, p)
			}
		}
		c.readStates(parts, func() {
			if !c.IsActive() || c.parts == nil {
				done()
				return
			}
			for _, p := range parts {
				c.out.metadata(c.liveOrShuttingDown(), p)
			}
			c.flush()
			c.remove(paths, done)
		})
	})
}

// notices lists the notes with what they say, and watches for the next.
func (c *Controller) notices(done func(paths []string, tps []wire.TopicPartition)) {
	c.zk.Retry(zk.GetChildrenRequest(pathISRChanges, true), func(r zk.Response) {
		var paths []string
		for _, name := range r.Children {
			if strings.HasPrefix(pathISRChanges+"/"+name, NoticePath) {
				paths = append(paths, pathISRChanges+"/"+name)
			}
		}
		var tps []wire.TopicPartition
		c.each(len(paths), func(i int, one func()) {
			c.zk.Retry(zk.GetDataRequest(paths[i], false), func(r zk.Response) {
				if r.Code == zk.OK {
					tps = append(tps, decodeNotice(r.Data)...)
				}
				one()
			})
		}, func() { done(paths, tps) })
	})
}

func (c *Controller) remove(paths []string, done func()) {
	c.each(len(paths), func(i int, one func()) {
		c.zk.Retry(zk.DeleteRequest(paths[i], zk.AnyVersion), func(zk.Response) { one() })
	}, done)
}
