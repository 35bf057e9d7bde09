package wire

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// The expected sizes were added up by hand from the schemas in
// clients/src/main/resources/common/message, field by field.
func TestSizes(t *testing.T) {
	h := ReqHeader{Client: "c"} // 4 length, 2 key, 2 version, 4 correlation, 2+1 client id, 1 tags = 16
	r := RespHeader{}           // 4 length, 4 correlation, 1 tags = 9
	tp := TopicPartition{Topic: "t0"}
	for _, c := range []struct {
		name string
		m    interface{ Size() int }
		want int
	}{
		// transactional id 1, acks 2, timeout 4, topics 1+(name 3, partitions 1+(index 4, records 1+73, tags 1), tags 1), tags 1
		{"produce", &ProduceRequest{ReqHeader: h, Parts: []ProducePart{{tp, []sim.Ref{{Len: 61}, {Len: 12}}}}}, 16 + 1 + 2 + 4 + 1 + 3 + 1 + 4 + 74 + 1 + 1 + 1},
		// records of 127 bytes and more need two bytes of length
		{"produce 200", &ProduceRequest{ReqHeader: h, Parts: []ProducePart{{tp, []sim.Ref{{Len: 200}}}}}, 16 + 1 + 2 + 4 + 1 + 3 + 1 + 4 + 202 + 1 + 1 + 1},
		// responses 1+(name 3, 1+(index 4, error 2, base 8, time 8, start 8, record errors 1, message 1, tags 1), tags 1), throttle 4, tags 1
		{"produce answer", &ProduceResponse{RespHeader: r, Parts: []ProduceResult{{TopicPartition: tp, HintLeader: -1}}}, 9 + 1 + 3 + 1 + 33 + 1 + 4 + 1},
		// wait 4, min 4, max 4, isolation 1, session 8, topics 1+(id 16, 1+(4+4+8+4+8+4, tags 1), tags 1), forgotten 1, rack 1, tags 1
		{"fetch", &FetchRequest{ReqHeader: h, Replica: -1, Parts: []FetchPart{{TopicPartition: tp}}}, 16 + 13 + 8 + 1 + 16 + 1 + 33 + 1 + 1 + 1 + 1},
		{"empty fetch of a follower", &FetchRequest{ReqHeader: h, Replica: 2}, 16 + 13 + 8 + 1 + 1 + 1 + 1 + 15},
		// throttle 4, error 2, session 4, responses 1, tags 1
		{"empty fetch answer", &FetchResponse{RespHeader: r}, 9 + 4 + 2 + 4 + 1 + 1},
		// responses (id 16, 1+(index 4, error 2, hw 8, lso 8, start 8, aborted 1, read replica 4, records 2+1000, tags 1), tags 1)
		{"fetch answer", &FetchResponse{RespHeader: r, Parts: []FetchResult{{TopicPartition: tp, DivergingEpoch: -1, HintLeader: -1, Bytes: 1000}}},
			9 + 4 + 2 + 4 + 1 + 16 + 1 + 38 + 1000 + 1 + 1},
		{"two partitions of a topic", &OffsetCommitRequest{ReqHeader: h, Group: "g", Member: "m", Parts: []CommitPart{{TopicPartition: tp}, {TopicPartition: TopicPartition{"t0", 1}}}},
			16 + 2 + 4 + 2 + 1 + 1 + 3 + 1 + 2*18 + 1 + 1},
		{"heartbeat", &HeartbeatRequest{ReqHeader: h, Group: "g", Member: "m"}, 16 + 2 + 4 + 2 + 1 + 1},
		{"alter partition", &AlterPartitionRequest{ReqHeader: h, Parts: []AlterPart{{TopicPartition: tp, ISR: []int32{1, 2}}}},
			16 + 4 + 8 + 1 + 16 + 1 + (4 + 4 + 1 + 2*13 + 1 + 4 + 1) + 1 + 1},
	} {
		if got := c.m.Size(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

func TestErrorNames(t *testing.T) {
	for e := range errorNames { //mqsim:unordered each on its own
		if e.String() == "UNKNOWN_SERVER_ERROR" && e != UnknownServerError {
			t.Errorf("code %d has no name", e)
		}
	}
	if NotEnoughReplicasAfterAppend.String() != "NOT_ENOUGH_REPLICAS_AFTER_APPEND" || !NotEnoughReplicasAfterAppend.Retriable() {
		t.Error("NOT_ENOUGH_REPLICAS_AFTER_APPEND")
	}
	if !NotLeaderOrFollower.InvalidMetadata() || RequestTimedOut.InvalidMetadata() {
		t.Error("invalid metadata class")
	}
}
