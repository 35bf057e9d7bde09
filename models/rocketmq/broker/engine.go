package broker

import (
	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// StoreConfig are the settings of the message store.
type StoreConfig = store.Options

// DefaultStore is 4.9.8's.
func DefaultStore() StoreConfig { return store.DefaultOptions() }

// engine is the message store as the rest of the broker uses it.
type engine struct {
	*store.Store
	b   *Broker
	opt *StoreConfig
	get store.Get // scratch
}

// openEngine loads and recovers the store. scanned are the bytes that recovery read.
func openEngine(b *Broker) (e *engine, scanned int64, err error) {
	opt := b.cfg.Store
	switch b.cfg.Role {
	case AsyncMaster:
		opt.Role = store.AsyncMaster
	case SyncMaster:
		opt.Role = store.SyncMaster
	case Slave:
		opt.Role = store.Slave
	}
	opt.StoreHost = hostAddr(b.p.Host)
	opt.StoreHost.Port = int32(wire.ClientPort.Num)
	if l := b.cfg.Ledger; l != nil {
		opt.Ledger = "n" + itoa(int64(l.Self)-1)
	}
	opt.SlaveOffsetCheck = b.cfg.CheckInSlave
	opt.ArriveOnSlave = b.cfg.NotifyOnSlave
	opt.DelayLevelsMs = make([]int64, len(b.cfg.DelayLevels))
	for i, d := range b.cfg.DelayLevels {
		opt.DelayLevelsMs[i] = int64(d / sim.Millisecond)
	}
	e = &engine{b: b, opt: &opt}
	s, rec, err := store.Open(b.p, b.p.FS(0), opt, (*hooks)(b))
	if err != nil {
		return nil, 0, err
	}
	e.Store = s
	if rec.Abnormal {
		b.p.Emit("log-recovered", b.cfg.Name, itoa(rec.Records)+" records checked, the log ends at offset "+itoa(rec.End))
	}
	return e, rec.Scanned, nil
}

// hooks is the broker as its store sees it.
type hooks Broker

func (h *hooks) Started() { (*Broker)(h).started() }

func (h *hooks) Arrived(q *store.Queue, next, tagsCode int64) {
	b := (*Broker)(h)
	if q.Topic == scheduleTopic {
		b.scheduled(int(q.ID))
		return
	}
	b.arrived(q.Topic, q.ID, next, tagsCode)
}

func (h *hooks) Flushed(token uint32, ok bool) { (*Broker)(h).flushed(token, ok) }

func (h *hooks) DiskFull(on bool) {
	h.diskFull = on
	h.p.Probe("rocketmq-disk-full")
}

// Read is ha.Log.
func (e *engine) Read(offset int64, n int32, refs []sim.Ref) ([]sim.Ref, int32, bool) {
	out, got := e.ReadRange(offset, int(n), refs)
	return out, int32(got), offset >= e.MinOffset() && offset <= e.MaxOffset()
}

// AppendRaw is ha.Log.
func (e *engine) AppendRaw(offset int64, refs []sim.Ref) { e.PutRaw(offset, refs) }

// putResult is a put in the terms of the answer.
type putResult struct {
	code        wire.Code
	remark      string
	end         int64
	queueOffset int64
	entry       consensus.Index // of DLedger
}

// put appends a message (SendMessageProcessor.handlePutMessageResult for what is refused).
// Somebody who has had the append lock for too long refuses those that do not come through the send queue:
// due delayed messages and messages sent back (DefaultMessageStore.checkStoreStatus).
func (e *engine) put(m *store.Message) putResult {
	if e.b.pageCacheBusy() {
		e.b.p.Probe("rocketmq-pc-synchronized")
		return e.result(store.Put{Status: store.OSPageCacheBusy})
	}
	if e.b.cfg.Ledger != nil {
		return e.putEntry(m)
	}
	return e.result(e.Put(m))
}

func (e *engine) result(r store.Put) putResult {
	switch r.Status {
	case store.PutOK:
		return putResult{end: r.End(), queueOffset: r.QueueOffset}
	case store.ServiceNotAvailable:
		return putResult{code: wire.ServiceNotAvailable, remark: "service not available now. It may be caused by one of the following reasons: the broker's disk is full"}
	case store.MessageIllegal, store.PropertiesSizeExceeded:
		return putResult{code: wire.MessageIllegal, remark: "the message is illegal, maybe msg body or properties length not matched"}
	case store.OSPageCacheBusy:
		return putResult{code: wire.SystemError, remark: "[PC_SYNCHRONIZED]broker busy, start flow control for a while"}
	case store.CreateMappedFileFailed:
		return putResult{code: wire.SystemError, remark: "create mapped file failed, server is busy or broken."}
	}
	return putResult{code: wire.SystemError, remark: "UNKNOWN_ERROR"}
}

func (e *engine) syncFlush() bool                   { return e.opt.FlushDisk == store.SyncFlush }
func (e *engine) awaitFlush(end int64, wait uint32) { e.AwaitFlush(end, wait) }
func (e *engine) poolDeficient() bool               { return e.PoolDeficient() }
func (e *engine) shutdown(done func())              { e.Shutdown(done) }

// pull reads records for m into r and gives the response code of the store's status
// (PullMessageProcessor).
func (e *engine) pull(m *wire.PullMessageRequest, r *wire.PullMessageResponse) (behind bool) {
	g := &e.get
	g.Refs = r.Refs
	e.Get(m.Topic, m.QueueID, m.Offset, int(m.MaxMsgs), e.b.consumers.filter(m.Group, m.Topic), g)
	r.NextOffset, r.MinOffset, r.MaxOffset = g.Next, g.Min, g.Max
	r.Refs, r.Count, r.Bytes = g.Refs, int32(g.Count), int32(g.Bytes)
	switch g.Status {
	case store.Found:
		r.Code = wire.Success
	case store.NoMatchedMessage, store.MessageWasRemoving:
		r.Code = wire.PullRetryImmediately
	case store.NoMatchedLogicQueue, store.NoMessageInQueue:
		r.Code = wire.PullNotFound
		if m.Offset != 0 {
			r.Code = wire.PullOffsetMoved
		}
	case store.OffsetFoundNull, store.OffsetOverflowOne:
		r.Code = wire.PullNotFound
	case store.OffsetOverflowBadly, store.OffsetTooSmall:
		r.Code = wire.PullOffsetMoved
	}
	g.Refs = nil
	return g.SuggestSlave
}

func (e *engine) queueMax(topic string, id int32) int64 {
	if q := e.Queue(topic, id); q != nil {
		return q.Max()
	}
	return 0
}

func (e *engine) queueMin(topic string, id int32) int64 {
	if q := e.Queue(topic, id); q != nil {
		return q.Min()
	}
	return 0
}

// onDiskOnly is checkInDiskByConsumeOffset for offset 0: the record is further behind than memory holds.
func (e *engine) onDiskOnly(topic string, id int32) bool {
	q := e.Queue(topic, id)
	if q == nil {
		return false
	}
	entry, ok := q.Entry(0)
	return ok && e.MaxOffset()-entry.Offset > e.opt.Memory/100*e.opt.MemoryRatio
}

// hostAddr is a host's address in records.
func hostAddr(h *sim.Host) store.Addr {
	return store.Addr{IP: [4]byte{10, 0, byte(h.ID >> 8), byte(h.ID)}, Port: 40000}
}
