package log

import (
	"slices"
	"strings"
)

// How cleaned segments replace the old ones so that a crash at any point leaves the old or the new
// content (LocalLog.replaceSegments, LogLoader): the complete and synced .cleaned files become .swap;
// only then the old files go; at last .swap becomes the final name. A start that finds .cleaned files
// deletes them; a start that finds .swap files finishes the replacement.

// segmentSuffixes are a segment's files in the order in which a broker renames them.
var segmentSuffixes = [...]string{logSuffix, indexSuffix, timeIndexSuffix}

// replace puts a cleaned segment in the place of a group.
func (l *Log) replace(s *segment, group []*segment) error {
	fs := l.d.fs
	for _, suffix := range segmentSuffixes {
		path := fileName(l.path, s.base, suffix)
		if err := fs.Rename(path+cleanedSuffix, path+swapSuffix); err != nil {
			return err
		}
	}
	l.forgetSpots()
	at := slices.Index(l.segments, group[0])
	l.segments = slices.Replace(l.segments, at, at+len(group), s)
	for _, old := range group {
		if err := l.retire(old, WhyCompaction); err != nil {
			return err
		}
		path := snapshotPath(l.path, old.base)
		if old.base != s.base && fs.Exists(path) {
			if err := l.d.bury(path, "producer snapshot", l.opt.FileDeleteDelay); err != nil {
				return err
			}
		}
	}
	for _, suffix := range segmentSuffixes {
		path := fileName(l.path, s.base, suffix)
		if err := fs.Rename(path+swapSuffix, path); err != nil {
			return err
		}
	}
	if l.opt.NoDirSync {
		return nil
	}
	return fs.SyncDir(l.path)
}

// finishSwap is what a start does with .deleted, .cleaned and .swap files
// (LogLoader.removeTempFilesAndCollectSwapFiles and the first passes of load). It returns the names
// that are left.
func (l *Log) finishSwap() ([]string, error) {
	fs := l.d.fs
	least := int64(1<<63 - 1) // base of the first .cleaned file
	names := fs.List(l.path)
	for _, name := range names {
		if base, ok := baseOf(name, cleanedSuffix); ok {
			least = min(least, base)
		}
	}
	changed := false
	for _, name := range names {
		base, swap := baseOf(name, swapSuffix)
		// A .swap at or above a .cleaned file is of a replacement that had not got all its .swap names
		// (KAFKA-6264).
		if strings.HasSuffix(name, deletedSuffix) || strings.HasSuffix(name, cleanedSuffix) || strings.HasSuffix(name, ".tmp") || swap && base >= least {
			changed = true
			if err := fs.Remove(l.path+"/"+name, WhyRecovery); err != nil {
				return nil, err
			}
		}
	}
	if changed {
		names = fs.List(l.path)
	}
	from, to, err := l.swapRange(names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		base, ok := baseOf(name, "")
		if !ok || from < 0 || base < from || base >= to || strings.HasSuffix(name, swapSuffix) {
			continue
		}
		if err := fs.Remove(l.path+"/"+name, WhyCompaction); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if final, ok := strings.CutSuffix(name, swapSuffix); ok {
			if err := fs.Rename(l.path+"/"+name, l.path+"/"+final); err != nil {
				return nil, err
			}
		}
	}
	return fs.List(l.path), nil
}

// swapRange is the range of offsets that .swap files cover; from is None if there are none.
func (l *Log) swapRange(names []string) (from, to int64, err error) {
	from = None
	for _, name := range names {
		base, ok := offsetOf(name, logSuffix+swapSuffix)
		if !ok {
			continue
		}
		if from < 0 {
			from, to = base, base
		}
		f := l.d.fs.Open(l.path + "/" + name)
		next := base
		sc := scan(l.d.arena, f, 0, f.Size(), l.refs)
		for sc.next() {
			next = sc.Header.NextOffset()
		}
		l.refs = sc.refs
		f.Close()
		if sc.failure != nil {
			return from, to, sc.failure
		}
		to = max(to, next)
	}
	return from, to, nil
}

// baseOf is the offset at the front of a file's name, if the name ends as given.
func baseOf(name, suffix string) (int64, bool) {
	if len(name) < 21 || name[20] != '.' || !strings.HasSuffix(name, suffix) {
		return 0, false
	}
	return offsetOf(name[:20], "")
}
