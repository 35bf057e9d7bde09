package models

import (
	"io"
	"io/fs"
)

// Inspector is a model that can print its brokers' own files, as the broker's dump tool would, without
// a world: files that a run kept with --data-dir, or those of a real broker.
type Inspector interface {
	// Knows says what a file or folder is ("Kafka log segment"), "" if it is none of this broker's. It
	// may look at the bytes where a name alone does not tell.
	Knows(fsys fs.FS, path string) string
	// Inspect prints the file, or for a folder what it holds and whether its files agree. Damage is
	// printed where it is found, with its position and reason, and counted. err is only for what could
	// not be read at all.
	Inspect(in *Inspection) (damaged int, err error)
}

// Inspection is one request to print a file.
type Inspection struct {
	// FS is rooted high enough that files beside and above Path can be read: the index of a segment, the
	// commit log of a consume queue.
	FS   fs.FS
	Path string // slash-separated, in FS
	Out  io.Writer
	Deep bool // every record or message, not only batches and entries
	Body bool // with the contents of messages
	Max  int  // at most so many entries a file; 0 = all. What is left out is counted.
}
