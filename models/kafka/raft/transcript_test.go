package raft_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/sim"
)

// TestTranscripts runs the stories in testdata: what is done to a quorum, and what it says and is after.
// Regenerate with -rewrite, then read the diff.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &story{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.d = d
			return s.command()
		})
	})
}

type story struct {
	t   *testing.T
	d   *datadriven.TestData
	w   *world
	log []string
}

func (s *story) command() string {
	switch s.d.Cmd {
	case "quorum":
		s.quorum()
	case "run":
		s.w.run(s.duration())
	case "settle":
		if !s.w.settle(20 * sim.Second) {
			s.log = append(s.log, "not settled")
		}
	case "kill":
		s.each(func(i int) { s.w.svcs[i-1].Kill() })
	case "stop":
		s.each(func(i int) { s.w.svcs[i-1].Stop() })
	case "pause":
		s.each(func(i int) { s.w.svcs[i-1].Pause() })
	case "resume":
		s.each(func(i int) { s.w.svcs[i-1].Resume() })
	case "start":
		s.each(func(i int) { s.w.svcs[i-1].Start() })
	case "cut":
		var ids []int
		s.each(func(i int) { ids = append(ids, i) })
		s.w.cut(ids...)
	case "heal":
		s.w.heal()
	case "wipe":
		s.each(func(i int) {
			if err := s.w.hosts[i-1].Disk(0).FS().Remove("kafka-logs", "wiped"); err != nil {
				s.t.Fatal(err)
			}
		})
	case "files":
		s.each(func(i int) {
			for _, name := range s.w.hosts[i-1].Disk(0).FS().List("kafka-logs/__cluster_metadata-0") {
				s.log = append(s.log, name)
			}
		})
	case "state":
		return s.state()
	case "file":
		return s.file()
	default:
		s.t.Fatalf("%s: no command %q", s.d.Pos, s.d.Cmd)
	}
	out := strings.Join(s.log, "\n")
	s.log = nil
	return out
}

// quorum seed=S voters=N [pre-vote] [no-check] [hw-wakes] [snapshots]: starts one.
func (s *story) quorum() {
	seed, n := uint64(1), 3
	s.d.MaybeScanArgs(s.t, "seed", &seed)
	s.d.MaybeScanArgs(s.t, "voters", &n)
	s.w = newWorld(s.t, seed, n, func(_ int32, c *raft.Config) {
		c.PreVote = s.d.HasArg("pre-vote")
		c.CheckQuorum = !s.d.HasArg("no-check")
		c.FetchWakesHW = s.d.HasArg("hw-wakes")
		if s.d.HasArg("snapshots") {
			c.SnapshotBytes = 2000
		}
	})
	s.w.OnEmit(func(e sim.DomainEvent) {
		s.log = append(s.log, fmt.Sprintf("%7.3fs %s %s %s", float64(e.At)/1e9, e.Host.Name, e.Kind, e.Text))
	})
	s.w.start()
}

// each calls f for every controller that the command names: numbers, leader, follower (the first).
func (s *story) each(f func(i int)) {
	for _, a := range s.d.CmdArgs {
		switch a.Key {
		case "leader":
			f(s.w.active())
		case "follower":
			for i := range s.w.svcs {
				if i+1 != s.w.active() && s.w.svcs[i].Running() {
					f(i + 1)
					break
				}
			}
		default:
			i, err := strconv.Atoi(a.Key)
			if err != nil {
				s.t.Fatal(err)
			}
			f(i)
		}
	}
}

func (s *story) duration() sim.Time {
	text := s.d.CmdArgs[0].Key
	unit, n := sim.Second, strings.TrimSuffix(text, "s")
	if ms, ok := strings.CutSuffix(text, "ms"); ok {
		unit, n = sim.Millisecond, ms
	}
	v, err := strconv.Atoi(n)
	if err != nil {
		s.t.Fatal(err)
	}
	return sim.Time(v) * unit
}

// state is a line for each controller: role, epoch, leader, vote, log end, high watermark.
func (s *story) state() string {
	var b strings.Builder
	for i := range s.w.svcs {
		r := s.w.replica(i + 1)
		if r == nil {
			fmt.Fprintf(&b, "%d down\n", i+1)
			continue
		}
		fmt.Fprintf(&b, "%d %-10v epoch %d leader %2d voted %2d end %3d hw %3d\n", i+1, r.Role(), r.Epoch(), r.Leader(), r.Voted(), r.End(), r.HW())
	}
	return b.String()
}

// file N NAME prints a file of a controller's metadata directory.
func (s *story) file() string {
	i, err := strconv.Atoi(s.d.CmdArgs[0].Key)
	if err != nil {
		s.t.Fatal(err)
	}
	f := s.w.hosts[i-1].Disk(0).FS().Open("kafka-logs/__cluster_metadata-0/" + s.d.CmdArgs[1].Key)
	if f == nil {
		return "no such file"
	}
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}
