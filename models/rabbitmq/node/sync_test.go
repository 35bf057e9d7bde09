package node

import (
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// What a mirror owes confirms for when a sync empties it is confirmed with the copy, not before; and a sync
// that breaks off leaves nothing of what came.
func TestSyncHoldsConfirms(t *testing.T) {
	for _, broken := range []bool{false, true} {
		k := newRig(t, 3, DefaultRules())
		k.mirrored(Policy{})
		k.declare("t0-0", 0)
		k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
		p := k.client(2)
		p.publish("t0-0", 20, wire.Persistent)
		k.run(sim.Second)
		q := k.node(1).queues["t0-0"]
		s := q.sendList[0]
		q.waiting.put(99, publisher{s, 99})
		q.mirror.told = false
		q.joinSync(q.rec.Master)
		q.idle()
		if s.confirm == nil || len(s.confirm.Seqs) != 1 || q.st.length() != 0 {
			t.Fatal("confirmed before the copy came")
		}
		var items []wire.SyncItem
		ref, _ := k.w.Arena.Alloc(256)
		for i := range 20 {
			items = append(items, wire.SyncItem{ID: wire.GUID(1000 + i), Key: "t0-0", Content: wire.Content{Body: ref, Mode: wire.Persistent}})
		}
		q.syncBatch(&wire.SyncBatch{From: q.rec.Master, Items: items, Last: !broken})
		if broken {
			if q.idle(); s.confirm == nil {
				t.Fatal("confirmed in the middle of a sync")
			}
			q.syncMemberDown(q.rec.Master)
		}
		q.idle()
		if want := map[bool]int{false: 20, true: 0}[broken]; s.confirm != nil || q.st.length() != want {
			t.Errorf("broken %v: confirm %+v, %d messages", broken, s.confirm, q.st.length())
		}
		k.check()
	}
}
