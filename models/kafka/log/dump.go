package log

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/sim"
)

// Printing files without a world: those that a run kept, or those of a real broker. The words are those
// of kafka-dump-log (DumpLogSegments), so that its readers find what they look for.

// Knows says what a file or folder is, "" if it is none of Kafka's.
func Knows(fsys fs.FS, name string) string {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return ""
	}
	base := path.Base(name)
	if info.IsDir() {
		return knowsDir(fsys, name)
	}
	for _, suffix := range [...]string{deletedSuffix, cleanedSuffix, swapSuffix} {
		base = strings.TrimSuffix(base, suffix)
	}
	if k := kindOf(base); k != nil {
		return k.what
	}
	return ""
}

// fileKind is a kind of file and how it is printed.
type fileKind struct {
	what string
	dump func(d *dump) error
}

var (
	kindLog      = &fileKind{"Kafka log segment", (*dump).log}
	kindIndex    = &fileKind{"Kafka offset index", (*dump).offsetIndex}
	kindTimes    = &fileKind{"Kafka time index", (*dump).timeIndex}
	kindTxn      = &fileKind{"Kafka transaction index", (*dump).txnIndex}
	kindSnapshot = &fileKind{"Kafka producer snapshot", (*dump).snapshot}
	kindMetadata = &fileKind{"Kafka metadata snapshot", (*dump).log}
)

// kindsByName are the files with a name of their own.
var kindsByName = map[string]*fileKind{
	highWatermarkFile: {"Kafka high watermark checkpoint", (*dump).offsets},
	recoveryPointFile: {"Kafka recovery point checkpoint", (*dump).offsets},
	logStartFile:      {"Kafka log start checkpoint", (*dump).offsets},
	cleanerOffsetFile: {"Kafka cleaner checkpoint", (*dump).offsets},
	epochFile:         {"Kafka leader epoch checkpoint", (*dump).epochs},
	metaFile:          {"Kafka meta.properties", (*dump).properties},
	partitionFile:     {"Kafka partition.metadata", (*dump).partition},
	cleanShutdownFile: {"Kafka clean-shutdown marker", (*dump).text},
	"quorum-state":    {"Kafka quorum state", (*dump).text},
}

func kindOf(base string) *fileKind {
	if k := kindsByName[base]; k != nil {
		return k
	}
	for _, x := range [...]struct {
		suffix string
		kind   *fileKind
	}{{logSuffix, kindLog}, {indexSuffix, kindIndex}, {timeIndexSuffix, kindTimes}, {txnIndexSuffix, kindTxn}, {snapshotSuffix, kindSnapshot}} {
		if _, ok := offsetOf(base, x.suffix); ok {
			return x.kind
		}
	}
	if name, ok := strings.CutSuffix(base, ".checkpoint"); ok && len(name) == 31 && name[20] == '-' {
		return kindMetadata // OFFSET-EPOCH.checkpoint of __cluster_metadata
	}
	return nil
}

// dump is the printing of one file.
type dump struct {
	*models.Inspection
	name    string
	b       []byte
	damaged int
	printed int
	left    int // entries beyond Max
}

// Inspect prints a file or folder of Kafka; see models.Inspector.
func Inspect(in *models.Inspection) (damaged int, err error) {
	info, err := fs.Stat(in.FS, in.Path)
	if err != nil {
		return 0, err
	}
	if info.IsDir() {
		return inspectDir(in)
	}
	return dumpFile(in, in.Path)
}

func dumpFile(in *models.Inspection, name string) (int, error) {
	base := path.Base(name)
	for _, suffix := range [...]string{deletedSuffix, cleanedSuffix, swapSuffix} {
		base = strings.TrimSuffix(base, suffix)
	}
	kind := kindOf(base)
	if kind == nil {
		return 0, fmt.Errorf("%s is no file of Kafka", name)
	}
	b, err := fs.ReadFile(in.FS, name)
	if err != nil {
		return 0, err
	}
	d := &dump{Inspection: in, name: base, b: b}
	fmt.Fprintf(in.Out, "Dumping %s\n", name)
	err = kind.dump(d)
	if d.left > 0 {
		fmt.Fprintf(in.Out, "... %d more\n", d.left)
	}
	return d.damaged, err
}

// more says whether another entry is to be printed, and counts it.
func (d *dump) more() bool {
	if d.Max > 0 && d.printed >= d.Max {
		d.left++
		return false
	}
	d.printed++
	return true
}

func (d *dump) printf(format string, args ...any) { fmt.Fprintf(d.Out, format, args...) }

// damage says what is wrong at a byte of the file.
func (d *dump) damage(pos int64, format string, args ...any) {
	d.damaged++
	d.printf("damaged at position %d: %s\n", pos, fmt.Sprintf(format, args...))
}

// segmentFacts is what the scan of a segment found.
type segmentFacts struct {
	base    int64
	next    int64
	batches int
	records int64
	good    int64 // bytes of whole batches
	starts  map[int64]Header
	ends    map[int64]bool // last offsets of batches
}

// walk visits the batches of a segment and tells damage; print may be nil.
func (d *dump) walk(print func(c *Cursor)) segmentFacts {
	base, _ := offsetOf(d.name, logSuffix)
	f := segmentFacts{base: base, next: base, starts: map[int64]Header{}, ends: map[int64]bool{}}
	a := sim.NewArena()
	c := NewCursor(a, []sim.Ref{a.Put(d.b)})
	for c.Next() {
		h := c.Header
		if print != nil && d.more() {
			print(&c)
		}
		if !c.Valid() {
			d.damage(c.Pos(), "the CRC of the batch of offsets %d-%d is not %d", h.BaseOffset(), h.LastOffset(), h.CRC())
		} else if err := recordsErr(&c); err != nil {
			d.damage(c.Pos(), "the records of the batch of offsets %d-%d cannot be read: %v", h.BaseOffset(), h.LastOffset(), err)
		}
		if h.BaseOffset() < f.next {
			d.damage(c.Pos(), "offset %d follows %d", h.BaseOffset(), f.next-1)
		}
		f.next = h.NextOffset()
		f.batches++
		f.records += int64(h.Count())
		f.starts[c.Pos()] = h
		f.ends[h.LastOffset()] = true
	}
	f.good = c.Pos()
	if rest := int64(len(d.b)) - f.good; rest > 0 {
		d.tail(f.good, rest)
	}
	return f
}

func recordsErr(c *Cursor) error {
	if c.Header.Codec() != 0 {
		return nil
	}
	r := c.Records()
	for r.Next() {
	}
	return r.Err()
}

// tail says what lies behind the last whole batch.
func (d *dump) tail(pos, rest int64) {
	switch b := d.b[pos:]; {
	case allZero(b):
		d.damage(pos, "%d bytes of zeros behind the last batch", rest)
	case rest >= HeaderSize && Header(b).Magic() != magicV2:
		d.damage(pos, "no record batch: magic %d, %d bytes behind the last batch", Header(b).Magic(), rest)
	case rest >= lengthOverhead && Header(b).Size() > rest:
		d.damage(pos, "a batch of %d bytes, of which the file has %d", Header(b).Size(), rest)
	default:
		d.damage(pos, "no record batch, %d bytes behind the last batch", rest)
	}
}

// log prints a segment.
func (d *dump) log() error {
	if base, ok := offsetOf(d.name, logSuffix); ok {
		d.printf("Log starting offset: %d\n", base)
	}
	f := d.walk(d.batch)
	d.printf("%s, %s, offsets %d to %d, %d bytes\n", counted(int64(f.batches), "batch"), counted(f.records, "record"), f.base, f.next-1, f.good)
	return nil
}

// batch prints a batch as DumpLogSegments does, with its records under it.
func (d *dump) batch(c *Cursor) {
	h := c.Header
	horizon := "OptionalLong.empty"
	if t, ok := h.DeleteHorizon(); ok {
		horizon = "OptionalLong[" + strconv.FormatInt(t, 10) + "]"
	}
	d.printf("baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d "+
		"partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s position: %d %s: %d size: %d magic: %d "+
		"compresscodec: %s crc: %d isvalid: %t\n",
		h.BaseOffset(), h.LastOffset(), h.Count(), h.BaseSequence(), h.LastSequence(), h.ProducerID(), h.ProducerEpoch(),
		h.LeaderEpoch(), h.Attributes()&attrTransactional != 0, h.Control(), horizon, c.Pos(), h.timestampType(), h.MaxTimestamp(),
		c.Size(), h.Magic(), codecs[h.Codec()], h.CRC(), c.Valid())
	if !d.Deep || h.Codec() != 0 {
		return
	}
	r := c.Records()
	for r.Next() {
		d.record(h, &r.Record)
	}
}

var codecs = [8]string{"none", "gzip", "snappy", "lz4", "zstd", "5", "6", "7"}

func (h Header) timestampType() string {
	if h.Attributes()&attrLogAppendTime != 0 {
		return "LogAppendTime"
	}
	return "CreateTime"
}

func (d *dump) record(h Header, r *Record) {
	sequence := int32(None)
	if h.BaseSequence() >= 0 {
		sequence = addSequence(h.BaseSequence(), int32(r.Offset-h.BaseOffset()))
	}
	keys := make([]string, r.Headers())
	for i := range keys {
		keys[i], _ = r.Header(i)
	}
	d.printf("| offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [%s]", r.Offset, h.timestampType(), r.Timestamp,
		fieldLen(r.Key), fieldLen(r.Value), sequence, strings.Join(keys, ","))
	if id, ok := sim.BodyID(r.Value); ok {
		d.printf(" message: %v", id)
	}
	if m, err := metadata.Decode(r.Value); err == nil && !h.Control() && d.clusterMetadata() {
		d.printf(" payload: %s\n", metadata.Describe(m))
		return
	}
	if d.Body {
		if r.Key != nil {
			d.printf(" key: %q", r.Key)
		}
		d.printf(" payload: %q", r.Value)
	}
	d.printf("\n")
}

// clusterMetadata says whether the file holds records of the metadata log: by its folder, or as a snapshot.
func (d *dump) clusterMetadata() bool {
	topic, _, ok := SplitPartitionDir(path.Base(path.Dir(d.Path)))
	return ok && topic == metadataTopic || strings.HasSuffix(d.Path, ".checkpoint")
}

func fieldLen(b []byte) int {
	if b == nil {
		return None
	}
	return len(b)
}
