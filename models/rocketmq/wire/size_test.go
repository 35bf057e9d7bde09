package wire

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// The expected frames are written out as fastjson does, keys in order.
func TestSizes(t *testing.T) {
	frame := func(code int, flag int, opaque int, ext, remark, body string) int {
		h := fmt.Sprintf(`{"code":%d,`, code)
		if ext != "" {
			h += `"extFields":{` + ext + `},`
		}
		h += fmt.Sprintf(`"flag":%d,"language":"JAVA","opaque":%d,`, flag, opaque)
		if remark != "" {
			h += `"remark":"` + remark + `",`
		}
		return 8 + len(h+`"serializeTypeCurrentRPC":"JSON","version":431}`) + len(body)
	}
	for _, c := range []struct {
		name string
		m    interface{ Size() int }
		want int
	}{
		{"send", &SendMessageRequest{Header: Header{Opaque: 7}, Group: "pg", Topic: "t0", DefaultTopicNums: 4, QueueID: 3, BornTimestamp: 1700000000000,
			Props: []byte("WAIT\x01true\x02"), MaxReconsumeTimes: -1, Body: sim.Ref{Len: 100}},
			frame(310, 0, 7, `"a":"pg","b":"t0","c":"TBW102","d":"4","e":"3","f":"0","g":"1700000000000","h":"0","i":"WAIT\u0001true\u0002","j":"0","k":"false","m":"false"`, "", "") + 100},
		{"batch", &SendMessageRequest{Header: Header{Opaque: 7}, Group: "pg", Topic: "t0", DefaultTopicNums: 4, QueueID: 3, BornTimestamp: 1700000000000,
			Props: []byte("WAIT\x01true\x02"), MaxReconsumeTimes: -1, Batch: []sim.Ref{{Len: 20}, {Len: 5}, {Len: 9}, {Len: 20}, {Len: 7}, {Len: 2}}},
			frame(320, 0, 7, `"a":"pg","b":"t0","c":"TBW102","d":"4","e":"3","f":"0","g":"1700000000000","h":"0","i":"WAIT\u0001true\u0002","j":"0","k":"false","m":"true"`, "", "") + 63},
		{"batch answer", &SendMessageResponse{RespHeader: RespHeader{Opaque: 12}, QueueID: 3, QueueOffset: 41, Count: 2},
			frame(0, 1, 12, `"msgId":"0A00000100002A9F0000000000000000,0A00000100002A9F0000000000000080","queueId":"3","queueOffset":"41"`, "", "")},
		{"send answer", &SendMessageResponse{RespHeader: RespHeader{Opaque: 12}, QueueID: 3, QueueOffset: 41},
			frame(0, 1, 12, `"msgId":"0A00000100002A9F0000000000000000","queueId":"3","queueOffset":"41"`, "", "")},
		{"refused", &SendMessageResponse{RespHeader: RespHeader{Opaque: 12, Code: SystemBusy, Remark: "busy"}}, frame(2, 1, 12, "", "busy", "")},
		{"pull", &PullMessageRequest{Group: "cg", Topic: "t0", Offset: 10, MaxMsgs: 32, SysFlag: 2, SuspendTimeout: 15000},
			frame(11, 0, 0, `"commitOffset":"0","consumerGroup":"cg","expressionType":"TAG","maxMsgNums":"32","queueId":"0","queueOffset":"10","subVersion":"0","suspendTimeoutMillis":"15000","sysFlag":"2","topic":"t0"`, "", "")},
		{"pull answer", &PullMessageResponse{NextOffset: 5, MaxOffset: 5, Bytes: 1000},
			frame(0, 1, 0, `"maxOffset":"5","minOffset":"0","nextBeginOffset":"5","suggestWhichBrokerId":"0"`, "", "") + 1000},
		{"commit", &UpdateOffsetRequest{Group: "cg", Queue: Queue{"t0", 1}, Offset: 9},
			frame(15, 0, 0, `"commitOffset":"9","consumerGroup":"cg","queueId":"1","topic":"t0"`, "", "")},
		{"register answer", &RegisterBrokerResponse{MasterAddr: "h"}, frame(0, 1, 0, `"haServerAddr":"h:10912","masterAddr":"h:10911"`, "", `{"table":{}}`)},
		{"empty answer", &Answer{}, frame(0, 1, 0, "", "", "")},
		{"report", &HAReport{}, 8},
		{"frame", &HAFrame{Bytes: 32768}, 12 + 32768},
	} {
		if got := c.m.Size(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

// The body of a batch of "hello" with TAGS=A and of an empty message without properties, made by hand from
// MessageDecoder.encodeMessage.
func TestBatchVector(t *testing.T) {
	const want = "" +
		"00000022" + "00000000" + "00000000" + "00000007" + // total 34, magic, crc, flag
		"00000005" + "68656c6c6f" + "0007" + "54414753014102" +
		"00000016" + "00000000" + "00000000" + "00000000" + "00000000" + "0000"
	var a sim.Arena
	m := &SendMessageRequest{}
	m.Batch = AppendBatchMessage(&a, m.Batch, 7, []byte("TAGS\x01A\x02"), a.Put([]byte("hello")))
	m.Batch = AppendBatchMessage(&a, m.Batch, 0, nil, sim.Ref{})
	var b []byte
	for _, r := range m.Batch {
		b = append(b, a.Bytes(r)...)
	}
	if got := hex.EncodeToString(b); got != want || m.BodyLen() != len(b) {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	flag, props, body := m.Message(&a, 0)
	if m.Count() != 2 || flag != 7 || string(props) != "TAGS\x01A\x02" || string(a.Bytes(body)) != "hello" {
		t.Error(m.Count(), flag, props, body)
	}
}

func TestCodes(t *testing.T) {
	if FlushSlaveTimeout.String() != "FLUSH_SLAVE_TIMEOUT" || !FlushSlaveTimeout.Stored() || Success.SendStatus() != "SEND_OK" {
		t.Error("FLUSH_SLAVE_TIMEOUT is a stored message")
	}
	if SystemBusy.Stored() || ServiceNotAvailable != 14 || TopicNotExist != 17 {
		t.Error("codes")
	}
}
