// Package scenarios is the language of mqsim and its library. Load reads a scenario strictly: every
// problem of a file is found at once and reported with its place, what is wrong and what was
// probably meant. What comes out are the types of faults, workload, models and verdict.
package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// Scenario is a validated scenario with all defaults applied.
type Scenario struct {
	Name            string
	File            string // as given to Load
	TitleText       result.Text
	LessonText      result.Text
	Teaches         []string // question ids
	Seed            uint64
	Duration        sim.Time
	Warmup          sim.Time
	Drain           workload.Drain
	OutageThreshold sim.Time
	SLO             sim.Time
	Hardware        Hardware
	Systems         []*System // in order of the file
	Faults          []faults.Spec
	Operations      []faults.Operation
	Setup           []faults.Operation
	// Warnings are settings that were accepted without effect, and the like.
	Warnings Problems

	sources []source
	root    *node
}

// Title and Lesson are in "en" or "zh", or in the other language where one is missing.
func (s *Scenario) Title(lang string) string  { return s.TitleText.In(lang) }
func (s *Scenario) Lesson(lang string) string { return s.LessonText.In(lang) }

// System is the entry of that name, or nil.
func (s *Scenario) System(name string) *System {
	for _, sys := range s.Systems {
		if sys.Name == name {
			return sys
		}
	}
	return nil
}

// FaultsOf are the faults that concern a system, in order of the file.
func (s *Scenario) FaultsOf(system string) []faults.Spec {
	var out []faults.Spec
	for _, f := range s.Faults {
		if f.Concerns(system) {
			out = append(out, f)
		}
	}
	return out
}

// OperationsOf and SetupOf are the operator's commands that concern a system.
func (s *Scenario) OperationsOf(system string) []faults.Operation {
	return concerning(s.Operations, system)
}
func (s *Scenario) SetupOf(system string) []faults.Operation { return concerning(s.Setup, system) }

func concerning(list []faults.Operation, system string) []faults.Operation {
	var out []faults.Operation
	for _, o := range list {
		if o.Concerns(system) {
			out = append(out, o)
		}
	}
	return out
}

// Workload is the load of one system.
func (s *Scenario) Workload(sys *System) workload.Spec {
	return workload.Spec{Streams: sys.Streams, Duration: s.Duration, Warmup: s.Warmup, Drain: s.Drain,
		OutageThreshold: s.OutageThreshold, SLO: s.SLO}
}

// Config is what the model of a system is built from.
func (s *Scenario) Config(sys *System) *models.Config {
	host := s.Hardware.HostSpec()
	if sys.Table.Find(models.Topology, "disks") != nil {
		host.Disks = int(sys.Set.Int(models.Topology, "disks"))
	}
	return &models.Config{System: sys.System, Set: sys.Set, Streams: sys.Streams, Disk: host.Disk, Host: host}
}

// Load reads a scenario. The file's name is only for messages. Either the scenario is valid, or
// problems are not empty.
func Load(file string, data []byte) (*Scenario, Problems) { return load(file, data, nil) }

func load(file string, data []byte, seen func(path string, keys []string)) (*Scenario, Problems) {
	src := newSource(file, data)
	s := &Scenario{File: file, sources: []source{src}}
	var found Problems
	root := parseYAML(0, data, func(at models.Pos, path, text string) {
		found = append(found, place(s.sources, at, path, "", text))
	})
	if root == nil {
		return nil, sorted(found)
	}
	s.root = root
	d := &decoder{sources: s.sources, problems: found, seen: seen}
	s.decode(d)
	if len(d.problems) > 0 {
		return nil, sorted(d.problems)
	}
	return s, nil
}

const (
	maxDuration = 24 * sim.Hour
	maxDrain    = 24 * sim.Hour
)

// decode fills s from its tree.
func (s *Scenario) decode(d *decoder) {
	o := d.object(s.root, "")
	if o == nil {
		return
	}
	o.require("name", "the name of the scenario")
	s.Name = o.name("name", "scenario")
	s.TitleText, s.LessonText = o.text("title"), o.text("lesson")
	s.teaches(o)
	s.Seed = uint64(o.count("seed", 1, 0, 1<<62))
	s.clock(o)
	s.Hardware = d.hardware(o)
	all := d.systems(o, d.boots(o))
	s.Systems = all
	d.streams(o, all)
	for _, sys := range all {
		found := sys.Table.Check(sys.System, sys.Set, sys.Streams)
		for i := range found {
			if found[i].Path == "assignment" {
				found[i].Pos = keyPos(sys.node, "assignment")
			}
		}
		d.take("systems."+sys.Name, found)
	}
	c := &schedule{d: d, systems: all, duration: s.Duration, warmup: s.Warmup, specs: map[string][]string{}}
	if entries := s.root.get("systems"); entries != nil && entries.kind == mapping {
		for _, p := range entries.pairs {
			if !strings.HasPrefix(p.key, "x-") {
				c.names = append(c.names, p.key)
			}
		}
	}
	s.Faults = c.readFaults(o)
	s.Operations = c.operations(o, "operations")
	s.Setup = c.operations(o, "setup")
	c.expectations(o, s.Operations)
	o.done()
	s.Warnings = sorted(d.warnings)
}

var questionID = regexp.MustCompile(`^[KRBM][0-9][0-9]$`)

func (s *Scenario) teaches(o *object) {
	texts, nodes := o.words("teaches")
	for i, t := range texts {
		switch {
		case questionNamed(t) == nil:
			hint := ""
			if !questionID.MatchString(t) {
				hint = models.Nearest(t, questionIDs())
			}
			o.d.failHint(nodes[i].at, index("teaches", i), hint, "%s is no question; mqsim list shows them", quoted(t))
		case slices.Contains(s.Teaches, t):
			o.d.fail(nodes[i].at, index("teaches", i), "%s stands there twice", t)
		default:
			s.Teaches = append(s.Teaches, t)
		}
	}
}

// clock reads the times of the run.
func (s *Scenario) clock(o *object) {
	o.require("duration", "how long the load lasts (60s)")
	s.Duration = o.positive("duration", sim.Minute)
	if s.Duration > maxDuration {
		o.fail("duration", "is longer than %s", maxDuration)
	}
	s.Warmup = o.span("warmup", min(workload.DefaultWarmup, s.Duration/2))
	if s.Warmup >= s.Duration {
		o.fail("warmup", "leaves no window: the load lasts %s", s.Duration)
	}
	s.Drain = workload.Drain{Quiet: workload.DefaultQuiet, Limit: workload.DefaultLimit}
	if n := o.d.object(o.field("drain"), "drain"); n != nil {
		s.Drain.Quiet = n.positive("quiet", s.Drain.Quiet)
		s.Drain.Limit = n.positive("limit", s.Drain.Limit)
		if s.Drain.Limit > maxDrain {
			n.fail("limit", "is longer than %s", maxDrain)
		}
		n.done()
	}
	s.OutageThreshold = o.positive("outageThreshold", workload.DefaultOutageThreshold)
	s.SLO = o.positive("slo", workload.DefaultSLO)
}

// String is for logs.
func (s *Scenario) String() string {
	return fmt.Sprintf("%s (%d systems)", s.Name, len(s.Systems))
}
