package scenarios

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/models"
)

// Bounds of a workload. They are far above what a study needs and keep a typing error from asking
// for a year of computing.
const (
	maxStreams    = 2000
	maxPartitions = 2000
	maxClients    = 2000
	maxMessage    = 16 << 20
	minMessage    = 8 // a body begins with its message id
	maxRate       = 10_000_000_000
	defaultSize   = 1024
)

// short is the short form of a workload.
type shortForm struct {
	topics, partitions, producers, consumers int
	size                                     uint32
	rate                                     []models.RateStep
}

// workload reads the short form. With streams at the top level only messageSize is left to it.
func (d *decoder) workload(root *object) (shortForm, bool) {
	f := shortForm{topics: 1, partitions: 1, producers: 1, consumers: 1, size: defaultSize}
	o := d.object(root.field("workload"), "workload")
	if o == nil {
		return f, false
	}
	f.size = o.messageSize(f.size)
	f.topics = int(o.count("topics", 1, 1, maxStreams))
	f.partitions = int(o.count("partitionsPerTopic", 1, 1, maxPartitions))
	f.producers = int(o.count("producersPerTopic", 1, 0, maxClients))
	f.consumers = int(o.count("consumersPerTopic", 1, 0, maxClients))
	f.rate = o.rate("producerRate")
	if root.has("streams") {
		for _, key := range []string{"topics", "partitionsPerTopic", "producersPerTopic", "consumersPerTopic", "producerRate"} {
			if o.has(key) {
				o.fail(key, "has no effect: streams replaces the counts")
			}
		}
	} else if f.producers > 0 && !o.has("producerRate") {
		o.require("producerRate", "messages/s of all producers together, or max")
	}
	o.other = func(key string) string {
		if n := root.n.find(key); n != nil || key == "duration" || key == "warmup" {
			return key + " stands at the top level"
		}
		return ""
	}
	o.done()
	return f, true
}

func (o *object) messageSize(def uint32) uint32 {
	n := o.size("messageSize", int64(def))
	if n < minMessage || n > maxMessage {
		o.fail("messageSize", "must be between %dB and %dMiB", minMessage, maxMessage>>20)
		return def
	}
	return uint32(n)
}

// rate is a number of messages/s, max, or a schedule.
func (o *object) rate(key string) []models.RateStep {
	n := o.field(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != list {
		step, ok := o.d.rateStep(n, path)
		if !ok {
			return nil
		}
		return []models.RateStep{step}
	}
	var out []models.RateStep
	for i, item := range n.items {
		at := o.d.object(item, index(path, i))
		if at == nil {
			continue
		}
		at.require("from", "the time at which this rate begins")
		at.require("rate", "messages/s, or max")
		from := at.span("from", 0)
		if v := at.field("rate"); v != nil {
			if step, ok := o.d.rateStep(v, at.path+".rate"); ok {
				step.From = from
				if len(out) > 0 && from <= out[len(out)-1].From {
					at.fail("from", "must be after the step before it (%s)", out[len(out)-1].From)
				}
				out = append(out, step)
			}
		}
		at.done()
	}
	if len(n.items) == 0 {
		o.d.fail(n.at, path, "is an empty schedule")
	}
	if len(out) > 0 && out[0].From > 0 {
		out = append([]models.RateStep{{}}, out...) // silent until the first step
	}
	return out
}

func (d *decoder) rateStep(n *node, path string) (models.RateStep, bool) {
	if n = d.scalarOf(n, path, "messages/s (500) or max"); n == nil {
		return models.RateStep{}, false
	}
	if n.text == "max" {
		return models.RateStep{Max: true}, true
	}
	v, ok := models.ParseMilli(n.text)
	switch {
	case !ok || !n.plain:
		d.fail(n.at, path, "%s is no rate: write messages/s as a plain number (500), or max", quoted(n.text))
	case v < 0 || v > maxRate:
		d.fail(n.at, path, "must be between 0 and %d messages/s", maxRate/1000)
	default:
		return models.RateStep{Milli: v}, true
	}
	return models.RateStep{}, false
}

// expand writes the short form out: topic j gets its share of the rate, remainders spread.
func (f shortForm) expand(s *System) []models.Stream {
	out := make([]models.Stream, f.topics)
	for j := range out {
		st := models.Stream{Name: fmt.Sprintf("t%d", j), Partitions: f.partitions, MessageSize: f.size}
		if f.producers > 0 {
			g := s.producer
			g.Count = f.producers
			for _, step := range f.rate {
				n, i := int64(f.topics), int64(j)
				step.Milli = step.Milli*(i+1)/n - step.Milli*i/n
				g.Rate = append(g.Rate, step)
			}
			st.Producers = []models.ProducerGroup{g}
		}
		if f.consumers > 0 {
			g := s.consumer
			g.Count = f.consumers
			st.Consumers = []models.ConsumerGroup{g}
		}
		out[j] = st
	}
	return out
}

// streams gives every system its streams: its own, the scenario's, or the short form.
func (d *decoder) streams(root *object, systems []*System) {
	f, counts := d.workload(root)
	top := root.field("streams")
	for _, s := range systems {
		own, path := s.node.find("streams"), "systems."+s.Name+".streams"
		switch {
		case own != nil:
			s.Streams = d.streamList(own.value, path, s, f, nil)
		case top != nil:
			s.Streams = d.streamList(top, "streams", s, f, systems)
		case counts:
			s.Streams = f.expand(s)
		default:
			d.fail(root.n.at, "", "lacks workload: (or streams:): what is sent and who receives it")
			return
		}
		d.totals(s)
	}
}

func (d *decoder) totals(s *System) {
	parts, producers, consumers := 0, 0, 0
	for i := range s.Streams {
		parts += s.Streams[i].Partitions
	}
	producers, consumers = s.clients()
	switch {
	case parts > 5*maxPartitions:
		d.fail(s.Pos, "systems."+s.Name, "%d partitions or queues; at most %d", parts, 5*maxPartitions)
	case producers > 5*maxClients || consumers > 5*maxClients:
		d.fail(s.Pos, "systems."+s.Name, "%d producers and %d consumers; at most %d of each", producers, consumers, 5*maxClients)
	}
}

// streamList reads the long form for one system. others is set for streams that several systems
// share: what only another of them understands is not this one's concern.
func (d *decoder) streamList(n *node, path string, s *System, f shortForm, others []*System) []models.Stream {
	if n.kind != list {
		d.fail(n.at, path, "must be a list of streams (- name: ...), not %s", n.what())
		return nil
	}
	var out []models.Stream
	for i, item := range n.items {
		o := d.object(item, index(path, i))
		if o == nil {
			continue
		}
		st := d.stream(o, s, f, others)
		for _, prev := range out {
			if prev.Name == st.Name {
				o.fail("name", "%s is the name of another stream", quoted(st.Name))
			}
		}
		if st.Name == "" {
			st.Name = fmt.Sprintf("t%d", i)
		}
		out = append(out, st)
	}
	if len(n.items) > maxStreams {
		d.fail(n.at, path, "%d streams; at most %d", len(n.items), maxStreams)
	}
	if len(n.items) == 0 {
		d.fail(n.at, path, "is an empty list")
	}
	d.fanouts(out, n, path)
	return out
}

// fanouts checks that to: names streams.
func (d *decoder) fanouts(streams []models.Stream, n *node, path string) {
	var names []string
	for i := range streams {
		names = append(names, streams[i].Name)
	}
	for i := range streams {
		for j, g := range streams[i].Producers {
			for _, to := range g.To {
				where := fmt.Sprintf("%s[%d].producers[%d].to", path, i, j)
				if to == streams[i].Name {
					d.fail(g.Pos, where, "%s is the stream itself", quoted(to))
				} else if !contains(names, to) {
					d.failHint(g.Pos, where, models.Nearest(to, names), "there is no stream %s", quoted(to))
				}
			}
		}
	}
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

func (d *decoder) stream(o *object, s *System, f shortForm, others []*System) models.Stream {
	st := models.Stream{Name: o.name("name", ""), Pos: o.n.at}
	st.Partitions = int(o.count("partitions", 1, 1, maxPartitions))
	st.MessageSize = o.messageSize(f.size)
	st.Home = o.str("home", "")
	if st.Home != "" {
		d.host(s, st.Home, keyPos(o.n, "home"), o.path+".home")
	}
	st.Assignment = o.assignment("assignment")
	if len(st.Assignment) > 0 && len(st.Assignment) != st.Partitions {
		o.fail("assignment", "has %d entries for %d partitions", len(st.Assignment), st.Partitions)
	}
	for _, sec := range []models.Section{models.Topic, models.Queue, models.Policy} {
		set := d.streamSettings(o, sec, s, others)
		switch sec {
		case models.Topic:
			st.Topic = set
		case models.Queue:
			st.Queue = set
		case models.Policy:
			st.Policy = set
		}
	}
	if b := d.object(o.field("backlog"), o.path+".backlog"); b != nil {
		b.require("messages", "how many")
		st.Backlog = b.count("messages", 0, 1, 100_000_000)
		b.done()
	}
	for i, item := range o.items("producers") {
		if g := d.object(item, index(o.path+".producers", i)); g != nil {
			st.Producers = append(st.Producers, d.producer(g, s, others))
		}
	}
	for i, item := range o.items("consumers") {
		if g := d.object(item, index(o.path+".consumers", i)); g != nil {
			st.Consumers = append(st.Consumers, d.consumer(g, s, others))
		}
	}
	if !o.has("producers") && !o.has("consumers") {
		d.fail(o.n.at, o.path, "has neither producers nor consumers")
	}
	if st.Backlog > 0 && len(st.Producers) == 0 {
		o.fail("backlog", "needs producers: they send it")
	}
	o.done()
	return st
}

// streamSettings reads topic:, queue: or policy: of a stream and checks them against the table.
func (d *decoder) streamSettings(o *object, sec models.Section, s *System, others []*System) models.Settings {
	set := o.settings(sec.String(), sec == models.Queue)
	if len(set) == 0 {
		return nil
	}
	if !hasSection(s.Table, sec) {
		for _, other := range others {
			if hasSection(other.Table, sec) {
				return nil // meant for that one
			}
		}
		o.fail(sec.String(), "%s has no section %s", s.Model, sec)
		return nil
	}
	_, problems := s.Set.Check(sec, set, o.path+"."+sec.String())
	d.take("", problems)
	return set
}

func hasSection(t *models.Table, sec models.Section) bool {
	for _, x := range t.Sections {
		if x == sec {
			return true
		}
	}
	return false
}

// client reads the producer: or consumer: section of an entry: keys of the language into the
// group's defaults, settings of the manual as they stand.
func (d *decoder) client(n *node, path string, t *models.Table, sec models.Section, own func(*object)) models.Settings {
	o := d.object(n, path)
	if o == nil {
		return nil
	}
	own(o)
	var out models.Settings
	for _, e := range o.rest() {
		switch {
		case e.Name == "count" || e.Name == "rate" || e.Name == "to":
			d.fail(e.Pos, join(path, e.Name), "belongs to workload: or to the %ss of a stream", sec)
		case len(t.SectionsOf(e.Name)) == 0:
			words := append(append([]string{}, o.known...), t.NamesIn(sec)...)
			d.failHint(e.Pos, join(path, short(e.Name)), models.Nearest(e.Name, words), "neither a key of a %s nor a setting of %s", sec, t.Model)
		default:
			out = append(out, e) // the table knows what is wrong with it, if anything
		}
	}
	return out
}

// rest are the pairs that nobody asked for, as settings.
func (o *object) rest() models.Settings {
	if o.d.seen != nil {
		o.d.seen(o.path, o.known)
	}
	var out models.Settings
	for _, p := range o.n.pairs {
		if contains(o.known, p.key) || strings.HasPrefix(p.key, "x-") {
			continue
		}
		if e, ok := o.d.entry(p, join(o.path, short(p.key))); ok {
			out = append(out, e)
		}
	}
	return out
}

// manual checks the rest of a group's keys as settings of its section.
func (d *decoder) manual(o *object, sec models.Section, s *System, others []*System) models.Settings {
	var out models.Settings
	for _, e := range o.rest() {
		if s.Table.Find(sec, e.Name) == nil {
			if knownElsewhere(e.Name, sec, others) {
				continue
			}
			words := append(append([]string{}, o.known...), s.Table.NamesIn(sec)...)
			d.failHint(e.Pos, join(o.path, short(e.Name)), models.Nearest(e.Name, words), "neither a key of a %s nor a setting of %s", sec, s.Model)
			continue
		}
		out = append(out, e)
	}
	_, problems := s.Set.Check(sec, out, o.path)
	d.take("", problems)
	return out
}

func knownElsewhere(name string, sec models.Section, others []*System) bool {
	for _, other := range others {
		if other.Table.Find(sec, name) != nil {
			return true
		}
	}
	return false
}

func (d *decoder) producer(o *object, s *System, others []*System) models.ProducerGroup {
	g := s.producer
	g.Pos = o.n.at
	g.Count = int(o.count("count", 1, 1, maxClients))
	o.require("rate", "messages/s of these producers together, or max")
	g.Rate = o.rate("rate")
	g.To, _ = o.words("to")
	if others == nil {
		o.producerDefaults(&g, s.Model)
	} else {
		o.producerDefaults(&g, "rabbitmq") // shared with other models: a key of one is no mistake
	}
	if g.At != "" {
		d.host(s, g.At, keyPos(o.n, "at"), o.path+".at")
	}
	if len(g.To) > 0 && s.Model != "rabbitmq" && len(others) == 0 {
		o.fail("to", "fanout exchanges are RabbitMQ's")
	}
	g.Settings = d.manual(o, models.ProducerSection, s, others)
	return g
}

// producerDefaults reads the keys that may also stand in the producer: section of an entry.
func (o *object) producerDefaults(g *models.ProducerGroup, model string) {
	g.At = o.str("at", g.At)
	g.Stay = o.boolean("stay", g.Stay)
	g.Reconnect = o.span("reconnect", g.Reconnect)
	g.Arrivals = pick(o, "arrivals", g.Arrivals, "even", "poisson")
	g.MaxInFlight = int(o.count("maxInFlight", int64(g.MaxInFlight), 1, 1_000_000))
	g.Send = pick(o, "send", g.Send, "async", "sync", "oneway")
	g.Missed = pick(o, "missed", g.Missed, "late", "drop")
	g.Resend = pick(o, "resend", g.Resend, "never", "rejected", "unknown")
	g.Route = pick(o, "route", g.Route, "client", "each")
	g.Keys = int(o.count("keys", int64(g.Keys), 0, 1_000_000))
	g.Heartbeat = o.span("heartbeat", g.Heartbeat)
	g.Declare = o.word("declare", g.Declare, "once", "reconnect", "passive", "never")
	if model != "rabbitmq" {
		for _, key := range []string{"declare", "heartbeat"} {
			if o.has(key) {
				o.d.warn(o.at(key), join(o.path, key), "accepted, but only RabbitMQ has it")
			}
		}
	}
}

func pick[T ~uint8](o *object, key string, def T, words ...string) T {
	w := o.word(key, words[def], words...)
	for i := range words {
		if words[i] == w {
			return T(i)
		}
	}
	return def
}

func (d *decoder) consumer(o *object, s *System, others []*System) models.ConsumerGroup {
	g := s.consumer
	g.Pos = o.n.at
	g.Count = int(o.count("count", 1, 1, maxClients))
	o.consumerDefaults(&g)
	if g.At != "" {
		d.host(s, g.At, keyPos(o.n, "at"), o.path+".at")
	}
	g.Settings = d.manual(o, models.ConsumerSection, s, others)
	return g
}

// consumerDefaults reads the keys that may also stand in the consumer: section of an entry.
func (o *object) consumerDefaults(g *models.ConsumerGroup) {
	g.At = o.str("at", g.At)
	g.Stay = o.boolean("stay", g.Stay)
	g.Group = o.name("group", g.Group)
	g.Prefetch = int(o.count("prefetch", int64(g.Prefetch), 0, 65535))
	if n := o.field("start"); n != nil {
		if g.Drain = n.kind == scalar && n.text == "drain"; !g.Drain {
			g.Start = o.d.spanOf(n, o.path+".start", 0)
		} else {
			g.Start = 0
		}
	}
	g.Process = o.span("process", g.Process)
	g.FailPPM = o.share("fail", g.FailPPM)
	g.Ack = models.AckMode(pick(o, "ack", uint8(g.Ack), "after", "before", "auto"))
	g.Orderly = o.boolean("orderly", g.Orderly)
}
