package scenarios

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/verdict"
)

// System is one column of the report, with everything resolved.
type System struct {
	*models.System
	Table   *models.Table
	Set     *models.Resolved
	Streams []models.Stream
	Hosts   []string // servers, coordinators included
	Expect  []verdict.Expectation

	node     *node
	producer models.ProducerGroup // defaults of its clients
	consumer models.ConsumerGroup
}

// entries resolves like: for every entry of systems, in order of the file.
type entries struct {
	d     *decoder
	root  *node
	done  map[string]*node
	stack []string
}

// resolved is the entry with what it is like, recursively; nil after a problem.
func (e *entries) resolved(name string) *node {
	if n, ok := e.done[name]; ok {
		return n
	}
	own := e.root.get(name)
	path := "systems." + name
	if own != nil && own.null {
		own = &node{kind: mapping, at: own.at} // an entry of defaults only
	}
	if own == nil || own.kind != mapping {
		return nil
	}
	e.stack = append(e.stack, name)
	defer func() { e.stack = e.stack[:len(e.stack)-1] }()
	e.done[name] = own
	p := own.find("like")
	if p == nil {
		return own
	}
	ref := e.d.scalarOf(p.value, path+".like", "the name of another entry")
	if ref == nil {
		e.done[name] = nil
		return nil
	}
	var names []string
	for _, q := range e.root.pairs {
		if q.key != name && !strings.HasPrefix(q.key, "x-") {
			names = append(names, q.key)
		}
	}
	switch {
	case slices.Contains(e.stack, ref.text):
		e.d.fail(ref.at, path+".like", "goes in a circle: %s", strings.Join(append(e.stack, ref.text), " -> "))
		e.done[name] = nil
		return nil
	case e.root.get(ref.text) == nil:
		e.d.failHint(ref.at, path+".like", models.Nearest(ref.text, names), "there is no entry %s", quoted(ref.text))
		e.done[name] = nil
		return nil
	}
	base := e.resolved(ref.text)
	if base == nil {
		e.done[name] = nil
		return nil
	}
	merged := overlay(base, own)
	if base.get("model") == nil {
		// the key of the copied entry was its model
		merged.pairs = append(merged.pairs, pair{key: "model", at: ref.at, value: &node{text: ref.text, plain: true, at: ref.at}})
	}
	e.done[name] = merged
	return merged
}

// overlay is base with the keys of over: mappings are merged, everything else is replaced, and a
// key without a value takes the base's away.
func overlay(base, over *node) *node {
	out := &node{kind: mapping, at: over.at}
	for _, p := range base.pairs {
		q := over.find(p.key)
		switch {
		case p.key == "like" || q != nil && q.value.null:
		case q == nil:
			out.pairs = append(out.pairs, p)
		case p.value.kind == mapping && q.value.kind == mapping:
			out.pairs = append(out.pairs, pair{key: p.key, at: q.at, value: overlay(p.value, q.value)})
		default:
			out.pairs = append(out.pairs, *q)
		}
	}
	for _, q := range over.pairs {
		if base.find(q.key) == nil {
			out.pairs = append(out.pairs, q)
		}
	}
	return out
}

// systems reads the entries as far as no streams are needed.
func (d *decoder) systems(root *object, b boots) []*System {
	o := d.object(root.field("systems"), "systems")
	if o == nil {
		root.require("systems", "name at least one system (systems: {kafka: {version: \"3.9\", coordination: zookeeper}})")
		return nil
	}
	e := &entries{d: d, root: o.n, done: map[string]*node{}}
	var out []*System
	failed := map[string]bool{} // entries without a model; those like them are silent
	for _, p := range o.n.pairs {
		path := "systems." + short(p.key)
		switch {
		case strings.HasPrefix(p.key, "x-"):
			continue
		case !isName(p.key) || p.key == "all" || slices.Contains(topKeys, p.key):
			d.fail(p.at, path, "is no name for a system: letters, digits, - _ . and no word of the language")
			continue
		case !p.value.null && d.object(p.value, path) == nil:
			continue
		}
		n := e.resolved(p.key)
		if like := p.value.get("like"); n == nil || like != nil && failed[like.text] {
			failed[p.key] = true
			continue
		}
		if s := d.system(p, n, path, b); s != nil {
			out = append(out, s)
		} else {
			failed[p.key] = true
		}
	}
	if len(o.n.pairs) == 0 {
		d.fail(o.n.at, "systems", "names no system")
	}
	return out
}

// model finds the table of an entry; nil after a problem.
func (d *decoder) model(o *object, p pair) *models.Table {
	n := o.scalar("model", "one of "+strings.Join(modelNames, ", "))
	word, at, path := p.key, p.at, o.path
	if n != nil {
		word, at, path = n.text, n.at, o.path+".model"
	} else if o.has("model") {
		return nil
	}
	if t := tableOf(word); t != nil {
		return t
	}
	switch {
	case slices.Contains(modelNames, word):
		d.fail(at, path, "model %s is not built yet", word)
	case n == nil:
		d.failHint(at, path, models.Nearest(word, modelNames), "%s is no model; write model: %s", quoted(word), strings.Join(modelNames, ", "))
	default:
		d.failHint(at, path, models.Nearest(word, modelNames), "%s is none of %s", quoted(word), strings.Join(modelNames, ", "))
	}
	return nil
}

// system reads one entry.
func (d *decoder) system(p pair, n *node, path string, b boots) *System {
	o := d.object(n, path)
	o.field("like")
	t := d.model(o, p)
	if t == nil {
		return nil
	}
	s := &System{System: &models.System{Name: p.key, Model: t.Model, Pos: p.at}, Table: t, node: n}
	s.Version = t.Default
	versionAt := p.at
	if v := o.scalar("version", "a version (\""+t.Default+"\")"); v != nil {
		s.Version, versionAt = v.text, v.at
	}
	for _, sec := range t.Sections {
		switch sec {
		case models.ProducerSection:
			s.producer = defaultProducer
			s.Sections[sec] = d.client(o.field("producer"), path+".producer", t, sec, func(c *object) { c.producerDefaults(&s.producer, t.Model) })
		case models.ConsumerSection:
			s.consumer = defaultConsumer
			s.Sections[sec] = d.client(o.field("consumer"), path+".consumer", t, sec, func(c *object) { c.consumerDefaults(&s.consumer) })
		default:
			s.Sections[sec] = o.settings(sec.String(), sec == models.Queue)
		}
	}
	for i := range t.Topology {
		name := t.Topology[i].Name
		o.known = append(o.known, name)
		if q := n.find(name); q != nil {
			if e, ok := d.entry(*q, join(path, name)); ok {
				s.Sections[models.Topology] = append(s.Sections[models.Topology], e)
			}
		}
	}
	d.placement(o, s, b)
	o.other = func(key string) string {
		for sec := models.Broker; sec < models.NumSections; sec++ {
			if sec.String() == key {
				return t.Model + " has no section " + key
			}
		}
		if in := t.SectionsOf(key); len(in) > 0 {
			return "this is a setting: it belongs to " + models.SectionWords(in)
		}
		return ""
	}
	d.entryStreams(o)
	o.done()
	return d.resolve(s, path, versionAt)
}

// entryStreams only marks the key as known; streams are read when all systems are there.
func (d *decoder) entryStreams(o *object) { o.known = append(o.known, "streams") }

// placement reads hosts, quirks, boot, home, assignment and controller.
func (d *decoder) placement(o *object, s *System, b boots) {
	if hosts := d.object(o.field("hosts"), o.path+".hosts"); hosts != nil {
		for _, h := range hosts.n.pairs {
			if strings.HasPrefix(h.key, "x-") {
				continue
			}
			s.System.Hosts = append(s.System.Hosts, models.HostOverride{Host: h.key, Pos: h.at,
				Settings: d.settingsOf(h.value, join(hosts.path, short(h.key)), false)})
		}
	}
	words, nodes := o.words("quirks")
	for i, w := range words {
		name, off := strings.CutPrefix(w, "-")
		s.Quirks = append(s.Quirks, models.QuirkSwitch{Name: name, On: !off, Pos: nodes[i].at})
	}
	s.Boot, s.OSBoot = b.of(s.Model), b.os
	if n := o.field("boot"); n != nil {
		if r, ok := d.rangeOf(n, o.path+".boot"); ok {
			s.Boot = r
		}
	}
	if n := o.field("home"); n != nil && n.kind == scalar {
		s.Homes = []string{n.text}
	} else if n != nil {
		s.Homes, _ = o.words("home")
	}
	s.Assignment = o.assignment("assignment")
	s.Controller = o.str("controller", "")
}

// assignment is a list of lists of broker numbers, one for each partition.
func (o *object) assignment(key string) [][]int {
	var out [][]int
	for i, item := range o.items(key) {
		path := index(join(o.path, key), i)
		if item.kind != list {
			o.d.fail(item.at, path, "must be a list of broker numbers ([1, 2, 3]), not %s", item.what())
			continue
		}
		ids := []int{}
		for j, n := range item.items {
			ids = append(ids, int(o.d.countOf(n, index(path, j), 1, 0, 1000)))
		}
		out = append(out, ids)
	}
	return out
}

// resolve applies the table and checks names of hosts.
func (d *decoder) resolve(s *System, path string, versionAt models.Pos) *System {
	set, problems := models.Resolve(s.Table, s.System)
	for i := range problems {
		if problems[i].Path == "version" {
			problems[i].Pos = versionAt
		}
	}
	d.take(path, problems)
	if set == nil {
		return nil
	}
	s.Set, s.Hosts = set, s.Table.Hosts(set)
	for _, h := range s.System.Hosts {
		d.host(s, h.Host, h.Pos, path+".hosts."+short(h.Host))
	}
	if s.Controller != "" {
		d.host(s, s.Controller, keyPos(s.node, "controller"), path+".controller")
	}
	for _, h := range s.Homes {
		d.host(s, h, keyPos(s.node, "home"), path+".home")
	}
	if s.producer.At != "" {
		d.host(s, s.producer.At, keyPos(s.node.get("producer"), "at"), path+".producer.at")
	}
	if s.consumer.At != "" {
		d.host(s, s.consumer.At, keyPos(s.node.get("consumer"), "at"), path+".consumer.at")
	}
	return s
}

// keyPos is the place of the value of a key.
func keyPos(n *node, key string) models.Pos {
	if v := n.get(key); v != nil {
		return v.at
	}
	if n != nil {
		return n.at
	}
	return models.Pos{}
}

// host checks that a system has a host of that name.
func (d *decoder) host(s *System, name string, at models.Pos, path string) bool {
	if slices.Contains(s.Hosts, name) {
		return true
	}
	d.failHint(at, path, models.Nearest(name, s.Hosts), "%s has no host %s", s.Name, quoted(name))
	return false
}

// clients is the number of producers and consumers of the system.
func (s *System) clients() (producers, consumers int) {
	for i := range s.Streams {
		for _, g := range s.Streams[i].Producers {
			producers += g.Count
		}
		for _, g := range s.Streams[i].Consumers {
			consumers += g.Count
		}
	}
	return producers, consumers
}

// isClient says whether name is producer-N or consumer-N, and whether the system has it.
func (s *System) isClient(name string) (is, has bool) {
	p, c := s.clients()
	for _, k := range []struct {
		prefix string
		n      int
	}{{"producer-", p}, {"consumer-", c}} {
		if num, ok := strings.CutPrefix(name, k.prefix); ok {
			i, err := strconv.Atoi(num)
			if err != nil || i < 0 || strconv.Itoa(i) != num {
				return false, false
			}
			return true, i < k.n
		}
	}
	return false, false
}

// defaults of clients, as the language gives them.
var (
	defaultProducer = models.ProducerGroup{Count: 1, Reconnect: 200 * sim.Millisecond, MaxInFlight: 1000, Declare: "once"}
	defaultConsumer = models.ConsumerGroup{Count: 1, Reconnect: 200 * sim.Millisecond, Group: "g", Prefetch: -1}
)
