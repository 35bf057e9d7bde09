package group

import (
	"sort"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Committed offsets do not stay for ever (GroupMetadataManager.cleanupGroupMetadata): since 2.1 those of
// a group without members go when it has been empty for offsets.retention.minutes; those of a group that
// never had members, or any before 2.1, when their commit is that old (KIP-211). What is removed is
// written as tombstones; a group with neither members nor offsets goes with its last one.

// scheduleExpiry arms the next look.
func (k *Coordinator) scheduleExpiry() {
	if !k.expiring && k.cfg.RetentionCheck > 0 {
		k.expiring = true
		k.env.After(k.cfg.RetentionCheck, timerExpire, 0)
	}
}

// expire removes what is too old from every group that is loaded.
func (k *Coordinator) expire() {
	k.expiring = false
	if len(k.owned) == 0 {
		return // armed again with the next partition
	}
	k.scheduleExpiry()
	now := k.env.Wall()
	for _, g := range append([]*group(nil), k.order...) {
		if k.checkPartition(g.partition) == wire.None {
			g.expire(now)
		}
	}
}

// expire removes a group's offsets that are too old, and the group if nothing is left.
func (g *group) expire(now int64) {
	k := g.k
	var old []wire.TopicPartition
	for tp, c := range g.offsets { //mqsim:unordered sorted below
		if now-g.expiryBase(c) >= int64(k.cfg.Retention/sim.Millisecond) {
			old = append(old, tp)
		}
	}
	if len(old) == 0 {
		return
	}
	sort.Slice(old, func(i, j int) bool {
		return old[i].Topic < old[j].Topic || old[i].Topic == old[j].Topic && old[i].Partition < old[j].Partition
	})
	for _, tp := range old {
		delete(g.offsets, tp)
		k.builder.Add(now, putInt32(putString(putString(putInt16(nil, keyOffset), g.name), tp.Topic), tp.Partition), nil)
	}
	if len(g.offsets) == 0 && g.state == empty && len(g.pending) == 0 {
		k.builder.Add(now, putString(putInt16(nil, keyGroup), g.name), nil)
		k.remove(g)
	}
	k.env.Probe("kafka-group-offsets-expired")
	k.append(g, k.takeStoring())
}

// expiryBase is the time from which an offset's age counts; the present moment while it must stay.
func (g *group) expiryBase(c commit) int64 {
	switch {
	case g.k.cfg.ExpireInUse || g.generation == 0 && len(g.members) == 0:
		return c.at
	case g.state != empty:
		return g.k.env.Wall()
	}
	return max(g.since, c.at)
}

// remove forgets a group.
func (k *Coordinator) remove(g *group) {
	g.state = dead
	delete(k.groups, g.name)
	k.recent = nil
	for i := range k.order {
		if k.order[i] == g {
			k.order = append(k.order[:i], k.order[i+1:]...)
			return
		}
	}
}
