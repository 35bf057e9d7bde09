package store

// PutBatch appends the messages of one batch (CommitLog.asyncPutMessages with MessageExtBatchEncoder):
// one record each, with offsets of the queue that follow each other. They stand in one file: a batch
// that does not fit into the rest of a file goes to the next one whole. All have the topic and queue of
// the first. The result is that of the first record with the size of all. It is for logs without DLedger.
func (s *Store) PutBatch(ms []Message) Put {
	total := int64(0)
	for i := range ms {
		m := &ms[i]
		if st := s.refusal(m); st != PutOK {
			return Put{Status: st}
		}
		size := m.size()
		total += int64(size)
		if size > s.opt.MaxMessageSize || total > int64(s.opt.MaxMessageSize) || m.SysFlag&sysTransaction != 0 {
			return Put{Status: MessageIllegal}
		}
	}
	if len(ms) == 0 {
		return Put{Status: MessageIllegal}
	}
	q := s.queue(ms[0].Topic, ms[0].QueueID)
	now := s.env.Wall()
	f, st := s.room(total, now)
	if st != PutOK {
		return Put{Status: st}
	}
	var first Put
	for i := range ms {
		k := knownOf(ms[i].Properties)
		r := s.write(f, &ms[i], &k, q, false, now)
		if i == 0 {
			first = r
		}
	}
	first.Size = int32(total)
	s.written(f)
	return first
}
