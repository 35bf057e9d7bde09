package wire

import "github.com/mqsim/mqsim/sim"

// SendMessageRequest is SEND_MESSAGE_V2 (SendMessageRequestHeaderV2.java). Props is the encoded property
// string (name 0x01 value 0x02 ...); WaitStore and DelayLevel repeat what it says under WAIT and DELAY.
// Body is shared, never copied.
type SendMessageRequest struct {
	Header
	Group             string
	Topic             string
	DefaultTopicNums  int32 // queues of a topic that the broker creates (defaultTopicQueueNums)
	QueueID           int32 // -1: the broker draws one
	SysFlag           int32
	BornTimestamp     int64
	Flag              int32
	Props             []byte
	ReconsumeTimes    int32
	MaxReconsumeTimes int32 // -1: not given
	WaitStore         bool  // isWaitStoreMsgOK
	DelayLevel        int32
	Body              sim.Ref
	Batch             []sim.Ref // instead of Body: SEND_BATCH_MESSAGE, see AppendBatchMessage

	Arrived sim.Time // kept by the broker: when it entered the send queue
}

// Size counts the encoded bytes. The header's names are the letters a to m.
func (m *SendMessageRequest) Size() int {
	var f fields
	f.str("a", m.Group)
	f.str("b", m.Topic)
	f.str("c", "TBW102")
	f.num("d", int64(m.DefaultTopicNums))
	f.num("e", int64(m.QueueID))
	f.num("f", int64(m.SysFlag))
	f.num("g", m.BornTimestamp)
	f.num("h", int64(m.Flag))
	f.add("i", escaped(m.Props))
	f.num("j", int64(m.ReconsumeTimes))
	f.flag("k", false)
	if m.MaxReconsumeTimes >= 0 {
		f.num("l", int64(m.MaxReconsumeTimes))
	}
	f.flag("m", len(m.Batch) > 0)
	code := codeSendMessageV2
	if len(m.Batch) > 0 {
		code = codeSendBatchMessage
	}
	return m.frame(code, f, m.BodyLen())
}

// escaped is the length of a property string in JSON: its separators 0x01 and 0x02 take six characters.
func escaped(b []byte) int {
	n := len(b)
	for _, c := range b {
		if c < 0x20 {
			n += len(`\u0001`) - 1
		}
	}
	return n
}

// SendMessageResponse answers it. With Code.Stored the message is in the log at QueueOffset.
type SendMessageResponse struct {
	RespHeader
	QueueID     int32
	QueueOffset int64 // of the first message
	Count       int32 // messages of a batch; at most 1: a single message
}

// Size counts the encoded bytes. msgId is 16 bytes in hex, for each message of a batch, with commas between.
func (m *SendMessageResponse) Size() int {
	if !m.Code.Stored() {
		return m.frame(0, 0)
	}
	var f fields
	f.add("msgId", max(33*int(m.Count)-1, 32))
	f.num("queueId", int64(m.QueueID))
	f.num("queueOffset", m.QueueOffset)
	return m.frame(f, 0)
}

// Bits of PullMessageRequest.SysFlag (common/sysflag/PullSysFlag.java).
const (
	PullCommitOffset int32 = 1 << iota
	PullSuspend
	PullSubscription
	PullClassFilter
)

// PullMessageRequest is PULL_MESSAGE. Only the subscription "*" is modelled.
type PullMessageRequest struct {
	Header
	Group          string
	Topic          string
	QueueID        int32
	Offset         int64
	MaxMsgs        int32
	SysFlag        int32
	CommitOffset   int64
	SuspendTimeout int32 // ms
	SubVersion     int64
}

// Size counts the encoded bytes.
func (m *PullMessageRequest) Size() int {
	var f fields
	f.str("consumerGroup", m.Group)
	f.str("topic", m.Topic)
	f.num("queueId", int64(m.QueueID))
	f.num("queueOffset", m.Offset)
	f.num("maxMsgNums", int64(m.MaxMsgs))
	f.num("sysFlag", int64(m.SysFlag))
	f.num("commitOffset", m.CommitOffset)
	f.num("suspendTimeoutMillis", int64(m.SuspendTimeout))
	f.num("subVersion", m.SubVersion)
	f.str("expressionType", "TAG")
	if m.SysFlag&PullSubscription != 0 {
		f.str("subscription", "*")
	}
	return m.frame(codePullMessage, f, 0)
}

// PullMessageResponse answers it: Success with Refs that join to whole records of the CommitLog, or
// PullNotFound, PullRetryImmediately, PullOffsetMoved.
type PullMessageResponse struct {
	RespHeader
	Suggest    int64 // suggestWhichBrokerId
	NextOffset int64
	MinOffset  int64
	MaxOffset  int64
	Count      int32 // records in Refs
	Bytes      int32 // of Refs together
	Refs       []sim.Ref
}

// Size counts the encoded bytes, records included.
func (m *PullMessageResponse) Size() int {
	var f fields
	f.num("suggestWhichBrokerId", m.Suggest)
	f.num("nextBeginOffset", m.NextOffset)
	f.num("minOffset", m.MinOffset)
	f.num("maxOffset", m.MaxOffset)
	return m.frame(f, int(m.Bytes))
}

// HAReport is the bare 8-byte offset that a slave sends to its master.
type HAReport struct{ Offset int64 }

// Size counts the encoded bytes.
func (m *HAReport) Size() int { return 8 }

// HAFrame is what a master sends: 12 bytes of header and a piece of the CommitLog that begins at Offset.
// Without Refs it is a heartbeat.
type HAFrame struct {
	Offset int64
	Bytes  int32
	Refs   []sim.Ref
}

// Size counts the encoded bytes.
func (m *HAFrame) Size() int { return 12 + int(m.Bytes) }

// Pool keeps used commands of the hot path for their next use. One pool serves all programs of a
// world: the receiver of a command puts it back when nothing refers to it any more.
type Pool struct {
	sends   []*SendMessageRequest
	sent    []*SendMessageResponse
	pulls   []*PullMessageRequest
	pulled  []*PullMessageResponse
	frames  []*HAFrame
	reports []*HAReport
	ledger  []*LedgerMessage
}

// NewPool is an empty pool.
func NewPool() *Pool { return &Pool{} }

func take[T any](free *[]*T) *T {
	n := len(*free)
	if n == 0 {
		return new(T)
	}
	m := (*free)[n-1]
	(*free)[n-1] = nil
	*free = (*free)[:n-1]
	return m
}

// Send gives an empty request; Props and Batch have length 0 and may have room.
func (p *Pool) Send() *SendMessageRequest { return take(&p.sends) }

// PutSend takes a request back.
func (p *Pool) PutSend(m *SendMessageRequest) {
	*m = SendMessageRequest{Props: m.Props[:0], Batch: m.Batch[:0]}
	p.sends = append(p.sends, m)
}

// Sent gives an empty response.
func (p *Pool) Sent() *SendMessageResponse { return take(&p.sent) }

// PutSent takes a response back.
func (p *Pool) PutSent(m *SendMessageResponse) {
	*m = SendMessageResponse{}
	p.sent = append(p.sent, m)
}

// Pull gives an empty request.
func (p *Pool) Pull() *PullMessageRequest { return take(&p.pulls) }

// PutPull takes a request back.
func (p *Pool) PutPull(m *PullMessageRequest) {
	*m = PullMessageRequest{}
	p.pulls = append(p.pulls, m)
}

// Pulled gives an empty response; Refs has length 0 and may have room.
func (p *Pool) Pulled() *PullMessageResponse { return take(&p.pulled) }

// PutPulled takes a response back.
func (p *Pool) PutPulled(m *PullMessageResponse) {
	*m = PullMessageResponse{Refs: m.Refs[:0]}
	p.pulled = append(p.pulled, m)
}

// Frame gives an empty frame.
func (p *Pool) Frame() *HAFrame { return take(&p.frames) }

// PutFrame takes a frame back.
func (p *Pool) PutFrame(m *HAFrame) {
	*m = HAFrame{Refs: m.Refs[:0]}
	p.frames = append(p.frames, m)
}

// Report gives an empty report.
func (p *Pool) Report() *HAReport { return take(&p.reports) }

// PutReport takes a report back.
func (p *Pool) PutReport(m *HAReport) {
	*m = HAReport{}
	p.reports = append(p.reports, m)
}
