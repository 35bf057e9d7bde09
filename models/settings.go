package models

import (
	"fmt"
	"strconv"
	"strings"
)

// Section is where a scenario writes a setting: the part of a system entry that holds it.
type Section uint8

// The sections of a system entry. Topology holds the keys that stand in the entry itself
// (brokers, nodes, slaves, coordination ...).
const (
	Topology Section = iota
	Broker
	Topic
	Queue
	Policy
	ProducerSection
	ConsumerSection
	NumSections
)

var sectionWords = [NumSections]string{"topology", "broker", "topic", "queue", "policy", "producer", "consumer"}

func (s Section) String() string { return sectionWords[s] }

// SectionNamed is the section that a scenario calls by that word.
func SectionNamed(word string) (Section, bool) {
	for s, w := range sectionWords {
		if w == word {
			return Section(s), true
		}
	}
	return 0, false
}

// Kind is the form in which a setting's manual writes its value.
type Kind uint8

// Kinds of settings. Millis, Seconds and Bytes are plain integers in the manuals and stay plain
// integers in scenarios; Span is one of mqsim's own keys and needs a unit (500ms).
const (
	KindInt Kind = iota
	KindBool
	KindEnum
	KindString
	KindMillis
	KindSeconds
	KindBytes
	KindDecimal // kept as text; Resolved.Milli reads it in thousandths
	KindSpan    // nanoseconds
)

var kindWords = [...]string{"a whole number", "true or false", "one of", "text", "a whole number of milliseconds",
	"a whole number of seconds", "a whole number of bytes", "a number", "a duration (500ms, 10s, 2m)"}

func (k Kind) String() string { return kindWords[k] }

// VersionValue is a default that holds from a version on, until the next one of the list.
type VersionValue struct {
	From  string // "" = from the beginning
	Value string // "" = no default from here on
}

// Setting is one line of a manual.
type Setting struct {
	Section  Section
	Name     string
	Kind     Kind
	Enum     []string       // KindEnum: what may stand there
	Aliases  []string       // pairs written, meant: acks -1 means all
	NotBuilt []string       // values that are valid but not built here yet
	Min, Max int64          // bounds of numbers; Max 0 = none
	Defaults []VersionValue // in order of version; empty = unset
	Fallback string         // "broker/log.segment.bytes": the setting that gives the default if written
	Since    string         // first version that has it; "" = always
	Until    string         // first version without it; "" = still there
	OnlyWith string         // "coordination=kraft": without effect under another value of that topology key
	Effect   bool           // false: accepted, without effect here (a warning)
	Doc      string         // one sentence
	DocZH    string         // the same in Chinese
	Source   string         // where the manual or the code says so
}

// Quirk is a historical behaviour of a model that a scenario can switch on or off by name.
type Quirk struct {
	Name   string
	Where  []QuirkRange // where it is the version's own behaviour
	Built  bool         // whether both sides of the switch are built here
	Doc    string
	DocZH  string
	Source string
}

// QuirkRange is one stretch of versions, limited to entries whose topology key has the value.
type QuirkRange struct {
	Since, Until string // [Since, Until); "" = open
	Key, Value   string // "" = everywhere
}

// VersionLine is one version that a scenario may name.
type VersionLine struct {
	Name  string // 3.9
	Last  string // the patch that the name alone stands for
	Built bool   // false: known to the table, not built yet
	Doc   string
}

// Word is a name with its one-sentence meaning: a selector role, an event, a metric.
type Word struct {
	Name, Doc, DocZH string
	Arg              string // roles: what stands in brackets: partition, group (of brokers), member (consumer group); "" = nothing
	NotBuilt         bool
}

// Table is all that a loader needs to know about a model. It is data: no engine is touched by it.
type Table struct {
	Model    string
	Versions []VersionLine
	Default  string // version of an entry that names none
	Stream   string // what a stream is here: topic or queue
	Sections []Section
	Settings []Setting
	Topology []Setting
	Quirks   []Quirk
	Roles    []Word // words of selectors beside primary, replica and coordinator
	Events   []Word // words of when: beside those of every model
	Metrics  []Word // metrics that this model adds to those of every model
	Statuses []string
	// Hosts are the names of the servers of an entry, coordinators included, in order of creation.
	Hosts func(*Resolved) []string
	// Groups are the names of the broker groups of an entry (a, b ...); nil where there are none.
	Groups func(*Resolved) []string
	// Nobody says why no host can ever answer to a role in this entry; "" = somebody may. May be nil.
	Nobody func(set *Resolved, streams []Stream, role, arg string) string
	// Processes are the words of process: beside server.
	Processes []Word
	// Check is called with every setting resolved and says what only the model can know:
	// combinations that the broker refuses, replicas that do not fit.
	Check func(*System, *Resolved, []Stream) []Problem
}

// Pos is a place in what the user wrote.
type Pos struct {
	Src       int // 0 the file; n the n-th --set
	Line, Col int // from 1; 0 = nowhere in particular
}

// Problem is something wrong, or a warning, about one key of a system entry.
type Problem struct {
	Pos  Pos
	Path string // below the system entry: topic.replication.factor
	Text string
	Hint string // nearest valid word, "" = none
	Warn bool
}

// Entry is one setting as the user wrote it.
type Entry struct {
	Name  string
	Value string
	Pos   Pos // of the key
	At    Pos // of the value
}

// Settings are entries in order of appearance; a later entry of the same name wins.
type Settings []Entry

// Get is the value of a name as written.
func (s Settings) Get(name string) (string, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].Name == name {
			return s[i].Value, true
		}
	}
	return "", false
}

// With is s with the entries of over added or replaced; s itself does not change.
func (s Settings) With(over Settings) Settings {
	out := make(Settings, 0, len(s)+len(over))
	for _, e := range s {
		if _, again := over.Get(e.Name); !again {
			out = append(out, e)
		}
	}
	return append(out, over...)
}

// CompareVersions orders versions by their numbers: 3.9 < 3.10 < 3.10.25. A missing number is 0.
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y int64
		x, a = versionHead(a)
		y, b = versionHead(b)
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

func versionHead(v string) (int64, string) {
	head, rest, _ := strings.Cut(v, ".")
	n, err := strconv.ParseInt(head, 10, 32)
	if err != nil {
		return 0, rest
	}
	return n, rest
}

// versionIn says whether v is in [since, until).
func versionIn(v, since, until string) bool {
	return (since == "" || CompareVersions(v, since) >= 0) && (until == "" || CompareVersions(v, until) < 0)
}

// FindVersion is the line that a version belongs to, and the full version that it stands for.
func (t *Table) FindVersion(written string) (line *VersionLine, full string, err error) {
	for i := range t.Versions {
		l := &t.Versions[i]
		if written == l.Name {
			return l, l.Last, nil
		}
		if strings.HasPrefix(written, l.Name+".") {
			if !isVersion(written) || CompareVersions(written, l.Last) > 0 {
				return nil, "", fmt.Errorf("%s %s is not known here; the line %s goes to %s", t.Model, written, l.Name, l.Last)
			}
			return l, written, nil
		}
	}
	var known []string
	for _, l := range t.Versions {
		known = append(known, l.Name)
	}
	return nil, "", fmt.Errorf("%s %s is not known here; versions: %s", t.Model, written, strings.Join(known, ", "))
}

func isVersion(v string) bool {
	for _, part := range strings.Split(v, ".") {
		if n, err := strconv.ParseInt(part, 10, 32); err != nil || n < 0 {
			return false
		}
	}
	return true
}

// Find is the setting of that name in a section, or nil.
func (t *Table) Find(s Section, name string) *Setting {
	list := t.Settings
	if s == Topology {
		list = t.Topology
	}
	for i := range list {
		if list[i].Section == s && list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// SectionsOf are the sections that know a setting of that name.
func (t *Table) SectionsOf(name string) []Section {
	var out []Section
	for s := Topology; s < NumSections; s++ {
		if t.Find(s, name) != nil {
			out = append(out, s)
		}
	}
	return out
}

// NamesIn are the settings of a section, in the table's order.
func (t *Table) NamesIn(s Section) []string {
	var out []string
	list := t.Settings
	if s == Topology {
		list = t.Topology
	}
	for i := range list {
		if list[i].Section == s {
			out = append(out, list[i].Name)
		}
	}
	return out
}

// FindQuirk is the quirk of that name, or nil.
func (t *Table) FindQuirk(name string) *Quirk {
	for i := range t.Quirks {
		if t.Quirks[i].Name == name {
			return &t.Quirks[i]
		}
	}
	return nil
}

// DefaultAt is the setting's default in a version; ok is false when it has none.
func (s *Setting) DefaultAt(version string) (value string, ok bool) {
	for _, d := range s.Defaults {
		if d.From == "" || CompareVersions(version, d.From) >= 0 {
			value = d.Value
		}
	}
	return value, value != ""
}

// In says whether a version has the setting; if not, why says when it came or went.
func (s *Setting) In(version string) (ok bool, why string) {
	switch {
	case s.Since != "" && CompareVersions(version, s.Since) < 0:
		return false, "came with " + s.Since
	case s.Until != "" && CompareVersions(version, s.Until) >= 0:
		return false, "went with " + s.Until
	}
	return true, ""
}
