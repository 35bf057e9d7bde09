package broker

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// A batch is answered once, with the offset of its first message, when the slave has all of it; its
// records carry the properties of the batch behind their own.
func TestSendBatch(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: SyncMaster, flush: store.SyncFlush})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.run(15 * sim.Second)
	k.wantSend("broker-a-0", "t0", 0, "first", "SEND_OK", 0)
	batch := func(topic string) *wire.SendMessageRequest {
		m := k.pool.Send()
		m.Group, m.Topic, m.DefaultTopicNums, m.MaxReconsumeTimes, m.WaitStore = "pg", topic, 4, -1, true
		m.Props = append(m.Props, "WAIT\x01true\x02"...)
		for i := range 3 {
			props := []byte(fmt.Sprintf("KEYS\x01k%d", i))
			m.Batch = wire.AppendBatchMessage(&k.w.Arena, m.Batch, int32(i), props, k.w.Arena.Put([]byte(fmt.Sprintf("m%d", i))))
		}
		return m
	}
	r, ok := k.ask(k.hosts["broker-a-0"], wire.ClientPort, batch("t0"), sim.Second).(*wire.SendMessageResponse)
	if !ok || r.Code != wire.Success || r.QueueOffset != 1 || r.Count != 3 {
		t.Fatalf("%+v", r)
	}
	k.wantSend("broker-a-0", "t0", 0, "last", "SEND_OK", 4)
	for _, h := range []string{"broker-a-0", "broker-a-1"} {
		var got []string
		store.Scan(k.hosts[h].Disk(0).FS(), DefaultStore().Dir, func(_ int64, rec *store.Record, body []byte) {
			if rec.QueueOffset >= 1 && rec.QueueOffset <= 3 {
				got = append(got, fmt.Sprintf("%d %s %d %q", rec.QueueOffset, body, rec.Flag, rec.Properties))
			}
		})
		want := `[1 m0 0 "KEYS\x01k0\x02WAIT\x01true\x02" 2 m1 1 "KEYS\x01k1\x02WAIT\x01true\x02" 3 m2 2 "KEYS\x01k2\x02WAIT\x01true\x02"]`
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", h, got, want)
		}
	}
	if r := k.ask(k.hosts["broker-a-0"], wire.ClientPort, batch(RetryTopic("cg")), sim.Second); r == nil || r.Result() != wire.MessageIllegal {
		t.Errorf("a batch for a retry topic: %+v", r)
	}
	k.check()
}
