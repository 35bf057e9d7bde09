package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
)

// decoder gathers problems while the tree is read; nothing stops at the first.
type decoder struct {
	sources  []source
	problems Problems
	warnings Problems
	seen     func(path string, keys []string) // tells a test which keys each mapping may have; else nil
}

func (d *decoder) fail(at models.Pos, path, format string, args ...any) {
	d.problems = append(d.problems, place(d.sources, at, path, "", fmt.Sprintf(format, args...)))
}

func (d *decoder) failHint(at models.Pos, path, hint, format string, args ...any) {
	d.problems = append(d.problems, place(d.sources, at, path, hint, fmt.Sprintf(format, args...)))
}

func (d *decoder) warn(at models.Pos, path, format string, args ...any) {
	d.warnings = append(d.warnings, place(d.sources, at, path, "", fmt.Sprintf(format, args...)))
}

// take moves problems of a model's table to the decoder.
func (d *decoder) take(prefix string, ps []models.Problem) {
	for _, p := range ps {
		made := place(d.sources, p.Pos, join(prefix, p.Path), p.Hint, p.Text)
		if p.Warn {
			d.warnings = append(d.warnings, made)
		} else {
			d.problems = append(d.problems, made)
		}
	}
}

func join(path, key string) string {
	switch {
	case path == "":
		return key
	case key == "":
		return path
	}
	return path + "." + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// what a node is, for messages.
func (n *node) what() string {
	switch {
	case n.kind == list:
		return "a list"
	case n.kind == mapping:
		return "a mapping"
	case n.null:
		return "nothing"
	}
	return quoted(n.text)
}

// object is a mapping that is being read. Every key that was asked for is known; done reports the rest.
type object struct {
	d     *decoder
	n     *node
	path  string
	known []string
	// other words an unknown key that is right somewhere else; "" = no idea
	other func(key string) string
}

// object says nil, after a problem, if n is no mapping.
func (d *decoder) object(n *node, path string) *object {
	if n == nil {
		return nil
	}
	if n.kind != mapping {
		d.fail(n.at, path, "must be a mapping (key: value), not %s", n.what())
		return nil
	}
	return &object{d: d, n: n, path: path}
}

// field is the value of a key, nil if it is not there or has none.
func (o *object) field(key string) *node {
	o.known = append(o.known, key)
	p := o.n.find(key)
	if p == nil {
		return nil
	}
	if p.value.null {
		o.d.fail(p.at, join(o.path, key), "has no value")
		return nil
	}
	return p.value
}

// at is the place of a key, or of the mapping.
func (o *object) at(key string) models.Pos {
	if p := o.n.find(key); p != nil {
		return p.at
	}
	return o.n.at
}

func (o *object) has(key string) bool { return o.n.find(key) != nil }

func (o *object) fail(key, format string, args ...any) {
	o.d.fail(o.at(key), join(o.path, key), format, args...)
}

// require reports a key that must be there.
func (o *object) require(key, why string) {
	if !o.has(key) {
		o.d.fail(o.n.at, o.path, "lacks %s: %s", key, why)
	}
}

// done reports keys that nobody asked for. x-* keys are the user's own.
func (o *object) done() {
	if o.d.seen != nil {
		o.d.seen(o.path, o.known)
	}
	for _, p := range o.n.pairs {
		if strings.HasPrefix(p.key, "x-") || slices.Contains(o.known, p.key) {
			continue
		}
		path := join(o.path, short(p.key))
		if o.other != nil {
			if text := o.other(p.key); text != "" {
				o.d.fail(p.at, path, "%s", text)
				continue
			}
		}
		o.d.failHint(p.at, path, models.Nearest(p.key, o.known), "unknown key")
	}
}

// short keeps a key of the user's readable inside of a path.
func short(key string) string {
	if r := []rune(key); len(r) > 60 || strings.ContainsAny(key, "\n\r\t") {
		return quoted(key)
	}
	return key
}

// items is a list; a single value where allowed stands for a list of one.
func (o *object) items(key string) []*node {
	n := o.field(key)
	if n == nil {
		return nil
	}
	if n.kind != list {
		o.d.fail(n.at, join(o.path, key), "must be a list, not %s", n.what())
		return nil
	}
	return n.items
}

// scalar is a value that is neither list nor mapping.
func (o *object) scalar(key, want string) *node {
	n := o.field(key)
	if n == nil {
		return nil
	}
	return o.d.scalarOf(n, join(o.path, key), want)
}

func (d *decoder) scalarOf(n *node, path, want string) *node {
	if n.kind != scalar || n.null {
		d.fail(n.at, path, "must be %s, not %s", want, n.what())
		return nil
	}
	return n
}

func (o *object) str(key, def string) string {
	n := o.scalar(key, "a text")
	if n == nil {
		return def
	}
	return n.text
}

// name is a text that can stand in selectors, expectations and reports.
func (o *object) name(key, def string) string {
	n := o.scalar(key, "a name")
	if n == nil {
		return def
	}
	if !isName(n.text) {
		o.d.fail(n.at, join(o.path, key), "%s is not a name: letters, digits, - _ . and at most 60 of them, a letter or digit first", quoted(n.text))
		return def
	}
	return n.text
}

func isName(s string) bool {
	if s == "" || len(s) > 60 || s[0] == '-' || s[0] == '.' || s[0] == '_' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

func (o *object) boolean(key string, def bool) bool {
	n := o.scalar(key, "true or false")
	if n == nil {
		return def
	}
	switch {
	case n.plain && (n.text == "true" || n.text == "True" || n.text == "TRUE"):
		return true
	case n.plain && (n.text == "false" || n.text == "False" || n.text == "FALSE"):
		return false
	}
	o.d.fail(n.at, join(o.path, key), "must be true or false, not %s", quoted(n.text))
	return def
}

// count is a whole number without a unit.
func (o *object) count(key string, def, least, most int64) int64 {
	n := o.scalar(key, "a whole number")
	if n == nil {
		return def
	}
	return o.d.countOf(n, join(o.path, key), def, least, most)
}

func (d *decoder) countOf(n *node, path string, def, least, most int64) int64 {
	if n = d.scalarOf(n, path, "a whole number"); n == nil {
		return def
	}
	v, err := strconv.ParseInt(n.text, 10, 64)
	switch {
	case err != nil:
		d.fail(n.at, path, "must be a whole number, not %s", quoted(n.text))
	case !n.plain:
		d.fail(n.at, path, "must be a number, not text: write %d without quotes", v)
	case v < least:
		d.fail(n.at, path, "must be at least %d, not %d", least, v)
	case v > most:
		d.fail(n.at, path, "must be at most %d, not %d", most, v)
	default:
		return v
	}
	return def
}

// span is a duration of at least 0.
func (o *object) span(key string, def sim.Time) sim.Time {
	n := o.scalar(key, "a duration (500ms, 10s, 2m)")
	if n == nil {
		return def
	}
	return o.d.spanOf(n, join(o.path, key), def)
}

func (d *decoder) spanOf(n *node, path string, def sim.Time) sim.Time {
	t, ok := d.signedSpan(n, path)
	switch {
	case !ok:
		return def
	case t < 0:
		d.fail(n.at, path, "must not be negative: %s", quoted(n.text))
		return def
	}
	return t
}

func (d *decoder) signedSpan(n *node, path string) (sim.Time, bool) {
	if n = d.scalarOf(n, path, "a duration (500ms, 10s, 2m)"); n == nil {
		return 0, false
	}
	t, err := models.ParseSpan(n.text)
	if err != nil && n.text != "0" { // nought is nought in every unit
		d.fail(n.at, path, "%s", clip(err))
		return 0, false
	}
	return t, true
}

// positive is a duration above 0.
func (o *object) positive(key string, def sim.Time) sim.Time {
	t := o.span(key, def)
	if t == 0 && o.has(key) && def != 0 {
		o.fail(key, "must be longer than 0s")
		return def
	}
	return t
}

// clip shortens messages that quote the user's text.
func clip(err error) string {
	r := []rune(err.Error())
	if len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return string(r)
}

// rangeOf is a time or LOW..HIGH.
func (d *decoder) rangeOf(n *node, path string) (sim.Range, bool) {
	if n = d.scalarOf(n, path, "a time or a range (10s..12s)"); n == nil {
		return sim.Range{}, false
	}
	low, high, isRange := strings.Cut(n.text, "..")
	if !isRange {
		t := d.spanOf(n, path, -1)
		return sim.Range{Min: t, Max: t}, t >= 0
	}
	a, err := models.ParseSpan(strings.TrimSpace(low))
	b, err2 := models.ParseSpan(strings.TrimSpace(high))
	if err == nil {
		err = err2
	}
	switch {
	case err != nil:
		d.fail(n.at, path, "%s", clip(err))
	case a < 0:
		d.fail(n.at, path, "must not be negative: %s", quoted(n.text))
	case a > b:
		d.fail(n.at, path, "the range ends before it begins: %s", quoted(n.text))
	default:
		return sim.Range{Min: a, Max: b}, true
	}
	return sim.Range{}, false
}

func (o *object) size(key string, def int64) int64 {
	return unit(o, key, "a size (256B, 1KiB, 16MB)", def, models.ParseSize)
}

func (o *object) bandwidth(key string, def int64) int64 {
	return unit(o, key, "a bandwidth (16MB, 10Gbit)", def, models.ParseBandwidth)
}

func (o *object) share(key string, def int64) int64 {
	return unit(o, key, "a share (25%)", def, models.ParseShare)
}

func unit(o *object, key, want string, def int64, parse func(string) (int64, error)) int64 {
	n := o.scalar(key, want)
	if n == nil {
		return def
	}
	v, err := parse(n.text)
	if err != nil {
		o.d.fail(n.at, join(o.path, key), "%s", clip(err))
		return def
	}
	return v
}

// word is one of a few.
func (o *object) word(key, def string, words ...string) string {
	n := o.scalar(key, "one of "+strings.Join(words, ", "))
	if n == nil {
		return def
	}
	return o.d.wordOf(n, join(o.path, key), def, words)
}

func (d *decoder) wordOf(n *node, path, def string, words []string) string {
	if n = d.scalarOf(n, path, "one of "+strings.Join(words, ", ")); n == nil {
		return def
	}
	if slices.Contains(words, n.text) {
		return n.text
	}
	d.failHint(n.at, path, models.Nearest(n.text, words), "%s is none of %s", quoted(n.text), strings.Join(words, ", "))
	return def
}

// words is a list of scalars, each checked by the caller.
func (o *object) words(key string) (texts []string, nodes []*node) {
	for i, n := range o.items(key) {
		if n = o.d.scalarOf(n, index(join(o.path, key), i), "a text"); n != nil {
			texts, nodes = append(texts, n.text), append(nodes, n)
		}
	}
	return texts, nodes
}

// text is a sentence: plain English, or {en: ..., zh: ...}.
func (o *object) text(key string) result.Text {
	n := o.field(key)
	if n == nil {
		return result.Text{}
	}
	if n.kind == scalar {
		return result.Text{En: n.text}
	}
	both := o.d.object(n, join(o.path, key))
	if both == nil {
		return result.Text{}
	}
	out := result.Text{En: both.str("en", ""), Zh: both.str("zh", "")}
	both.done()
	return out
}

// settings reads the settings of a section as they stand; the model's table judges them later. A
// list is joined by commas, as the manuals write lists.
func (o *object) settings(key string, args bool) models.Settings {
	n := o.field(key)
	if n == nil {
		return nil
	}
	return o.d.settingsOf(n, join(o.path, key), args)
}

// settingsOf: args says that x-* names are settings (arguments of RabbitMQ queues), not comments.
func (d *decoder) settingsOf(n *node, path string, args bool) models.Settings {
	if n.kind != mapping {
		d.fail(n.at, path, "must be a mapping (setting: value), not %s", n.what())
		return nil
	}
	var out models.Settings
	for _, p := range n.pairs {
		if strings.HasPrefix(p.key, "x-") && !args {
			continue
		}
		if e, ok := d.entry(p, join(path, short(p.key))); ok {
			out = append(out, e)
		}
	}
	return out
}

func (d *decoder) entry(p pair, path string) (models.Entry, bool) {
	e := models.Entry{Name: p.key, Pos: p.at, At: p.value.at}
	switch {
	case p.value.null:
		d.fail(p.at, path, "has no value")
		return e, false
	case p.value.kind == mapping:
		d.fail(p.value.at, path, "must be a value, not a mapping")
		return e, false
	case p.value.kind == list:
		var parts []string
		for _, item := range p.value.items {
			if item.kind != scalar {
				d.fail(item.at, path, "must be a list of values")
				return e, false
			}
			parts = append(parts, item.text)
		}
		e.Value = strings.Join(parts, ",")
	default:
		e.Value = p.value.text
	}
	return e, true
}
