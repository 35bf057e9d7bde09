package log

import (
	"bytes"
	"strconv"
)

// Text checkpoints of a log directory (CheckpointFile, OffsetCheckpointFile): line 1 is the version
// 0, line 2 the number of entries, then exactly so many lines. They are written to NAME.tmp,
// synced, renamed, and the directory is synced, so a reader sees the old or the new content.

// Names of the files in a log directory.
const (
	highWatermarkFile = "replication-offset-checkpoint"
	recoveryPointFile = "recovery-point-offset-checkpoint"
	logStartFile      = "log-start-offset-checkpoint"
	cleanerOffsetFile = "cleaner-offset-checkpoint"
	cleanShutdownFile = ".kafka_cleanshutdown"
	metaFile          = "meta.properties"
	lockFile          = ".lock"
)

// epochFile is the leader-epoch checkpoint of a partition's directory.
const epochFile = "leader-epoch-checkpoint"

// partitionFile holds the topic's id in a partition's directory (KIP-516).
const partitionFile = "partition.metadata"

// OffsetEntry is one line of an offset checkpoint.
type OffsetEntry struct {
	Topic     string
	Partition int32
	Offset    int64
}

// EpochEntry is one line of a leader-epoch checkpoint: the epoch's first offset.
type EpochEntry struct {
	Epoch int32
	Start int64
}

// appendHeader writes version and count.
func appendHeader(dst []byte, count int) []byte {
	dst = append(dst, "0\n"...)
	dst = strconv.AppendInt(dst, int64(count), 10)
	return append(dst, '\n')
}

// AppendOffsets encodes an offset checkpoint.
func AppendOffsets(dst []byte, entries []OffsetEntry) []byte {
	dst = appendHeader(dst, len(entries))
	for _, e := range entries {
		dst = append(dst, e.Topic...)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(e.Partition), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, e.Offset, 10)
		dst = append(dst, '\n')
	}
	return dst
}

// AppendEpochs encodes a leader-epoch checkpoint.
func AppendEpochs(dst []byte, entries []EpochEntry) []byte {
	dst = appendHeader(dst, len(entries))
	for _, e := range entries {
		dst = strconv.AppendInt(dst, int64(e.Epoch), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, e.Start, 10)
		dst = append(dst, '\n')
	}
	return dst
}

// lines checks the frame of a checkpoint and calls visit with the fields of each entry. An empty
// file has no entries; anything else that breaks the format is ErrMalformed.
func lines(b []byte, fields int, visit func(f [][]byte) bool) error {
	if len(b) == 0 {
		return nil
	}
	version, b, ok := cutLine(b)
	if !ok || string(version) != "0" {
		return ErrMalformed
	}
	head, b, ok := cutLine(b)
	if !ok {
		return ErrMalformed
	}
	count, ok := parseInt(head, 1<<31-1)
	if !ok {
		return ErrMalformed
	}
	for ; count > 0; count-- {
		var line []byte
		if line, b, ok = cutLine(b); !ok {
			return ErrMalformed
		}
		f := bytes.Split(line, []byte{' '})
		if len(f) != fields || !visit(f) {
			return ErrMalformed
		}
	}
	if len(b) != 0 {
		return ErrMalformed
	}
	return nil
}

func cutLine(b []byte) (line, rest []byte, ok bool) { return bytes.Cut(b, []byte{'\n'}) }

// parseInt reads a plain decimal number in [0, limit], without sign or leading zeros.
func parseInt(b []byte, limit int64) (int64, bool) {
	if len(b) == 0 || len(b) > 19 || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return int64(v), v <= uint64(limit)
}

// ParseOffsets decodes an offset checkpoint. It is strict: what it accepts is what AppendOffsets
// writes, or an empty file.
func ParseOffsets(b []byte) ([]OffsetEntry, error) {
	var out []OffsetEntry
	err := lines(b, 3, func(f [][]byte) bool {
		partition, ok1 := parseInt(f[1], 1<<31-1)
		offset, ok2 := parseInt(f[2], 1<<63-1)
		if len(f[0]) == 0 || !ok1 || !ok2 {
			return false
		}
		out = append(out, OffsetEntry{string(f[0]), int32(partition), offset})
		return true
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ParseEpochs decodes a leader-epoch checkpoint; both columns must rise strictly.
func ParseEpochs(b []byte) ([]EpochEntry, error) {
	var out []EpochEntry
	err := lines(b, 2, func(f [][]byte) bool {
		epoch, ok1 := parseInt(f[0], 1<<31-1)
		start, ok2 := parseInt(f[1], 1<<63-1)
		e := EpochEntry{int32(epoch), start}
		if !ok1 || !ok2 || len(out) > 0 && (e.Epoch <= out[len(out)-1].Epoch || e.Start <= out[len(out)-1].Start) {
			return false
		}
		out = append(out, e)
		return true
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// writeAtomic replaces a small file: temporary file, sync, rename, sync of the directory
// (CheckpointFile.write, Utils.atomicMoveWithFallback). It blocks.
func writeAtomic(fs *volume, dir, name string, content []byte, sync bool) error {
	path := dir + "/" + name
	f, err := writeTemp(fs, path, content)
	if err != nil {
		return err
	}
	if sync {
		if err := f.SyncNow(); err != nil {
			return err
		}
	}
	f.Close()
	if err := fs.Rename(path+".tmp", path); err != nil {
		return err
	}
	if !sync {
		return nil
	}
	return fs.SyncDir(dir)
}

func writeTemp(fs *volume, path string, content []byte) (*file, error) {
	f, err := fs.Create(path + ".tmp")
	if err != nil {
		return nil, err
	}
	return f, f.AppendBytes(content)
}

// maxText bounds what is read of a text file: a file that large is not ours.
const maxText = 64 << 20

// readText returns a file's content; absent is false if there is none.
func readText(fs *volume, path string) (content []byte, present bool, err error) {
	f := fs.Open(path)
	if f == nil {
		return nil, false, nil
	}
	defer f.Close()
	if f.Size() > maxText {
		return nil, true, ErrMalformed
	}
	b := make([]byte, f.Size())
	if len(b) > 0 {
		_, err = f.ReadAt(b, 0)
	}
	return b, true, err
}
