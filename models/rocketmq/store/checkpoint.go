package store

import "encoding/binary"

// checkpoint is the file of that name: one mapped page with the store timestamps, in milliseconds,
// up to which log, queues and index are known to be flushed (StoreCheckpoint).
type checkpoint struct {
	f                     *file
	physic, logics, index int64
}

const checkpointSize = pageSize

func encodeCheckpoint(physic, logics, index int64) (b [24]byte) {
	binary.BigEndian.PutUint64(b[0:], uint64(physic))
	binary.BigEndian.PutUint64(b[8:], uint64(logics))
	binary.BigEndian.PutUint64(b[16:], uint64(index))
	return b
}

func decodeCheckpoint(b []byte) (physic, logics, index int64) {
	if len(b) < 24 {
		return 0, 0, 0
	}
	return int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint64(b[16:]))
}

// open reads the checkpoint, or makes one with zeros.
func (c *checkpoint) open(fs *volume, path string) error {
	c.f = fs.Open(path)
	if c.f != nil && c.f.Size() == checkpointSize {
		var b [24]byte
		if _, err := c.f.ReadAt(b[:], 0); err != nil {
			return err
		}
		c.physic, c.logics, c.index = decodeCheckpoint(b[:])
		return nil
	}
	if c.f == nil {
		var err error
		if c.f, err = fs.Create(path); err != nil {
			return err
		}
	}
	return c.f.Allocate(checkpointSize)
}

// min is the time from which on an abnormal recovery scans (getMinTimestamp).
func (c *checkpoint) min() int64 { return max(min(c.physic, c.logics)-3000, 0) }

// minIndex takes the index into account (getMinTimestampIndex).
func (c *checkpoint) minIndex() int64 { return min(c.min(), c.index) }

// flush stores the timestamps and asks for a sync.
func (c *checkpoint) flush(s *Store, own owner) {
	b := encodeCheckpoint(c.physic, c.logics, c.index)
	c.f.Store(0, b[:])
	s.issue(c.f, syncOp{own: own})
}

// storeCheckpoint flushes the checkpoint beside the round of the queues.
func (s *Store) storeCheckpoint() { s.cp.flush(s, ownNobody) }

// checkpointTurn is the scheduled flush of 5.3.3 (DefaultMessageStore.addScheduleTask).
func (s *Store) checkpointTurn() {
	s.storeCheckpoint()
	s.after(s.opt.CheckpointEvery, timerCheckpoint)
}
