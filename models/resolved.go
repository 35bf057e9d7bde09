package models

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Resolved is every setting of one system with its value in one version: what was written, else
// what another setting gives (Fallback), else the default of the version. It does not change after
// Resolve; ForHost, ForStream and With give narrower ones that share it.
//
// Asking for a name that the table does not have is a bug of the model and panics.
type Resolved struct {
	table   *Table
	version string
	index   map[settingKey]*Setting
	own     map[*Setting]value
	quirks  map[string]bool
	hosts   map[string]*Resolved
	parent  *Resolved // asked for what own does not have
}

type settingKey struct {
	section Section
	name    string
}

type value struct {
	text string
	n    int64
}

// Resolve checks a system entry against a table and applies the defaults of its version. Problems
// are complete: every entry is looked at. The result serves even if there are problems, except
// when the version is unknown: then it is nil.
func Resolve(t *Table, sys *System) (*Resolved, []Problem) {
	version := sys.Version
	if version == "" {
		version = t.Default
	}
	line, full, err := t.FindVersion(version)
	if err != nil {
		return nil, []Problem{{Pos: sys.Pos, Path: "version", Text: err.Error()}}
	}
	if !line.Built {
		return nil, []Problem{{Pos: sys.Pos, Path: "version", Text: fmt.Sprintf("%s %s is not built yet", t.Model, line.Name)}}
	}
	r := &Resolved{table: t, version: full, index: map[settingKey]*Setting{}, own: map[*Setting]value{},
		quirks: map[string]bool{}, hosts: map[string]*Resolved{}}
	for _, list := range [][]Setting{t.Topology, t.Settings} {
		for i := range list {
			r.index[settingKey{list[i].Section, list[i].Name}] = &list[i]
		}
	}
	var problems []Problem
	for s := Topology; s < NumSections; s++ {
		path := s.String()
		if s == Topology {
			path = ""
		}
		problems = append(problems, r.add(s, sys.Sections[s], path)...)
	}
	for _, h := range sys.Hosts {
		over := r.child()
		problems = append(problems, over.add(Broker, h.Settings, "hosts."+h.Host)...)
		r.hosts[h.Host] = over
	}
	return r, append(problems, r.setQuirks(sys)...)
}

func (r *Resolved) child() *Resolved {
	c := *r
	c.own, c.parent = map[*Setting]value{}, r
	return &c
}

// add checks entries of a section and keeps the valid ones.
func (r *Resolved) add(s Section, entries Settings, path string) []Problem {
	var out []Problem
	report := func(e Entry, at Pos, warn bool, hint, format string, args ...any) {
		p := e.Name
		if path != "" {
			p = path + "." + e.Name
		}
		out = append(out, Problem{Pos: at, Path: p, Text: fmt.Sprintf(format, args...), Hint: hint, Warn: warn})
	}
	for _, e := range entries {
		set := r.index[settingKey{s, e.Name}]
		if set == nil {
			hint, text := r.unknown(s, e.Name)
			report(e, e.Pos, false, hint, "%s", text)
			continue
		}
		if ok, why := set.In(r.version); !ok {
			report(e, e.Pos, false, "", "not in %s %s: it %s", r.table.Model, r.version, why)
			continue
		}
		text, n, err := set.Parse(e.Value)
		if err != nil {
			hint := ""
			if set.Kind == KindEnum {
				hint = Nearest(e.Value, set.Enum)
			}
			report(e, e.At, false, hint, "%s", err)
			continue
		}
		for _, no := range set.NotBuilt {
			if no == text {
				report(e, e.At, false, "", "%s is not built yet", text)
			}
		}
		r.own[set] = value{text, n}
		if !set.Effect {
			report(e, e.Pos, true, "", "accepted, but without effect here")
		} else if key, want, only := strings.Cut(set.OnlyWith, "="); only && r.Has(Topology, key) && r.Str(Topology, key) != want {
			report(e, e.Pos, true, "", "without effect unless %s is %s", key, want)
		}
	}
	return out
}

// unknown words what is wrong with a name that the section does not have: it may live elsewhere.
func (r *Resolved) unknown(s Section, name string) (hint, text string) {
	kind := "setting of the " + s.String()
	if s == Topology {
		kind = "key of an entry"
	}
	text = fmt.Sprintf("%s has no such %s", r.table.Model, kind)
	if others := r.table.SectionsOf(name); len(others) > 0 {
		if others[0] == Topology {
			return "", text + "; it stands in the entry itself"
		}
		return "", text + "; it belongs to " + SectionWords(others)
	}
	return Nearest(name, r.table.NamesIn(s)), text
}

// SectionWords lists sections as a scenario writes them: "broker: or topic:".
func SectionWords(list []Section) string {
	var words []string
	for _, s := range list {
		words = append(words, s.String()+":")
	}
	return strings.Join(words, " or ")
}

func (r *Resolved) setQuirks(sys *System) []Problem {
	for i := range r.table.Quirks {
		q := &r.table.Quirks[i]
		for _, w := range q.Where {
			if versionIn(r.version, w.Since, w.Until) && (w.Key == "" || r.Str(Topology, w.Key) == w.Value) {
				r.quirks[q.Name] = true
			}
		}
	}
	var out []Problem
	for _, sw := range sys.Quirks {
		q := r.table.FindQuirk(sw.Name)
		switch {
		case q == nil:
			var names []string
			for _, k := range r.table.Quirks {
				names = append(names, k.Name)
			}
			out = append(out, Problem{Pos: sw.Pos, Path: "quirks", Hint: Nearest(sw.Name, names),
				Text: fmt.Sprintf("%s has no quirk %q", r.table.Model, sw.Name)})
			continue
		case r.quirks[sw.Name] != sw.On && !q.Built:
			out = append(out, Problem{Pos: sw.Pos, Path: "quirks",
				Text: fmt.Sprintf("switching %s %s is not built yet", sw.Name, map[bool]string{true: "on", false: "off"}[sw.On])})
		}
		r.quirks[sw.Name] = sw.On
	}
	return out
}

// ForHost is r with the overrides of one host.
func (r *Resolved) ForHost(host string) *Resolved {
	if h := r.hosts[host]; h != nil {
		return h
	}
	return r
}

// ForStream is r with a stream's own topic, queue and policy settings.
func (r *Resolved) ForStream(s *Stream) *Resolved {
	out, _ := r.Check(Topic, s.Topic, "")
	out, _ = out.Check(Queue, s.Queue, "")
	out, _ = out.Check(Policy, s.Policy, "")
	return out
}

// With is r with settings of one section over it; entries that Check would refuse are left out.
func (r *Resolved) With(s Section, over Settings) *Resolved {
	out, _ := r.Check(s, over, "")
	return out
}

// Check is With, and says what is wrong with the settings.
func (r *Resolved) Check(s Section, over Settings, path string) (*Resolved, []Problem) {
	if len(over) == 0 {
		return r, nil
	}
	c := r.child()
	return c, c.add(s, over, path)
}

// Version is the full version, with its patch.
func (r *Resolved) Version() string { return r.version }

// AtLeast says whether the version is v or later.
func (r *Resolved) AtLeast(v string) bool { return CompareVersions(r.version, v) >= 0 }

// Table is where the settings come from.
func (r *Resolved) Table() *Table { return r.table }

// Quirk says whether a historical behaviour is on.
func (r *Resolved) Quirk(name string) bool {
	if r.table.FindQuirk(name) == nil {
		panic(fmt.Sprintf("models: %s has no quirk %q", r.table.Model, name))
	}
	return r.quirks[name]
}

func (r *Resolved) setting(s Section, name string) *Setting {
	set := r.index[settingKey{s, name}]
	if set == nil {
		panic(fmt.Sprintf("models: %s has no setting %s/%s", r.table.Model, s, name))
	}
	return set
}

// written is the value that somebody wrote for set, here or in what r is built on.
func (r *Resolved) written(set *Setting) (value, bool) {
	for at := r; at != nil; at = at.parent {
		if v, ok := at.own[set]; ok {
			return v, true
		}
	}
	return value{}, false
}

func (r *Resolved) value(s Section, name string) (value, bool) {
	set := r.setting(s, name)
	if v, ok := r.written(set); ok {
		return v, true
	}
	if sec, other, ok := strings.Cut(set.Fallback, "/"); ok {
		from, _ := SectionNamed(sec)
		if v, ok := r.written(r.setting(from, other)); ok {
			return v, true
		}
	}
	if in, _ := set.In(r.version); !in {
		return value{}, false
	}
	text, ok := set.DefaultAt(r.version)
	if !ok {
		return value{}, false
	}
	text, n, err := set.Parse(text)
	if err != nil {
		panic(fmt.Sprintf("models: default of %s %s/%s: %v", r.table.Model, s, name, err))
	}
	return value{text, n}, true
}

// IsSet says whether the user wrote the setting.
func (r *Resolved) IsSet(s Section, name string) bool {
	_, ok := r.written(r.setting(s, name))
	return ok
}

// Has says whether the setting has a value, written or default.
func (r *Resolved) Has(s Section, name string) bool {
	_, ok := r.value(s, name)
	return ok
}

// Int is a number in the setting's own unit; 0 when it has no value.
func (r *Resolved) Int(s Section, name string) int64 {
	v, _ := r.value(s, name)
	return v.n
}

// Bool is a switch; false when it has no value.
func (r *Resolved) Bool(s Section, name string) bool { return r.Int(s, name) != 0 }

// Str is the value as text in its canonical form; "" when it has none.
func (r *Resolved) Str(s Section, name string) string {
	v, _ := r.value(s, name)
	return v.text
}

// Milli is a KindDecimal in thousandths.
func (r *Resolved) Milli(s Section, name string) int64 { return r.Int(s, name) }

// Time is a time setting of any unit as a span of virtual time.
func (r *Resolved) Time(s Section, name string) sim.Time {
	n := r.Int(s, name)
	unit := sim.Nanosecond
	switch r.setting(s, name).Kind {
	case KindMillis:
		unit = sim.Millisecond
	case KindSeconds:
		unit = sim.Second
	}
	if n > int64(maxSpan/unit) { // Long.MAX_VALUE milliseconds means never
		return maxSpan
	}
	return sim.Time(n) * unit
}

const maxSpan = sim.Time(1) << 62

// Visit lists every setting that this version has and that has a value, in the table's order.
func (r *Resolved) Visit(visit func(set *Setting, text string, written bool)) {
	for _, list := range [][]Setting{r.table.Topology, r.table.Settings} {
		for i := range list {
			set := r.index[settingKey{list[i].Section, list[i].Name}]
			if v, ok := r.value(set.Section, set.Name); ok {
				visit(set, v.text, r.IsSet(set.Section, set.Name))
			}
		}
	}
}

// Parse reads a value in the form of the setting's manual. n is the number, 1 for true, or the
// index in Enum; text is the canonical form.
func (s *Setting) Parse(written string) (text string, n int64, err error) {
	text = strings.TrimSpace(written)
	for i := 0; i+1 < len(s.Aliases); i += 2 {
		if text == s.Aliases[i] {
			text = s.Aliases[i+1]
		}
	}
	switch s.Kind {
	case KindBool:
		switch strings.ToLower(text) {
		case "true":
			return "true", 1, nil
		case "false":
			return "false", 0, nil
		}
		return "", 0, fmt.Errorf("%q is not true or false", text)
	case KindEnum:
		for i, w := range s.Enum {
			if strings.EqualFold(text, w) {
				return w, int64(i), nil
			}
		}
		return "", 0, fmt.Errorf("%q is none of %s", text, strings.Join(s.Enum, ", "))
	case KindString:
		return text, 0, nil
	case KindDecimal:
		n, ok := ParseMilli(text)
		if !ok {
			return "", 0, fmt.Errorf("%q is not a number", text)
		}
		return text, n, s.bounds(n)
	case KindSpan:
		t, err := ParseSpan(text)
		if err != nil {
			return "", 0, err
		}
		return t.String(), int64(t), s.bounds(int64(t))
	}
	n, perr := strconv.ParseInt(text, 10, 64)
	if perr != nil {
		return "", 0, fmt.Errorf("%q is not %s", text, s.Kind)
	}
	return strconv.FormatInt(n, 10), n, s.bounds(n)
}

func (s *Setting) bounds(n int64) error {
	switch {
	case n < s.Min:
		return fmt.Errorf("%d is below the least value, %d", n, s.Min)
	case s.Max != 0 && n > s.Max:
		return fmt.Errorf("%d is above the greatest value, %d", n, s.Max)
	}
	return nil
}
