package log

import (
	"strconv"
	"strings"
)

// Names of files in a partition's directory: the base offset as 20 decimal digits and a suffix
// (LogFileUtils).

const (
	logSuffix       = ".log"
	indexSuffix     = ".index"
	timeIndexSuffix = ".timeindex"
	txnIndexSuffix  = ".txnindex"
	snapshotSuffix  = ".snapshot"
	deletedSuffix   = ".deleted" // renamed, to be removed
	cleanedSuffix   = ".cleaned" // output of the cleaner
	swapSuffix      = ".swap"    // complete, about to replace others
)

func fileName(dir string, base int64, suffix string) string {
	digits := strconv.FormatInt(base, 10)
	b := make([]byte, 0, len(dir)+1+20+len(suffix))
	b = append(b, dir...)
	b = append(b, '/')
	for range 20 - len(digits) {
		b = append(b, '0')
	}
	b = append(b, digits...)
	return string(append(b, suffix...))
}

func snapshotPath(dir string, offset int64) string { return fileName(dir, offset, snapshotSuffix) }

// offsetOf is the offset in a file's name; false if the name is not twenty digits and the suffix.
func offsetOf(name, suffix string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	return v, err == nil
}

// PartitionDir is the name of a partition's directory: topic-partition.
func PartitionDir(topic string, partition int32) string {
	return topic + "-" + strconv.Itoa(int(partition))
}

// SplitPartitionDir takes the name of a partition's directory apart. false: it is no live
// partition (a checkpoint, or a -delete, -future or -stray directory).
func SplitPartitionDir(name string) (topic string, partition int32, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return "", 0, false
	}
	p, ok := parseInt([]byte(name[i+1:]), 1<<31-1)
	return name[:i], int32(p), ok
}
