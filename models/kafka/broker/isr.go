package broker

import (
	"bytes"

	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// Before 2.7 a leader changed the ISR by itself: a conditional write of the state znode with the version
// that it remembers (ReplicationUtils.updateLeaderAndIsr@2.6.3). If somebody else has written meanwhile,
// it only notes that it skips the update, keeps its ISR and its version, and fails the same way at the
// next attempt, until a LeaderAndIsr brings it a newer state (KAFKA-2729).

// Notes for the controller are collected (ReplicaManager.maybePropagateIsrChanges): looked at every 2.5 s,
// written when nothing changed for 5 s or the last note is a minute old.
const (
	noticeCheck = 2500 * sim.Millisecond
	noticeQuiet = 5 * sim.Second
	noticeAge   = 60 * sim.Second
)

// isrNotices are changed ISRs that the controller has not been told of.
type isrNotices struct {
	parts    []wire.TopicPartition
	changed  sim.Time // the last change
	sent     sim.Time // the last note
	checking bool
}

// writeISR answers a leader's proposal as a controller would, from what ZooKeeper said.
func (b *Broker) writeISR(m *wire.AlterPartitionRequest) {
	resp := &wire.AlterPartitionResponse{Parts: make([]wire.AlterResult, len(m.Parts))}
	left := len(m.Parts)
	for i := range m.Parts {
		q, r := &m.Parts[i], &resp.Parts[i]
		*r = wire.AlterResult{TopicPartition: q.TopicPartition, Leader: b.cfg.ID, LeaderEpoch: q.LeaderEpoch, ISR: q.ISR}
		b.writeState(q, func(version int32, ok bool) {
			if r.PartitionEpoch = version; !ok {
				b.p.Probe("kafka-isr-update-skipped")
				r.Err = wire.OperationNotAttempted
			} else {
				b.noteISR(q.TopicPartition)
			}
			if left--; left == 0 {
				b.rm.AlterPartitionDone(resp)
			}
		})
	}
}

func (b *Broker) writeState(q *wire.AlterPart, done func(version int32, ok bool)) {
	path := controller.StatePath(q.TopicPartition)
	epoch := int32(-1)
	if p := b.rm.Partition(q.TopicPartition); p != nil {
		epoch = p.ControllerEpoch()
	}
	data := controller.EncodeState(b.cfg.ID, q.LeaderEpoch, q.ISR, epoch)
	b.zk.Retry(zk.SetDataRequest(path, data, q.PartitionEpoch), func(r zk.Response) {
		switch r.Code {
		case zk.OK:
			done(r.Stat.Version, true)
		case zk.BadVersion:
			// Perhaps it is this very write, whose answer was lost (checkLeaderAndIsrZkData).
			b.zk.Retry(zk.GetDataRequest(path, false), func(r zk.Response) {
				done(r.Stat.Version, r.Code == zk.OK && bytes.Equal(r.Data, data))
			})
		default:
			done(-1, false)
		}
	})
}

func (b *Broker) noteISR(tp wire.TopicPartition) {
	n := &b.notices
	known := false
	for _, x := range n.parts {
		known = known || x == tp
	}
	if !known {
		n.parts = append(n.parts, tp)
	}
	n.changed = b.p.Now()
	if !n.checking {
		n.checking = true
		b.p.After(noticeCheck, timerNotices, 0)
	}
}

// checkNotices writes the note if it is time.
func (b *Broker) checkNotices() {
	n := &b.notices
	now := b.p.Now()
	n.checking = false
	if len(n.parts) == 0 {
		return
	}
	if now-n.changed <= noticeQuiet && now-n.sent <= noticeAge {
		n.checking = true
		b.p.After(noticeCheck, timerNotices, 0)
		return
	}
	data := controller.EncodeNotice(n.parts)
	n.parts, n.sent = n.parts[:0], now
	b.zk.Retry(zk.CreateRequest(controller.NoticePath, data, zk.PersistentSequential), func(zk.Response) {})
}
