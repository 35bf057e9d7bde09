package scenarios

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
)

// Set changes one key, as --set PATH=VALUE does, and validates the scenario again. PATH is a key
// (seed), KEY.KEY (workload.producerRate, network.latency), SYSTEM.KEY (kafka.brokers),
// SYSTEM.SECTION.SETTING with all the rest as the setting's name (kafka.topic.min.insync.replicas),
// SYSTEM.hosts.HOST.SETTING, or faults.NAME.KEY. SYSTEM may be *: every system that knows the key.
// An entry that is like another one follows what is set there, as it would follow its file.
//
// The error is nil or Problems; after an error the scenario is as it was.
func (s *Scenario) Set(path, value string) error {
	src := len(s.sources)
	sources := append(slices.Clone(s.sources), newSource("--set", []byte(path+"="+value)))
	at := models.Pos{Src: src, Line: 1, Col: 1}
	var found Problems
	fail := func(at models.Pos, _, text string) {
		found = append(found, place(sources, at, path, "", text))
	}
	if strings.TrimSpace(value) == "" {
		fail(at, "", "has no value; write PATH=VALUE")
		return found
	}
	tree := parseYAML(src, []byte(value), fail)
	if tree == nil {
		return sorted(found)
	}
	tree.shift(len([]rune(path)) + 1)
	routes, hint, text := s.routes(path)
	if text != "" {
		return Problems{place(sources, at, path, hint, text)}
	}
	next := &Scenario{File: s.File, sources: sources, root: s.root}
	for _, keys := range routes {
		root, bad := next.root.with(keys, tree, at)
		if bad != "" {
			return Problems{place(sources, at, path, "", bad)}
		}
		next.root = root
	}
	d := &decoder{sources: sources}
	next.decode(d)
	if len(d.problems) > 0 {
		return sorted(d.problems)
	}
	*s = *next
	return nil
}

// shift moves the first line of a value behind PATH=.
func (n *node) shift(by int) {
	move := func(at *models.Pos) {
		if at.Line == 1 {
			at.Col += by
		}
	}
	move(&n.at)
	for _, c := range n.items {
		c.shift(by)
	}
	for i := range n.pairs {
		move(&n.pairs[i].at)
		n.pairs[i].value.shift(by)
	}
}

// routes turns a path into keys of the tree; several where * stands for systems.
func (s *Scenario) routes(path string) (routes [][]string, hint, problem string) {
	head, rest, deeper := strings.Cut(path, ".")
	if head == "systems" && deeper {
		path = rest
		head, rest, deeper = strings.Cut(path, ".")
	} else if contains(topKeys, head) {
		switch {
		case head == "faults" || head == "operations" || head == "setup":
			return s.entryRoute(head, rest)
		case deeper:
			return [][]string{{head, rest}}, "", ""
		}
		return [][]string{{head}}, "", ""
	}
	if head == "*" && deeper {
		return s.everySystem(rest)
	}
	for _, sys := range s.Systems { // names may contain dots: the longest that fits
		if after, ok := strings.CutPrefix(path, sys.Name+"."); ok && len(sys.Name) > len(head) {
			head, rest, deeper = sys.Name, after, true
		}
	}
	if s.System(head) == nil {
		words := slices.Clone(topKeys)
		for _, sys := range s.Systems {
			words = append(words, sys.Name)
		}
		return nil, models.Nearest(head, words), quoted(head) + " is neither a system nor a key of the scenario"
	}
	if !deeper {
		return nil, "", "names a whole system; write SYSTEM.KEY or SYSTEM.SECTION.SETTING"
	}
	return [][]string{append([]string{"systems", head}, entryKeys(rest)...)}, "", ""
}

// entryKeys splits what follows a system's name: after a section all the rest is one setting.
func entryKeys(rest string) []string {
	head, tail, deeper := strings.Cut(rest, ".")
	if !deeper {
		return []string{head}
	}
	if head == "hosts" {
		if host, setting, ok := strings.Cut(tail, "."); ok {
			return []string{head, host, setting}
		}
	}
	return []string{head, tail}
}

// everySystem sets a key in every system that knows it.
func (s *Scenario) everySystem(rest string) (routes [][]string, hint, problem string) {
	keys := entryKeys(rest)
	for _, sys := range s.Systems {
		sec, isSection := models.SectionNamed(keys[0])
		known := true
		switch {
		case len(keys) == 2 && isSection:
			known = sys.Table.Find(sec, keys[1]) != nil || len(s.Systems) == 1
		case len(keys) == 1:
			known = sys.Table.Find(models.Topology, keys[0]) != nil || contains([]string{"version", "boot", "home", "controller", "quirks"}, keys[0])
		}
		if known {
			routes = append(routes, append([]string{"systems", sys.Name}, keys...))
		}
	}
	if len(routes) == 0 {
		var words []string
		for _, sys := range s.Systems {
			for sec := models.Topology; sec < models.NumSections; sec++ {
				words = append(words, sys.Table.NamesIn(sec)...)
			}
		}
		return nil, models.Nearest(keys[len(keys)-1], words), "no system knows " + quoted(rest)
	}
	return routes, "", ""
}

// entryRoute finds a fault or an operation by its name.
func (s *Scenario) entryRoute(list, rest string) (routes [][]string, hint, problem string) {
	var names []string
	if n := s.root.get(list); n != nil {
		for _, item := range n.items {
			name := item.get("name")
			if name == nil {
				continue
			}
			names = append(names, name.text)
			if key, ok := strings.CutPrefix(rest, name.text+"."); ok {
				return [][]string{{list, name.text, key}}, "", ""
			}
		}
	}
	head, _, _ := strings.Cut(rest, ".")
	return nil, models.Nearest(head, names), "there is no entry " + quoted(head) + " with that name; write " + list + ".NAME.KEY"
}

// with is a copy of the tree with one value replaced; the old tree stays as it is.
func (n *node) with(keys []string, value *node, at models.Pos) (*node, string) {
	if len(keys) == 0 {
		return value, ""
	}
	if n.null {
		n = &node{kind: mapping, at: n.at}
	}
	out := *n
	switch n.kind {
	case list:
		out.items = slices.Clone(n.items)
		for i, item := range out.items {
			if name := item.get("name"); name != nil && name.text == keys[0] {
				changed, bad := item.with(keys[1:], value, at)
				out.items[i] = changed
				return &out, bad
			}
		}
		return nil, "is inside of a list; edit the file"
	case scalar:
		return nil, "is below a single value"
	}
	out.pairs = slices.Clone(n.pairs)
	for i, p := range out.pairs {
		if p.key == keys[0] {
			changed, bad := p.value.with(keys[1:], value, at)
			out.pairs[i].value = changed
			if len(keys) == 1 {
				out.pairs[i].at = at
			}
			return &out, bad
		}
	}
	below := &node{kind: mapping, at: at}
	changed, bad := below.with(keys[1:], value, at)
	out.pairs = append(out.pairs, pair{key: keys[0], at: at, value: changed})
	return &out, bad
}
