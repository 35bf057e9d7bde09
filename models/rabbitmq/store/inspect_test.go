package store

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

var rewrite = flag.Bool("rewrite-inspect", false, "write the golden files of inspect anew")

func copyTree(t *testing.T, from *sim.FS, dir string, to fstest.MapFS) {
	for _, name := range from.List(dir) {
		path := dir + "/" + name
		f := from.Open(path)
		if f == nil {
			copyTree(t, from, path, to)
			continue
		}
		data := make([]byte, f.Size())
		if len(data) > 0 {
			_, err := f.ReadAt(data, 0)
			require.NoError(t, err)
		}
		to[path] = &fstest.MapFile{Data: data}
	}
}

// TestInspectVersion2 prints a queue of version 2, and a copy with a flipped bit.
func TestInspectVersion2(t *testing.T) {
	r := newRig(t, 3)
	r.version, r.cfg.Segment2Entries = 2, 8
	r.start()
	for i := range 10 {
		size := 40
		if i%3 == 1 {
			size = 5000
		}
		m := r.message(size)
		r.do(func(_ *Vhost, q *Queue) {
			q.Publish(m)
			q.Settle(true)
			if i == 6 {
				d, _ := q.Fetch(true)
				q.Ack(d.Seq)
				q.Settle(true)
			}
		})
		r.wait(1200 * sim.Millisecond)
	}
	tree := fstest.MapFS{}
	copyTree(t, r.host.Disk(0).FS(), Base, tree)
	torn := fstest.MapFS{}
	for name, f := range tree {
		torn[name] = &fstest.MapFile{Data: bytes.Clone(f.Data)}
	}
	index, bodies := QueueDir("q")+"/0.qi", QueueDir("q")+"/0.qs"
	torn[index].Data[64+2*32] = 7
	torn[bodies].Data[300] ^= 0xff
	golden(t, "version2", QueueDir("q"), tree, 0)
	golden(t, "version2-damaged", QueueDir("q"), torn, 2)
}

// golden prints and compares.
func golden(t *testing.T, name, path string, fsys fstest.MapFS, want int) {
	var out bytes.Buffer
	require.NotEmpty(t, Knows(fsys, path))
	damaged, err := Print(&models.Inspection{FS: fsys, Path: path, Out: &out, Deep: true, Max: 8})
	require.NoError(t, err)
	require.Equal(t, want, damaged, name+"\n"+out.String())
	file := "testdata/inspect/" + name + ".txt"
	if *rewrite {
		require.NoError(t, os.MkdirAll("testdata/inspect", 0o755))
		require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(text), out.String(), name)
}

// TestInspect prints a queue's index and the message store, whole and damaged, and compares with golden files.
func TestInspect(t *testing.T) {
	r := newRig(t, 3)
	r.cfg.JournalMax = 8
	r.start()
	for i := range 10 {
		size := 40
		if i%3 == 0 {
			size = 5000
		}
		m := r.message(size)
		m.Confirm = true
		r.do(func(_ *Vhost, q *Queue) {
			q.Publish(m)
			if i == 6 {
				d, _ := q.Fetch(true)
				q.Ack(d.Seq)
				q.Fetch(true)
			}
			q.Settle(true)
		})
		r.wait(10 * sim.Millisecond)
	}
	tree := fstest.MapFS{}
	copyTree(t, r.host.Disk(0).FS(), Base, tree)
	torn := fstest.MapFS{}
	for name, f := range tree {
		torn[name] = &fstest.MapFile{Data: bytes.Clone(f.Data)}
	}
	journal, bodies := QueueDir("q")+"/"+journalName, Base+"/"+storePersistent+"/0"+rdqSuffix
	torn[journal].Data = torn[journal].Data[:len(torn[journal].Data)-5]
	torn[bodies].Data[300] ^= 0xff
	torn[bodies].Data[60] ^= 0xff
	for _, c := range []struct {
		golden, path string
		fs           fstest.MapFS
		damaged      int
	}{
		{"index", QueueDir("q"), tree, 0},
		{"store", Base + "/" + storePersistent, tree, 0},
		{"index-torn", QueueDir("q"), torn, 1},
		{"store-damaged", bodies, torn, 1},
	} {
		golden(t, c.golden, c.path, c.fs, c.damaged)
	}
	require.Empty(t, Knows(tree, Base), "the folder above is none of them")
}
