package zk

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Files of a server below dataDir/version-2 (FileTxnLog, QuorumPeer).
const (
	logDir            = "zookeeper/version-2"
	acceptedEpochFile = logDir + "/acceptedEpoch"
	currentEpochFile  = logDir + "/currentEpoch"
	logPrefix         = "log."
	logHeaderLen      = 16
)

// logMagic and logVersion open every log file: "ZKLG", 2, dbid 0.
const (
	logMagic   = 0x5a4b4c47
	logVersion = 2
)

// place says where an entry lies on this server's disk.
type place struct {
	file int // index into txnLog.files
	off  int64
}

// txnLog is a server's transaction log: appended to the page cache at once, synced in groups, and
// read back at boot. An acknowledgement may only leave for what onSynced has reported.
// One file per incarnation of the server, named by its first zxid (FileTxnLog.append creates
// "log." + hex(zxid) when it has no stream).
type txnLog struct {
	p       *sim.Proc
	fs      *sim.FS
	files   []string
	file    *sim.File // appended to; nil before the first append
	entries []entry
	places  []place

	synced  int // entries known to be on the platter
	syncing bool
	mark    int // entries that the running sync covers
	gen     uint32
}

// lastZxid is the zxid of the last entry, 0 for an empty log.
func (l *txnLog) lastZxid() int64 {
	if len(l.entries) == 0 {
		return 0
	}
	return l.entries[len(l.entries)-1].t.zxid
}

// openLog reads back what the disk holds. A torn record ends a file: the server was cut off while
// writing it, and nobody was told that it was on disk.
func openLog(p *sim.Proc, fs *sim.FS) (*txnLog, error) {
	l := &txnLog{p: p, fs: fs}
	names := fs.List(logDir)
	for _, first := range logZxids(names) {
		name := logDir + "/" + logPrefix + strconv.FormatInt(first, 16)
		if err := l.replay(name); err != nil {
			return nil, err
		}
	}
	l.synced = len(l.entries)
	return l, nil
}

// logZxids lists the log files by their first zxid, ascending.
func logZxids(names []string) []int64 {
	var zxids []int64
	for _, name := range names {
		z, err := strconv.ParseInt(strings.TrimPrefix(name, logPrefix), 16, 64)
		if !strings.HasPrefix(name, logPrefix) || err != nil {
			continue
		}
		i := len(zxids)
		zxids = append(zxids, z)
		for ; i > 0 && zxids[i-1] > z; i-- {
			zxids[i] = zxids[i-1]
		}
		zxids[i] = z
	}
	return zxids
}

func (l *txnLog) replay(name string) error {
	f := l.fs.Open(name)
	if f == nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, f.Size())
	n, err := f.ReadAt(b, 0)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	b = b[:n]
	if len(b) < logHeaderLen || binary.BigEndian.Uint32(b) != logMagic {
		l.p.Probe("zk-log-header-torn")
		return nil
	}
	index := len(l.files)
	l.files = append(l.files, name)
	for off := logHeaderLen; off < len(b); {
		t, size, err := decodeRecord(b[off:])
		if err != nil || t.zxid <= l.lastZxid() {
			l.p.Probe("zk-log-tail-torn")
			return nil
		}
		l.entries = append(l.entries, entry{t, l.p.W.Arena.Put(b[off : off+size])})
		l.places = append(l.places, place{index, int64(off)})
		off += size
	}
	return nil
}

// append writes entries to the page cache.
func (l *txnLog) append(entries ...entry) error {
	for _, e := range entries {
		if l.file == nil {
			if err := l.create(e.t.zxid); err != nil {
				return err
			}
		}
		off := l.file.Size()
		if err := l.file.Append(e.rec); err != nil {
			return err
		}
		l.entries = append(l.entries, e)
		l.places = append(l.places, place{len(l.files) - 1, off})
	}
	return nil
}

// create begins a new file. Its name is made durable here: on ext4 and XFS the first fsync of a
// new file does that.
func (l *txnLog) create(first int64) error {
	name := logDir + "/" + logPrefix + strconv.FormatInt(first, 16)
	f, err := l.fs.Create(name)
	if err != nil {
		return err
	}
	header := make([]byte, logHeaderLen)
	binary.BigEndian.PutUint32(header, logMagic)
	binary.BigEndian.PutUint32(header[4:], logVersion)
	if err := f.AppendBytes(header); err != nil {
		return err
	}
	if err := l.fs.SyncDir(logDir); err != nil {
		return err
	}
	l.file = f
	l.files = append(l.files, name)
	return nil
}

// sync starts a sync of everything appended, unless one runs: what comes meanwhile is covered by
// the next one (SyncRequestProcessor flushes when its queue is empty).
func (l *txnLog) sync() {
	if l.syncing || l.synced == len(l.entries) {
		return
	}
	l.syncing, l.mark = true, len(l.entries)
	l.gen++
	l.file.Sync(l.gen)
}

// onSynced takes the completion of a sync and says whether it moved the synced mark.
func (l *txnLog) onSynced(arg uint32) bool {
	if !l.syncing || arg != l.gen {
		return false
	}
	l.syncing = false
	l.synced = max(l.synced, l.mark)
	return true
}

// syncedZxid is the last zxid that is on the platter.
func (l *txnLog) syncedZxid() int64 {
	if l.synced == 0 {
		return 0
	}
	return l.entries[l.synced-1].t.zxid
}

// find is the number of entries with a zxid up to z.
func (l *txnLog) find(z int64) int {
	lo, hi := 0, len(l.entries)
	for lo < hi {
		m := (lo + hi) / 2
		if l.entries[m].t.zxid <= z {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// truncate removes everything after z from the log (FileTxnLog.truncate). The next append begins a
// new file.
func (l *txnLog) truncate(z int64) error {
	keep := l.find(z)
	if keep == len(l.entries) {
		return nil
	}
	l.p.Probe("zk-log-truncated")
	at := l.places[keep]
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
	f := l.fs.Open(l.files[at.file])
	if f == nil {
		return fmt.Errorf("truncate: %s is gone", l.files[at.file])
	}
	if err := f.Truncate(at.off, "truncated-by-new-leader"); err != nil {
		return err
	}
	if err := f.SyncNow(); err != nil {
		return err
	}
	f.Close()
	for i := at.file + 1; i < len(l.files); i++ {
		if err := l.fs.Remove(l.files[i], "truncated-by-new-leader"); err != nil {
			return err
		}
	}
	if err := l.fs.SyncDir(logDir); err != nil {
		return err
	}
	l.files = l.files[:at.file+1]
	l.entries, l.places = l.entries[:keep], l.places[:keep]
	l.syncing = false
	l.gen++
	l.synced = keep
	return nil
}

// readEpoch reads an epoch file; a missing one means the epoch of the last zxid
// (QuorumPeer.loadDataBase).
func readEpoch(fs *sim.FS, name string, lastZxid int64) (int64, error) {
	f := fs.Open(name)
	if f == nil {
		return lastZxid >> 32, nil
	}
	defer f.Close()
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(b), 10, 64)
}

// writeEpoch replaces an epoch file atomically and waits until it is on the disk
// (AtomicFileWritingIdiom: write, fsync, rename).
func writeEpoch(fs *sim.FS, name string, epoch int64) error {
	f, err := fs.Create(name + ".tmp")
	if err != nil {
		return err
	}
	if err := f.AppendBytes(strconv.AppendInt(nil, epoch, 10)); err != nil {
		return err
	}
	if err := f.SyncNow(); err != nil {
		return err
	}
	f.Close()
	if err := fs.Rename(name+".tmp", name); err != nil {
		return err
	}
	return fs.SyncDir(logDir)
}
