package log

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/sim"
)

// TestInspect prints real files: what a small run left in its data directory, whole and damaged.
func TestInspect(t *testing.T) {
	datadriven.Walk(t, "testdata/inspect", func(t *testing.T, path string) {
		root := filepath.Join(t.TempDir(), "run")
		writeRun(t, root)
		dir := filepath.Join(root, "b0", "disk0", dataDir)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var file string
			d.MaybeScanArgs(t, "file", &file)
			name := filepath.Join(dir, filepath.FromSlash(file))
			at, n := int64(0), 1
			d.MaybeScanArgs(t, "at", &at)
			d.MaybeScanArgs(t, "n", &n)
			switch d.Cmd {
			case "inspect":
				var out strings.Builder
				in := &models.Inspection{FS: os.DirFS(dir), Path: file, Out: &out, Deep: d.HasArg("deep"), Body: d.HasArg("body")}
				d.MaybeScanArgs(t, "max", &in.Max)
				out.WriteString(Knows(in.FS, in.Path) + "\n")
				damaged, err := Inspect(in)
				if err != nil {
					out.WriteString(err.Error() + "\n")
				}
				if damaged > 0 {
					out.WriteString("DAMAGED\n")
				}
				return out.String()
			case "flip", "zero", "write":
				b := readFile(t, name)
				for i := range n {
					switch d.Cmd {
					case "flip":
						b[at+int64(i)] ^= 1
					case "zero":
						b[at+int64(i)] = 0
					}
				}
				if d.Cmd == "write" {
					b = []byte(d.Input)
				}
				writeFile(t, name, b)
			case "cut":
				writeFile(t, name, readFile(t, name)[:at])
			case "extend":
				writeFile(t, name, append(readFile(t, name), make([]byte, n)...))
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			return ""
		})
	})
}

func readFile(t *testing.T, name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, name string, b []byte) {
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeRun is a run whose files are looked at: two segments, two epochs, a producer, a tombstone.
func writeRun(t *testing.T, root string) {
	o := DefaultOptions()
	o.SegmentBytes, o.IndexInterval, o.IndexBytes = 1000, 250, 96
	o.TopicID = ID([16]byte{0xc0, 0xff, 0xee, 15: 1})
	r := newRigIn(t, root, 1, o)
	r.dir.Meta = Meta{Cluster: "mqsim", Broker: 1, Directory: ID([16]byte{1})}
	r.start()
	r.do(func(l *Log) {
		for i := range 6 {
			if _, err := l.AppendAsLeader(r.idempotent(2, 100, 7, 1, int32(2*i)), int32(i/4), r.now); err != nil {
				t.Fatal(err)
			}
		}
		r.build.Add(r.now, []byte("key"), nil, RecordHeader{Key: "h", Value: []byte("x")})
		if _, err := l.AppendAsLeader(r.build.Build(None, None, None), 1, r.now); err != nil {
			t.Fatal(err)
		}
		l.SetHighWatermark(9)
		_ = l.d.CheckpointHighWatermarks()
	})
	r.wait(sim.Second)
	r.do(func(l *Log) { _ = l.d.CheckpointRecoveryPoints() })
	if err := r.w.CloseDisks(); err != nil {
		t.Fatal(err)
	}
}

// FuzzInspect prints files of any content under every name that is known.
func FuzzInspect(f *testing.F) {
	names := []string{
		"t-0/00000000000000000000.log", "t-0/00000000000000000000.index", "t-0/00000000000000000000.timeindex",
		"t-0/00000000000000000000.txnindex", "t-0/00000000000000000000.snapshot", "t-0/leader-epoch-checkpoint",
		"t-0/partition.metadata", "replication-offset-checkpoint", "meta.properties", ".kafka_cleanshutdown",
	}
	f.Add(0, []byte("0\n1\nt 0 5\n"))
	f.Add(5, []byte("0\n2\n0 0\n1 7\n"))
	f.Add(8, []byte("broker.id=1\nversion=0\ncluster.id=c\n"))
	f.Add(6, []byte("version: 0\ntopic_id: wP_uAAAAAAAAAAAAAAAAAQ\n"))
	w := testWorld()
	b := NewBuilder(w)
	b.Add(1, []byte("k"), nil)
	f.Add(0, []byte(encoded(w, b.Build(None, None, None))))
	f.Fuzz(func(t *testing.T, i int, content []byte) {
		name := names[uint(i)%uint(len(names))]
		fsys := fstest.MapFS{name: {Data: content}, "t-0/00000000000000000001.log": {Data: content}}
		var out bytes.Buffer
		if _, err := Inspect(&models.Inspection{FS: fsys, Path: name, Out: &out, Body: true, Deep: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(&models.Inspection{FS: fsys, Path: ".", Out: &out}); err != nil {
			t.Fatal(err)
		}
		if m, err := ParseMeta(content); err == nil {
			if again, err := ParseMeta(AppendMeta(nil, m)); err != nil || again.Cluster != m.Cluster || again.Broker != m.Broker {
				t.Fatalf("%+v, %+v, %v", m, again, err)
			}
		}
		if id, err := ParsePartitionMetadata(content); err == nil {
			if again, err := ParsePartitionMetadata(AppendPartitionMetadata(nil, id)); err != nil || again != id {
				t.Fatal(id, again, err)
			}
		}
	})
}

// TestInspectClusterMetadata: the metadata log and its snapshots print their records by name.
func TestInspectClusterMetadata(t *testing.T) {
	w := testWorld()
	b := NewBuilder(w)
	b.Add(1700000000000, nil, metadata.Encode(&metadata.FeatureLevel{Name: "metadata.version", Level: 21}))
	b.Add(1700000000000, nil, metadata.Encode(&metadata.NoOp{}))
	batch := b.Build(None, None, None)
	bytes := append(append([]byte(nil), w.Arena.Bytes(batch.Header)...), w.Arena.Bytes(batch.Records)...)
	for _, name := range []string{"__cluster_metadata-0/00000000000000000000.log", "00000000000000000002-0000000001.checkpoint"} {
		var out strings.Builder
		in := &models.Inspection{FS: fstest.MapFS{name: {Data: bytes}}, Path: name, Out: &out, Deep: true}
		if damaged, err := Inspect(in); err != nil || damaged > 0 {
			t.Fatal(damaged, err)
		}
		for _, want := range []string{
			`payload: {"type":"FEATURE_LEVEL_RECORD","version":0,"data":{"name":"metadata.version","featureLevel":21}}`,
			`payload: {"type":"NO_OP_RECORD","version":0,"data":{}}`,
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %s is missing in\n%s", name, want, out.String())
			}
		}
	}
}
