package log

import (
	"encoding/binary"
	"hash/crc32"
)

// A producer snapshot, OFFSET.snapshot (ProducerStateManager.writeSnapshot): int16 version 1, uint32
// CRC-32C of the rest, int32 count, then the producers. Of each only the last batch is kept: after
// a restart the window of five fills up again by scanning the log behind the snapshot. The real
// broker writes producers in the order of a hash map, here they are in order of their ids.

const (
	snapshotVersion   = 1
	snapshotHead      = 2 + 4 + 4
	snapshotEntrySize = 46
)

func appendSnapshot(dst []byte, entries []producerEntry) []byte {
	from := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, snapshotVersion)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(entries)))
	for i := range entries {
		e := &entries[i]
		m := batchMeta{lastSeq: None, lastOffset: None, timestamp: e.lastTimestamp}
		if e.n > 0 {
			m = e.window[e.n-1]
		}
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.id))
		dst = binary.BigEndian.AppendUint16(dst, uint16(e.epoch))
		dst = binary.BigEndian.AppendUint32(dst, uint32(m.lastSeq))
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.lastOffset))
		dst = binary.BigEndian.AppendUint32(dst, uint32(m.offsetDelta))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.lastTimestamp))
		dst = binary.BigEndian.AppendUint32(dst, uint32(e.coordinatorEpoch))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.txnFirstOffset))
	}
	s := dst[from:]
	binary.BigEndian.PutUint32(s[2:], crc32.Checksum(s[6:], castagnoli))
	return dst
}

// parseSnapshot decodes a snapshot. A file that was torn by a crash fails the CRC.
func parseSnapshot(b []byte) ([]producerEntry, error) {
	if len(b) < snapshotHead || binary.BigEndian.Uint16(b) != snapshotVersion ||
		binary.BigEndian.Uint32(b[2:]) != crc32.Checksum(b[6:], castagnoli) {
		return nil, ErrMalformed
	}
	count := binary.BigEndian.Uint32(b[6:])
	b = b[snapshotHead:]
	if len(b)%snapshotEntrySize != 0 || int64(count) != int64(len(b)/snapshotEntrySize) {
		return nil, ErrMalformed
	}
	seen := make(map[int64]bool, count)
	out := make([]producerEntry, 0, count)
	for ; len(b) > 0; b = b[snapshotEntrySize:] {
		e := producerEntry{
			id:               int64(binary.BigEndian.Uint64(b)),
			epoch:            int16(binary.BigEndian.Uint16(b[8:])),
			lastTimestamp:    int64(binary.BigEndian.Uint64(b[26:])),
			coordinatorEpoch: int32(binary.BigEndian.Uint32(b[34:])),
			txnFirstOffset:   int64(binary.BigEndian.Uint64(b[38:])),
		}
		m := batchMeta{
			lastSeq:     int32(binary.BigEndian.Uint32(b[10:])),
			lastOffset:  int64(binary.BigEndian.Uint64(b[14:])),
			offsetDelta: int32(binary.BigEndian.Uint32(b[22:])),
			timestamp:   e.lastTimestamp,
		}
		if m.lastOffset >= 0 {
			e.window[0], e.n = m, 1
		}
		if e.id < 0 || m.offsetDelta < 0 || seen[e.id] {
			return nil, ErrMalformed
		}
		seen[e.id] = true
		out = append(out, e)
	}
	return out, nil
}

// restore replaces the state by that of a snapshot taken at offset end. Producers that expired are
// left out.
func (p *Producers) restore(entries []producerEntry, end, now, age int64) {
	p.clear(end)
	for _, e := range entries {
		p.add(e)
	}
	p.lastSnap = end
	p.expire(now, age)
}

// writeSnapshot stores the state at its present end under dir. The bytes reach the page cache; the
// caller syncs the file if it must (in the background on a roll since 3.7, KAFKA-15046).
func (p *Producers) writeSnapshot(fs *volume, dir string) (*file, error) {
	f, err := fs.Create(snapshotPath(dir, p.mapEnd))
	if err != nil {
		return nil, err
	}
	p.lastSnap = p.mapEnd
	return f, f.AppendBytes(appendSnapshot(nil, p.sorted()))
}
