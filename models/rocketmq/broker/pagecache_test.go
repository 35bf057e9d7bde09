package broker

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
)

// While somebody has had the append lock for longer than osPageCacheBusyTimeOutMills the store takes
// nothing: a delayed message that is due stays due.
func TestPageCacheBusyStore(t *testing.T) {
	k := newCluster(t, options{})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.wantSend("broker-a-0", "t0", 0, "m0", "SEND_OK", 0)
	b := k.broker("broker-a-0")
	put := func() putResult {
		return b.store.put(&store.Message{Topic: "t0", Body: k.w.Arena.Put([]byte("delayed"))})
	}
	b.queue.turn, b.queue.since = true, k.w.Now()-b.cfg.PageCacheBusy-1
	end := b.store.MaxOffset()
	if r := put(); r.code != wire.SystemError || !strings.HasPrefix(r.remark, "[PC_SYNCHRONIZED]") || b.store.MaxOffset() != end {
		t.Errorf("busy: %+v", r)
	}
	b.queue.since++ // exactly osPageCacheBusyTimeOutMills
	if r := put(); r.code != wire.Success || r.queueOffset != 1 {
		t.Errorf("not busy yet: %+v", r)
	}
	b.queue.turn = false
}
