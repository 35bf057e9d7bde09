package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// gathering are messages that wait to leave as one MessageBatch: in the application, which calls
// send(Collection, SendCallback), or in the library's ProduceAccumulator (RIP-27).
type gathering struct {
	first models.Message
	ids   []sim.MsgID
	refs  []sim.Ref
	bytes int64  // of bodies
	turn  uint32 // batches that have left; arg of Timer(timerBatch)
	props []byte // scratch
	free  []send // batches that are answered, for their lists
}

// collectFor is how long an application waits for a batch to become full: an assumption, the
// accumulator's default.
const collectFor = 10 * sim.Millisecond

// batches says whether messages are gathered: the library has no batches that are sent oneway.
func (c *producerConfig) batches() bool { return (c.batchSize > 1 || c.autoBatch) && !c.oneWay }

// gather adds a message to the next batch.
func (p *Producer) gather(m models.Message, body sim.Ref) {
	g := &p.batch
	if len(g.ids) == 0 {
		g.first = m
		if n := len(g.free); n > 0 {
			g.ids, g.refs = g.free[n-1].ids[:0], g.free[n-1].refs[:0]
			g.free = g.free[:n-1]
		}
		p.proc.After(p.holdBatch(), timerBatch, g.turn)
	}
	g.props = p.properties(g.props[:0], m.ID)
	g.ids = append(g.ids, m.ID)
	g.refs = wire.AppendBatchMessage(&p.proc.W.Arena, g.refs, 0, g.props, body)
	g.bytes += int64(m.Size)
	if p.cfg.autoBatch && g.bytes > p.cfg.batchBytes || !p.cfg.autoBatch && len(g.ids) >= p.cfg.batchSize {
		p.sendBatch()
	}
}

// holdBatch is how long a batch that begins now stays open. The accumulator's guard looks at half of
// batchMaxDelayMs whether that has passed (GuardForAsyncSendService.doWork).
func (p *Producer) holdBatch() sim.Time {
	if !p.cfg.autoBatch {
		return collectFor
	}
	look := max(p.cfg.batchDelay/2/sim.Millisecond, 1) * sim.Millisecond
	age := p.proc.Now() - p.booted
	return (age+p.cfg.batchDelay+look-1)/look*look - age
}

func (p *Producer) batchDue(turn uint32) {
	if turn == p.batch.turn && len(p.batch.ids) > 0 {
		p.sendBatch()
	}
}

// sendBatch sends what has been gathered. A batch is retried, accepted and refused whole.
func (p *Producer) sendBatch() {
	g := &p.batch
	i := p.slot()
	p.sends[i] = send{m: g.first, ids: g.ids, refs: g.refs, begun: p.proc.Now()}
	size := wire.RefsLen(g.refs)
	g.ids, g.refs, g.bytes = nil, nil, 0
	g.turn++
	if size > int(p.cfg.maxSize) {
		p.giveUp(i) // Validators.checkMessage
		return
	}
	p.begin(i)
}

// answerBatch tells the application for each message of a batch; their offsets follow each other.
func (p *Producer) answerBatch(s *send, a models.Answer) {
	for _, id := range s.ids {
		p.tell(id, a)
		if a.Offset >= 0 {
			a.Offset++
		}
	}
	p.batch.free = append(p.batch.free, send{ids: s.ids, refs: s.refs})
}
