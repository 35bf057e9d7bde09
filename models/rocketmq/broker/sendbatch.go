package broker

import (
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
)

// batchScratch are the messages of the batch that is being stored, and their properties.
type batchScratch struct {
	messages []store.Message
	props    []byte
}

// putBatch stores the messages of a batch (SendMessageProcessor.sendBatchMessage); like is what they have
// in common. Each record has the properties of the batch behind its own
// (CommitLog.MessageExtBatchEncoder).
func (b *Broker) putBatch(like *store.Message, m *wire.SendMessageRequest) putResult {
	s := &b.batch
	s.messages, s.props = s.messages[:0], s.props[:0]
	for i := range m.Count() {
		msg := *like
		flag, props, body := m.Message(&b.p.W.Arena, i)
		msg.Flag, msg.Body, msg.Properties = flag, body, props
		at := len(s.props)
		s.props = append(s.props, props...)
		if n := len(props); n > 0 && len(m.Props) > 0 && props[n-1] != 2 {
			s.props = append(s.props, 2) // the separator
		}
		s.props = append(s.props, m.Props...)
		msg.Properties = s.props[at:len(s.props):len(s.props)]
		s.messages = append(s.messages, msg)
	}
	return b.store.putBatch(s.messages)
}

// putBatch appends the messages. DLedger makes an entry of each and waits for the last
// (DLedgerCommitLog.asyncPutMessages).
func (e *engine) putBatch(ms []store.Message) (first putResult) {
	if e.b.cfg.Ledger == nil {
		return e.result(e.PutBatch(ms))
	}
	for i := range ms {
		r := e.putEntry(&ms[i])
		if i == 0 || r.code != wire.Success {
			first = r
		}
		if r.code != wire.Success {
			break
		}
		first.end, first.entry = r.end, r.entry
	}
	return first
}
