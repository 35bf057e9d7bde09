package log

import (
	"bytes"
	"strconv"

	"github.com/mqsim/mqsim/sim"
)

// metadataTopic is the topic of the metadata log: its directory lies beside those of partitions and is
// none of the log manager's (LogManager.loadLogs skips it).
const metadataTopic = "__cluster_metadata"

const markerHead, markerTail = `{"version":0,"brokerEpoch":`, "}"

// appendMarker is the content of the clean-shutdown marker since 3.7 (CleanShutdownFileHandler).
func appendMarker(dst []byte, epoch int64) []byte {
	dst = append(dst, markerHead...)
	return append(strconv.AppendInt(dst, epoch, 10), markerTail...)
}

func (d *Dir) brokerEpoch() int64 {
	if d.opt.BrokerEpoch == nil {
		return None
	}
	return d.opt.BrokerEpoch()
}

// CleanEpoch is the broker epoch in the clean-shutdown marker of a log directory, None if it has no
// marker or that names none (LogManager.readBrokerEpochFromCleanShutdownFiles). The marker stays.
func CleanEpoch(fs *sim.FS, path string) int64 {
	b, present, err := readText(&volume{FS: fs}, path+"/"+cleanShutdownFile)
	if err != nil || !present {
		return None
	}
	head, ok := bytes.CutPrefix(b, []byte(markerHead))
	tail, ok2 := bytes.CutSuffix(head, []byte(markerTail))
	epoch, err := strconv.ParseInt(string(tail), 10, 64)
	if !ok || !ok2 || err != nil {
		return None
	}
	return epoch
}

// OpenMetadata opens a log directory for the metadata log of KRaft alone (KafkaMetadataLog). A broker
// keeps it beside its partitions, but its log manager does not know it: no checkpoint names it, and
// opening it always scans it whole, as after an unclean stop.
func OpenMetadata(fs *sim.FS, path string, tag uint32, opt DirOptions) *Dir {
	if tag&slotMask != 0 {
		panic("kafka log: the tag of a directory uses the low 24 bits")
	}
	w := fs.Disk().Host.W
	return &Dir{
		fs: &volume{FS: fs, point: opt.Point}, w: w, arena: &w.Arena, path: path, opt: opt, tag: tag,
		byName: map[string]*Log{}, metadata: true,
	}
}

// AppendOwn appends a batch that this process made itself, a control batch among them
// (UnifiedLog.appendAsLeader with AppendOrigin.RAFT_LEADER): it is taken without validation.
func (l *Log) AppendOwn(b Batch, epoch int32, now int64) (Appended, error) {
	if l.d.offline != nil {
		return Appended{}, ErrStorage
	}
	return l.appendAtEnd(b, Header(l.d.arena.Bytes(b.Header)), epoch, now)
}

// WriteText replaces a small file of a directory atomically and durably: NAME.tmp is written, synced
// and renamed, and the directory is synced.
func (d *Dir) WriteText(dir, name string, content []byte) error {
	if d.offline != nil {
		return ErrStorage
	}
	return d.fail(writeAtomic(d.fs, dir, name, content, true))
}

// ReadText is the content of a small file, nil if there is none.
func (d *Dir) ReadText(dir, name string) ([]byte, error) {
	b, present, err := readText(d.fs, dir+"/"+name)
	if err != nil || !present {
		return nil, d.fail(err)
	}
	return b, nil
}
