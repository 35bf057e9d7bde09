// Package faults is the catalogue of what can happen to a world, and the injector that replays a
// schedule of it. This file is the typed form of a schedule; the loader fills it.
package faults

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Spec is one entry of faults.
type Spec struct {
	Name      string
	Action    string
	At        sim.Range // drawn from the seed; meaningless with When
	When      *When
	Duration  sim.Time // 0: never undone before the heal (or at once, where an action has no span)
	Every     sim.Time // 0: once
	Times     int      // with Every; 0 = until the end of the load
	Selector  Selector
	Mode      Mode
	Value     int      // with Mode Fixed
	Stagger   sim.Time // one target after the other, undone likewise
	Systems   []string // nil = every system
	Optional  bool     // a selector that matches nobody is no error
	Permanent bool     // not undone by the heal
	Boot      *sim.Range
	Pos       models.Pos

	Process string // kill, stop, pause: "server", or the model's word; ProcessArg for queue(q)
	ProcArg string
	Crash   string // power-loss: typical, none, all, prefix, pages

	Between   []Selector   // two sides
	Groups    [][]Selector // partition: servers of different groups are cut
	Shape     string       // halves, bridge, ring
	Direction string       // both, to, from
	Port      string       // all, client, replication, coordination, metadata
	Style     string       // drop, reset
	Clients   string       // reach-all, majority, list
	ClientSet []string     // with list

	Latency sim.Time
	Jitter  sim.Time
	PPM     int64 // loss, disk-error: share in millionths; clock-drift: parts per million
	Rate    int64 // bandwidth, bytes per second

	Ops    []string // read, write, sync
	Path   string   // glob
	Factor int64    // thousandths
	Error  string
	Fill   int64 // disk-full, memory: share in millionths, -1 = unset
	Free   int64 // bytes, -1 = unset
	What   string
	Offset int64 // -1 = random
	Bytes  int64
	Disk   int
	By     sim.Time // clock-jump
}

// Concerns says whether the entry is for a system.
func (s *Spec) Concerns(system string) bool { return listed(s.Systems, system) }

func listed(list []string, name string) bool {
	for _, s := range list {
		if s == name {
			return true
		}
	}
	return len(list) == 0
}

// When starts an entry at an event instead of a time.
type When struct {
	Event     string
	Host      string // "" = any
	Partition string
	Nth       int // from 1
	Delay     sim.Time
	After     string // name of a fault that must have started
}

// Mode picks among the hosts that a selector matches.
type Mode uint8

// Modes of a selector. One, the default, is what the selector names: each host by its name, the
// first match of each role, every member of brokers and all. All takes every match of a role; the
// others draw some of these.
const (
	One Mode = iota
	All
	Fixed
	Random
	Minority
	Majority
)

var modeWords = []string{"one", "all", "fixed", "random", "minority", "majority"}

func (m Mode) String() string { return modeWords[m] }

// Modes are the words of Mode, in order of value.
func Modes() []string { return modeWords }

// Operation is one entry of operations or setup.
type Operation struct {
	Name     string // op-1, op-2 ... (setup-1 ...) unless named
	Do       string
	At       sim.Range
	When     *When
	Setup    bool // an entry of setup: no time, in order, before t = 0
	Selector Selector
	Mode     Mode
	Systems  []string
	MustFail bool // must: fail
	Pos      models.Pos

	Order    []string // start, stop, restart: one after the other
	Wait     string   // ready, synced, in-sync, none
	Pause    sim.Time
	Settings models.Settings
	For      sim.Time // wait
	Until    string
	Target   string // name: of the policy that set-policy and clear-policy mean
	Pattern  string
	// Definition holds the keys of set-policy and set-config.
	Definition models.Settings
	Role       string // promote-slave
	Took       sim.Time
	Group      string
	Partition  string
	To         []string
	Queue      string
	Node       string
	Rate       []models.RateStep // set-rate; From is 0
}

// Concerns says whether the entry is for a system.
func (o *Operation) Concerns(system string) bool { return listed(o.Systems, system) }

// Selector names hosts by role or by name. The zero Selector selects nothing.
type Selector struct {
	Text  string // as written
	Terms []Term // joined by +
}

// Term is one member of a selector: a word with its argument, or not(selector).
type Term struct {
	Word string // primary, broker-1, all ...
	Arg  string // t0-2
	Not  *Selector
}

// Empty says whether nothing was written.
func (s Selector) Empty() bool { return len(s.Terms) == 0 }

func (s Selector) String() string { return s.Text }

// Words visits every word of the selector, those inside not() as well.
func (s Selector) Words(visit func(Term)) {
	for _, t := range s.Terms {
		if t.Not != nil {
			t.Not.Words(visit)
			continue
		}
		visit(t)
	}
}

// ParseSelector reads TERM + TERM ..., TERM being WORD, WORD(ARG) or not(SELECTOR). It knows no
// names: whether somebody answers to them is the caller's question.
func ParseSelector(text string) (Selector, error) {
	sel, err := parseSelector(text, 0)
	sel.Text = strings.TrimSpace(text)
	return sel, err
}

const maxSelectorDepth = 8

func parseSelector(text string, depth int) (Selector, error) {
	if depth > maxSelectorDepth {
		return Selector{}, fmt.Errorf("not( is nested more than %d deep", maxSelectorDepth)
	}
	parts, err := splitTerms(text)
	if err != nil {
		return Selector{}, err
	}
	sel := Selector{Text: strings.TrimSpace(text)}
	for _, part := range parts {
		part = strings.TrimSpace(part)
		word, arg, hasArg := strings.Cut(part, "(")
		word = strings.TrimSpace(word)
		if word == "" {
			return Selector{}, fmt.Errorf("%q names nobody; write a role (primary), a host (broker-1) or a sum (primary+replica)", text)
		}
		if i := strings.IndexFunc(word, notNameRune); i >= 0 {
			return Selector{}, fmt.Errorf("%q cannot be part of a selector", word[i:])
		}
		arg = strings.TrimSpace(strings.TrimSuffix(arg, ")"))
		if hasArg && arg == "" {
			return Selector{}, fmt.Errorf("%s() needs a name between the brackets", word)
		}
		if word == "not" {
			if !hasArg {
				return Selector{}, fmt.Errorf("not needs a selector: not(primary)")
			}
			inner, err := parseSelector(arg, depth+1)
			if err != nil {
				return Selector{}, err
			}
			sel.Terms = append(sel.Terms, Term{Not: &inner})
			continue
		}
		sel.Terms = append(sel.Terms, Term{Word: word, Arg: arg})
	}
	return sel, nil
}

func notNameRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}

// splitTerms cuts at + outside of brackets and checks that brackets close and end their term.
func splitTerms(text string) ([]string, error) {
	var out []string
	depth, start := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth < 0 {
				return nil, fmt.Errorf("%q has a ) too many", text)
			}
			if rest := strings.TrimSpace(text[i+1:]); depth == 0 && rest != "" && rest[0] != '+' {
				return nil, fmt.Errorf("%q: after ) only + may follow", text)
			}
		case r == '+' && depth == 0:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	if depth > 0 {
		return nil, fmt.Errorf("%q lacks a )", text)
	}
	return append(out, text[start:]), nil
}
