package sweep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/scenarios"
)

// Pair is a key with its value as a scenario file writes it.
type Pair struct{ Key, Value string }

// Setting is one setting of the system; Section "" are keys of the entry itself.
type Setting struct{ Section, Name, Value string }

// Fault is one drawn fault; times are milliseconds.
type Fault struct {
	Action     string
	At, Length int64
	Keys       []Pair
	down       string // the group of servers of which it takes one away, "" if it takes none
}

func (f *Fault) end() int64 { return f.At + f.Length }

// Plan is a drawn schedule with everything around it: a scenario with one system, in a form that is easy
// to make smaller. Its file is the whole truth: it is run by writing and loading it.
type Plan struct {
	Model    string
	Seed     uint64
	Duration int64 // ms
	Hardware string
	Load     []Pair
	Settings []Setting
	Faults   []Fault
}

// Name of the scenario.
func (p *Plan) Name() string { return fmt.Sprintf("random-%s-%d", p.Model, p.Seed) }

// sections in the order in which a file shows them.
var sections = []string{"broker", "topic", "queue", "policy", "producer", "consumer"}

// YAML is the scenario file.
func (p *Plan) YAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nseed: %d\nduration: %s\n", p.Name(), p.Seed, ms(p.Duration))
	if p.Hardware != "" {
		fmt.Fprintf(&b, "hardware: %s\n", p.Hardware)
	}
	fmt.Fprintf(&b, "workload: {%s}\nsystems:\n  %s:\n", pairs(p.Load), p.Model)
	for _, s := range p.Settings {
		if s.Section == "" {
			fmt.Fprintf(&b, "    %s: %s\n", s.Name, s.Value)
		}
	}
	for _, section := range sections {
		var list []Pair
		for _, s := range p.Settings {
			if s.Section == section {
				list = append(list, Pair{s.Name, s.Value})
			}
		}
		if len(list) > 0 {
			fmt.Fprintf(&b, "    %s: {%s}\n", section, pairs(list))
		}
	}
	if len(p.Faults) > 0 {
		b.WriteString("faults:\n")
	}
	for i, f := range p.Faults {
		fmt.Fprintf(&b, "  - {name: f%d, at: %s, duration: %s, action: %s, %s, optional: true}\n", i+1, ms(f.At), ms(f.Length), f.Action, pairs(f.Keys))
	}
	return b.String()
}

func pairs(list []Pair) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Key+": "+p.Value)
	}
	return strings.Join(out, ", ")
}

func ms(n int64) string {
	if n%1000 == 0 {
		return fmt.Sprintf("%ds", n/1000)
	}
	return fmt.Sprintf("%dms", n)
}

// Scenario loads the plan.
func (p *Plan) Scenario() (*scenarios.Scenario, error) {
	sc, problems := scenarios.Load(p.Name()+".yaml", []byte(p.YAML()))
	if len(problems) > 0 {
		return nil, problems
	}
	return sc, nil
}

// clone is a copy that shares nothing that shrinking changes.
func (p *Plan) clone() *Plan {
	q := *p
	q.Load, q.Settings, q.Faults = slices.Clone(p.Load), slices.Clone(p.Settings), slices.Clone(p.Faults)
	for i := range q.Faults {
		q.Faults[i].Keys = slices.Clone(q.Faults[i].Keys)
	}
	return &q
}

func (p *Plan) setting(section, name string) string {
	for _, s := range p.Settings {
		if s.Section == section && s.Name == name {
			return s.Value
		}
	}
	return ""
}

func (p *Plan) put(section, name, value string) {
	for i := range p.Settings {
		if s := &p.Settings[i]; s.Section == section && s.Name == name {
			s.Value = value
			return
		}
	}
	p.Settings = append(p.Settings, Setting{section, name, value})
}

// set applies one --set argument: MODEL.KEY, MODEL.SECTION.SETTING (MODEL may be *), workload.KEY, hardware or duration.
func (p *Plan) set(path, value string) error {
	head, rest, deeper := strings.Cut(path, ".")
	switch {
	case head == "workload" && deeper:
		for i := range p.Load {
			if p.Load[i].Key == rest {
				p.Load[i].Value = value
				return nil
			}
		}
		p.Load = append(p.Load, Pair{rest, value})
	case (head == p.Model || head == "*") && deeper:
		section, name, ok := strings.Cut(rest, ".")
		if !ok {
			section, name = "", rest
		} else if !slices.Contains(sections, section) {
			return fmt.Errorf("--set %s: a drawn schedule has the sections %s", path, strings.Join(sections, ", "))
		}
		p.put(section, name, value)
	case path == "hardware":
		p.Hardware = value
	default:
		return fmt.Errorf("--set %s: with --random it sets %s.KEY, %s.SECTION.SETTING, workload.KEY or hardware", path, p.Model, p.Model)
	}
	return nil
}
