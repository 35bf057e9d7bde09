// Package inspect prints the files of a RocketMQ store directory: commit log, consume queues, index,
// checkpoint, the tables in config. It needs no world and works on a real broker's files, too. Where a
// file contradicts itself or another one, it says so with the position.
package inspect

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/store"
)

// kind is what a path is.
type kind uint8

const (
	unknown kind = iota
	logFile
	queueFile
	indexFile
	checkpointFile
	tableFile
	storeDir
	logDir
	queuesDir // consumequeue, or a topic of it
	queueDir
)

var kindNames = [...]string{"", "RocketMQ commit log file", "RocketMQ consume queue file", "RocketMQ index file", "RocketMQ checkpoint",
	"RocketMQ table", "RocketMQ store directory", "RocketMQ commit log", "RocketMQ consume queues", "RocketMQ consume queue"}

// Knows names a file or folder, "" if it is none of RocketMQ's.
func Knows(fsys fs.FS, p string) string { return kindNames[kindOf(fsys, p)] }

var (
	mappedName = regexp.MustCompile(`^[0-9]{20}$`)
	indexName  = regexp.MustCompile(`^[0-9]{17,}$`)
	queueName  = regexp.MustCompile(`^[0-9]{1,10}$`)
	tableNames = map[string]bool{"topics.json": true, "consumerOffset.json": true, "delayOffset.json": true, "subscriptionGroup.json": true}
)

func kindOf(fsys fs.FS, p string) kind {
	info, err := fs.Stat(fsys, p)
	if err != nil {
		return unknown
	}
	base, dir := path.Base(p), path.Dir(p)
	if info.IsDir() {
		switch {
		case isDir(fsys, path.Join(p, "commitlog")):
			return storeDir
		case base == "commitlog":
			return logDir
		case base == "consumequeue", path.Base(dir) == "consumequeue":
			return queuesDir
		case queueName.MatchString(base) && path.Base(path.Dir(dir)) == "consumequeue":
			return queueDir
		}
		return unknown
	}
	switch {
	case mappedName.MatchString(base) && path.Base(dir) == "commitlog":
		return logFile
	case mappedName.MatchString(base) && queueName.MatchString(path.Base(dir)):
		return queueFile
	case indexName.MatchString(base) && path.Base(dir) == "index":
		return indexFile
	case base == "checkpoint" && info.Size() == 4096:
		return checkpointFile
	case tableNames[strings.TrimSuffix(base, ".bak")]:
		return tableFile
	case mappedName.MatchString(base) && beginsWithRecord(fsys, p):
		return logFile
	}
	return unknown
}

func isDir(fsys fs.FS, p string) bool {
	info, err := fs.Stat(fsys, p)
	return err == nil && info.IsDir()
}

// beginsWithRecord looks for the magic of a record, for a file that lies alone.
func beginsWithRecord(fsys fs.FS, p string) bool {
	f, err := fsys.Open(p)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [8]byte
	_, err = io.ReadFull(f, b[:])
	return err == nil && store.BeginsRecord(b[:])
}

// printer is one inspection.
type printer struct {
	*models.Inspection
	damaged int
}

// Print prints what in.Path is.
func Print(in *models.Inspection) (damaged int, err error) {
	p := &printer{Inspection: in}
	switch kindOf(in.FS, in.Path) {
	case logFile:
		_, err = p.log(in.Path)
	case queueFile:
		_, err = p.queue(in.Path)
	case indexFile:
		err = p.index(in.Path)
	case checkpointFile:
		err = p.checkpoint(in.Path)
	case tableFile:
		err = p.table(in.Path)
	case storeDir:
		err = p.store(in.Path)
	case logDir:
		_, err = p.logs(in.Path)
	case queuesDir, queueDir:
		_, err = p.queues(in.Path)
	default:
		err = fmt.Errorf("%s is no file of RocketMQ", in.Path)
	}
	return p.damaged, err
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.Out, format+"\n", args...) }

// damage prints a place that is not what it should be.
func (p *printer) damage(format string, args ...any) {
	p.damaged++
	p.line("DAMAGED "+format, args...)
}

// limit says whether entry number n (from 0) is still to be printed.
func (p *printer) limit(n int64) bool { return p.Max <= 0 || n < int64(p.Max) }

func (p *printer) leftOut(n int64) {
	if p.Max > 0 && n > int64(p.Max) {
		p.line("  ... %d more", n-int64(p.Max))
	}
}

// mapped are the mapped files of a folder in order of their offsets.
func (p *printer) mapped(dir string) ([]string, error) {
	list, err := fs.ReadDir(p.FS, dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list {
		if mappedName.MatchString(e.Name()) {
			out = append(out, path.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// open opens a file for reading at any place; its size, too.
func (p *printer) open(name string) (io.ReaderAt, io.Closer, int64, error) {
	f, err := p.FS.Open(name)
	if err != nil {
		return nil, nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, 0, err
	}
	if r, ok := f.(io.ReaderAt); ok {
		return r, f, info.Size(), nil
	}
	b, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, nil, 0, err
	}
	return strings.NewReader(string(b)), f, info.Size(), nil
}
