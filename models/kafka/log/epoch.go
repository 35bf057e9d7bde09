package log

import "sort"

// EpochCache remembers at which offset each leader epoch of a partition began
// (LeaderEpochFileCache). Both columns rise strictly. Changes go to the checkpoint through the log
// that owns the cache.
type EpochCache struct {
	entries []EpochEntry
}

// Entries are all epochs, in order.
func (c *EpochCache) Entries() []EpochEntry { return c.entries }

// Latest is the newest epoch; false if none is known.
func (c *EpochCache) Latest() (EpochEntry, bool) {
	if len(c.entries) == 0 {
		return EpochEntry{Epoch: None, Start: None}, false
	}
	return c.entries[len(c.entries)-1], true
}

// assign enters an epoch that begins at start and says whether that changed anything. Entries that
// would not be monotonic any more are dropped: epochs in which nothing was written, or those of
// truncated data.
func (c *EpochCache) assign(epoch int32, start int64) bool {
	if epoch < 0 || start < 0 {
		panic("kafka log: negative leader epoch or offset")
	}
	last, ok := c.Latest()
	if ok && epoch == last.Epoch && start >= last.Start {
		return false
	}
	n := len(c.entries)
	for n > 0 && (c.entries[n-1].Epoch >= epoch || c.entries[n-1].Start >= start) {
		n--
	}
	c.entries = append(c.entries[:n], EpochEntry{epoch, start})
	return true
}

// truncateFromEnd drops the epochs that begin at or after end.
func (c *EpochCache) truncateFromEnd(end int64) bool {
	n := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start >= end })
	changed := n < len(c.entries)
	c.entries = c.entries[:n]
	return changed
}

// truncateFromStart makes the first epoch begin at start and drops those that ended before.
func (c *EpochCache) truncateFromStart(start int64) bool {
	n := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start > start })
	if n == 0 || c.entries[n-1].Start == start && n == 1 {
		return false
	}
	c.entries = append(c.entries[:0], c.entries[n-1:]...)
	c.entries[0].Start = start
	return true
}

// EndOffsetFor answers OffsetsForLeaderEpoch (LeaderEpochFileCache.endOffsetFor): the largest known
// epoch that is not above the asked one, and where it ended; leo is the end of the latest. Both are
// None if the asked epoch is newer than all known ones.
func (c *EpochCache) EndOffsetFor(epoch int32, leo int64) (int32, int64) {
	last, ok := c.Latest()
	if !ok || epoch == None || epoch > last.Epoch {
		return None, None
	}
	if epoch == last.Epoch {
		return epoch, leo
	}
	higher := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Epoch > epoch })
	if higher == 0 {
		return epoch, c.entries[0].Start
	}
	return c.entries[higher-1].Epoch, c.entries[higher].Start
}

// EpochAt is the epoch to which an offset belongs; false if that is before the first known one.
func (c *EpochCache) EpochAt(offset int64) (int32, bool) {
	i := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start > offset })
	if i == 0 {
		return None, false
	}
	return c.entries[i-1].Epoch, true
}
