package replica

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models/kafka/log"
)

// bugRules switch one historical behaviour on, in the version around it that is the closest to today's.
var bugRules = map[string]struct{ on, off Rules }{
	"truncate-hw":                 {on: Rules{Truncation: TruncateToHW}},
	"truncate-kip101":             {on: Rules{Truncation: TruncateKIP101}, off: Rules{Truncation: TruncateKIP279}},
	"no-epoch-on-become-leader":   {on: Rules{Truncation: TruncateKIP279, NoEpochOnBecomeLeader: true}, off: Rules{Truncation: TruncateKIP279}},
	"isr-expand-hw-only":          {on: Rules{ExpandByHWOnly: true}},
	"skip-truncate-same-leader":   {on: Rules{Truncation: TruncateKIP279, SkipSameLeader: true, NoFetchEpochs: true}, off: Rules{Truncation: TruncateKIP279, NoFetchEpochs: true}},
	"no-fetch-epoch-fencing":      {on: Rules{Truncation: TruncateKIP279, NoFetchEpochs: true}, off: Rules{Truncation: TruncateKIP279}},
	"hw-before-truncate":          {on: Rules{HWBeforeTruncate: true}},
	"hw-ignores-min-isr":          {on: Rules{HWIgnoresMinISR: true}},
	"exit-on-ahead":               {on: Rules{Truncation: TruncateToHW, ExitWhenAhead: true}, off: Rules{Truncation: TruncateToHW}},
	"hw-checkpoint-lost":          {on: Rules{Truncation: TruncateToHW, HWNotSaved: true}, off: Rules{Truncation: TruncateToHW}},
	"hw-counts-fenced":            {on: Rules{HWCountsFenced: true}},
	"offset-reset-on-leader-move": {on: Rules{Truncation: TruncateToHW, ResetOnLeaderMove: true}, off: Rules{Truncation: TruncateToHW}},
	"shrink-ignores-equal-leo":    {on: Rules{ShrinkByTimeOnly: true}},
}

// chatter is what brokers say to each other.
var chatter = regexp.MustCompile(`^broker \d (->|<-|asks nothing)|^parked$`)

// TestBugs plays the scripts of testdata/bugs, each twice: with the historical behaviour and without.
// The commands are those of TestTranscripts; of what is said, requests and answers between brokers are
// left out.
func TestBugs(t *testing.T) {
	datadriven.Walk(t, "testdata/bugs", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var quirk string
			d.ScanArgs(t, "quirk", &quirk)
			r, ok := bugRules[quirk]
			if d.Cmd != "play" || !ok {
				d.Fatalf(t, "unknown command or quirk")
			}
			return quirk + ":\n" + playBug(t, d, r.on) + "without:\n" + playBug(t, d, r.off)
		})
	})
}

func playBug(t *testing.T, d *datadriven.TestData, rules Rules) string {
	s := newStage(t)
	s.rules = rules
	var out strings.Builder
	for _, line := range strings.Split(d.Input, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		cmd, args, err := datadriven.ParseLine(line)
		if err != nil {
			d.Fatalf(t, "%s: %v", line, err)
		}
		s.out.Reset()
		s.command(&datadriven.TestData{Pos: d.Pos, Cmd: cmd, CmdArgs: args})
		for _, said := range strings.Split(s.out.String(), "\n") {
			if said != "" && !chatter.MatchString(said) {
				fmt.Fprintf(&out, "  %s\n", said)
			}
		}
	}
	return out.String()
}

// logs prints the record of each offset as epoch and number of the write.
func (s *stage) logs() {
	for _, n := range s.nodes {
		p := n.m.Partition(tp0)
		if p == nil || p.Log == nil {
			continue
		}
		var out []string
		for at := p.Log.Start(); at < p.LEO(); {
			got, err := p.Log.Read(at, 1<<20, p.LEO(), true, nil)
			if err != nil || got.Batches == 0 {
				s.t.Fatalf("broker %d: read at %d: %v", n.id, at, err)
			}
			c := log.NewCursor(&s.w.Arena, got.Refs)
			for c.Next() {
				r := c.Records()
				for r.Next() {
					out = append(out, fmt.Sprintf("m%d.e%d", r.Record.Value[0], c.Header.LeaderEpoch()))
				}
			}
			at = got.Next
		}
		s.say("broker %d has %s, HW %d", n.id, strings.Join(out, " "), p.hw)
	}
}
