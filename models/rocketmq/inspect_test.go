package rocketmq_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq"
	"github.com/mqsim/mqsim/sim"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of inspect anew")

// written is the store directory of the master of a small cluster after two seconds of load.
func written(t *testing.T) fstest.MapFS {
	b := newBench(t, setup{seed: 7, slaves: -1, rate: 10, duration: 4 * sim.Second, parts: 2, broker: []models.Entry{
		{Name: "mappedFileSizeCommitLog", Value: "16384"}, {Name: "mappedFileSizeConsumeQueue", Value: "200"},
		{Name: "maxHashSlotNum", Value: "20"}, {Name: "maxIndexNum", Value: "80"}}})
	b.finish(4 * sim.Second)
	out := fstest.MapFS{}
	copyTree(t, b.one("master", "").Disk(0).FS(), "store", out)
	return out
}

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

// changed is a copy with one file edited.
func changed(fs fstest.MapFS, name string, edit func(data []byte) []byte) fstest.MapFS {
	out := fstest.MapFS{}
	for k, f := range fs {
		out[k] = f
	}
	out[name] = &fstest.MapFile{Data: edit(bytes.Clone(fs[name].Data))}
	return out
}

// TestInspect prints whole and damaged files and compares with golden files; -rewrite writes those.
func TestInspect(t *testing.T) {
	whole := written(t)
	const log, queue = "store/commitlog/00000000000000000000", "store/consumequeue/t0/0/00000000000000000000"
	zero := func(at, n int) func([]byte) []byte {
		return func(b []byte) []byte { clear(b[at : at+n]); return b }
	}
	for _, c := range []struct {
		name, path, what string
		fs               fstest.MapFS
		in               models.Inspection
		damaged          int
	}{
		{name: "store", path: "store", what: "RocketMQ store directory", fs: whole},
		{name: "log", path: log, what: "RocketMQ commit log file", fs: whole, in: models.Inspection{Deep: true, Max: 3}},
		{name: "queue", path: "store/consumequeue/t0/1", what: "RocketMQ consume queue", fs: whole, in: models.Inspection{Deep: true}},
		{name: "checkpoint", path: "store/checkpoint", what: "RocketMQ checkpoint", fs: whole},
		{name: "topics", path: "store/config/topics.json", what: "RocketMQ table", fs: whole},
		{name: "hole", path: "store/commitlog", what: "RocketMQ commit log", damaged: 3, fs: changed(whole, log, zero(1169*4, 200))},
		{name: "flipped", path: log, what: "RocketMQ commit log file", damaged: 1,
			fs: changed(whole, log, func(b []byte) []byte { b[500] ^= 1; return b })},
		{name: "stale", path: log, what: "RocketMQ commit log file", damaged: 1, fs: changed(whole, log, func(b []byte) []byte {
			binary.BigEndian.PutUint64(b[1169+28:], 77)
			return b
		})},
		{name: "queue-gap", path: queue, what: "RocketMQ consume queue file", damaged: 1, fs: changed(whole, queue, zero(40, 20))},
		{name: "queue-wrong", path: queue, what: "RocketMQ consume queue file", damaged: 1,
			fs: changed(whole, queue, func(b []byte) []byte { b[7]++; return b })},
		{name: "table-broken", path: "store/config/topics.json", what: "RocketMQ table", damaged: 1,
			fs: changed(whole, "store/config/topics.json", func(b []byte) []byte { return b[:len(b)/2] })},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.what, rocketmq.Model{}.Knows(c.fs, c.path))
			var out strings.Builder
			in := c.in
			in.FS, in.Path, in.Out = c.fs, c.path, &out
			damaged, err := rocketmq.Model{}.Inspect(&in)
			require.NoError(t, err)
			require.Equal(t, c.damaged, damaged, out.String())
			golden := filepath.Join("testdata", "inspect", c.name+".txt")
			if *rewrite {
				require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), out.String())
		})
	}
	require.Empty(t, rocketmq.Model{}.Knows(fstest.MapFS{"a/b": {Data: []byte("text")}}, "a/b"))
}
