package rabbitmq_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// copies is a way to hold a queue.
type copies struct {
	name   string
	nodes  string
	policy models.Settings
	at     string // the publisher's node; the queue is at home on n1, its consumer with it
	want   int64  // transfers of the payload between nodes for each message
}

// layouts are those whose bytes the rules predict: a channel sends a copy to each replica on another node, the
// ring passes each message once to every member and back to its master.
var layouts = []copies{
	{"classic, publisher on its node", "3", nil, "n1", 0},
	{"classic, publisher elsewhere", "3", nil, "n2", 1},
	{"2 copies, publisher with one of them", "3", entries("ha-mode", "nodes", "ha-params", "n1,n2"), "n1", 3},
	{"2 copies, publisher elsewhere", "3", entries("ha-mode", "nodes", "ha-params", "n1,n2"), "n3", 4},
	{"3 copies, publisher with the master", "3", mirrored(), "n1", 5},
	{"3 copies, publisher with a mirror", "3", mirrored(), "n2", 5},
	{"3 copies, publisher elsewhere", "4", entries("ha-mode", "nodes", "ha-params", "n1,n2,n3"), "n4", 6},
}

// TestBytesBetweenNodes holds inter-node bytes for each confirmed message to what replication predicts: 2N - 1
// payloads with the publisher on a node of the queue, 2N elsewhere; terms and acks come on top.
func TestBytesBetweenNodes(t *testing.T) {
	const size, rate, span = 16384, 100, 4 * sim.Second
	for _, c := range layouts {
		b := newBench(t, setup{seed: 1, version: "3.12", rate: rate, size: size, duration: span, policy: c.policy, nodes: c.nodes, home: "n1", at: c.at})
		before := b.w.Net.ServerBytes
		b.at(span)
		perMessage := (b.w.Net.ServerBytes - before) / (rate * int64(span/sim.Second))
		t.Logf("%-40s %8d bytes a message, %d payloads predicted", c.name, perMessage, c.want)
		require.GreaterOrEqual(t, perMessage, c.want*size*99/100, c.name)
		require.Less(t, perMessage, c.want*size*106/100+2500, c.name)
	}
}

// BenchmarkStorage is one message of 1 KiB, published, confirmed, consumed and acknowledged, on files in memory
// and in a directory; beside it, plain writes of the same bytes to a file of that directory.
func BenchmarkStorage(b *testing.B) {
	for _, c := range []struct {
		name     string
		producer models.Settings
		policy   models.Settings
	}{
		{"transient", entries("delivery_mode", "1"), nil},
		{"persistent", nil, nil},
		{"mirrored", nil, mirrored("ha-sync-mode", "automatic")},
	} {
		for _, backing := range []string{"memory", "directory"} {
			b.Run(c.name+"/"+backing, func(b *testing.B) {
				dir := ""
				if backing == "directory" {
					dir = b.TempDir()
					require.NoError(b, sim.PrepareDataDir(dir))
				}
				span := sim.Time(b.N) * sim.Millisecond
				x := newBench(b, setup{seed: 1, version: "3.12", rate: 1000, producers: 2, duration: span, size: 1024,
					producer: c.producer, policy: c.policy, dir: dir})
				b.SetBytes(1024)
				b.ReportAllocs()
				b.ResetTimer()
				x.at(span)
				b.StopTimer()
				require.NoError(b, x.w.CloseDisks())
			})
		}
	}
	b.Run("write", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
		require.NoError(b, err)
		defer f.Close()
		body := make([]byte, 1024)
		b.SetBytes(1024)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.Write(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
