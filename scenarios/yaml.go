package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"gopkg.in/yaml.v3"
)

// This file is the only one that knows the YAML library. It turns a document into a tree of our own
// nodes with aliases and merge keys expanded. yaml.v3 nodes protect against nothing: duplicate
// keys, bombs of aliases, an alias inside its own anchor and a second document are found here.

const (
	maxFile    = 1 << 20
	maxNodes   = 100_000
	maxAliases = 32 // aliases inside of what aliases stand for
	maxNesting = 64
)

type kind uint8

const (
	scalar kind = iota
	list
	mapping
)

// node is one value of a scenario.
type node struct {
	kind  kind
	text  string // scalar: as written, without quotes
	plain bool   // scalar without quotes
	null  bool
	items []*node
	pairs []pair // in order of appearance, merged ones last
	at    models.Pos
}

type pair struct {
	key   string
	at    models.Pos // of the key
	value *node
}

func (n *node) find(key string) *pair {
	if n == nil || n.kind != mapping {
		return nil
	}
	for i := range n.pairs {
		if n.pairs[i].key == key {
			return &n.pairs[i]
		}
	}
	return nil
}

func (n *node) get(key string) *node {
	if p := n.find(key); p != nil {
		return p.value
	}
	return nil
}

// parser converts one document.
type parser struct {
	src      int
	nodes    int
	active   []*yaml.Node // anchors that are being followed
	overflow bool
	report   func(at models.Pos, path, text string)
}

var errAnchor = regexp.MustCompile(`^unknown anchor '([^']*)' referenced$`)

var errLine = regexp.MustCompile(`^line (\d+): (.*)$`)

// parseYAML reads exactly one document. nil means that report was called, or (text == empty) that
// there is none.
func parseYAML(src int, data []byte, report func(at models.Pos, path, text string)) (root *node) {
	first := models.Pos{Src: src, Line: 1, Col: 1}
	if len(data) > maxFile {
		report(first, "", fmt.Sprintf("the file has %d bytes; a scenario has at most 1 MiB", len(data)))
		return nil
	}
	doc, err := decodeDocuments(data)
	var second *secondDocument
	switch {
	case errors.As(err, &second):
		report(models.Pos{Src: src, Line: second.line, Col: 1}, "", "a second document begins here; a file holds one scenario")
		return nil
	case err != nil:
		at, text := yamlError(src, data, err)
		report(at, "", text)
		return nil
	case doc == nil:
		report(first, "", "the scenario is empty")
		return nil
	}
	p := &parser{src: src, report: report}
	root = p.convert(doc, 0, "")
	if p.overflow {
		return nil
	}
	return root
}

type secondDocument struct{ line int }

func (*secondDocument) Error() string { return "second document" }

// decodeDocuments is the whole contact with the library. It guards against panics of the library
// on hostile input: whatever happens is an error of the file.
func decodeDocuments(data []byte) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("yaml: line 1: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var one, two yaml.Node
	if err := dec.Decode(&one); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	switch err := dec.Decode(&two); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, err
	default:
		return nil, &secondDocument{line: max(two.Line, 1)}
	}
	if one.Kind != yaml.DocumentNode || len(one.Content) != 1 {
		return nil, nil
	}
	if c := one.Content[0]; c.Kind == yaml.ScalarNode && c.Tag == "!!null" {
		return nil, nil
	}
	return one.Content[0], nil
}

// yamlError words what the library says; some of its messages carry no line.
func yamlError(src int, data []byte, err error) (models.Pos, string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := models.Pos{Src: src, Line: 1, Col: 1}
	lines := strings.Split(string(data), "\n")
	if m := errLine.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			at.Line, text = max(n, 1), m[2]
		}
		if strings.HasPrefix(text, "did not find expected") {
			at.Line++ // errors of yaml.v3's parser, in contrast to its scanner's, count lines from 0
		}
	}
	if m := errAnchor.FindStringSubmatch(text); m != nil {
		for i, line := range lines {
			if col := strings.Index(line, "*"+m[1]); col >= 0 {
				return models.Pos{Src: src, Line: i + 1, Col: len([]rune(line[:col])) + 1}, "no anchor &" + m[1] + " before this alias"
			}
		}
	}
	if strings.Contains(text, "cannot start any token") {
		for i, line := range lines {
			if indent := len(line) - len(strings.TrimLeft(line, " \t")); strings.Contains(line[:indent], "\t") {
				return models.Pos{Src: src, Line: i + 1, Col: strings.IndexByte(line, '\t') + 1},
					"not YAML: a tab cannot indent; use spaces"
			}
		}
		text += "; quote values that begin with % @ ` or >"
	}
	at.Line = min(at.Line, len(lines))
	return at, "not YAML: " + text
}

func (p *parser) pos(n *yaml.Node) models.Pos {
	return models.Pos{Src: p.src, Line: max(n.Line, 1), Col: max(n.Column, 1)}
}

// convert turns a YAML node and everything below it into ours; nil where there was a problem.
func (p *parser) convert(n *yaml.Node, depth int, path string) *node {
	if p.overflow {
		return nil
	}
	if p.nodes++; p.nodes > maxNodes {
		p.overflow = true
		p.report(p.pos(n), path, fmt.Sprintf("more than %d values, aliases counted as often as they are used", maxNodes))
		return nil
	}
	if depth > maxNesting {
		p.report(p.pos(n), path, fmt.Sprintf("nested more than %d deep", maxNesting))
		return nil
	}
	out := &node{at: p.pos(n)}
	switch n.Kind {
	case yaml.AliasNode:
		return p.alias(n, depth, path)
	case yaml.ScalarNode:
		out.kind, out.text = scalar, n.Value
		out.plain = n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		out.null = out.plain && n.Tag == "!!null"
	case yaml.SequenceNode:
		out.kind = list
		p.enter(n)
		for i, c := range n.Content {
			if item := p.convert(c, depth+1, index(path, i)); item != nil {
				out.items = append(out.items, item)
			}
		}
		p.leave()
	case yaml.MappingNode:
		out.kind = mapping
		p.enter(n)
		p.mapping(n, out, depth, path)
		p.leave()
	default:
		p.report(p.pos(n), path, "not a value")
		return nil
	}
	return out
}

func (p *parser) enter(n *yaml.Node) { p.active = append(p.active, n) }
func (p *parser) leave()             { p.active = p.active[:len(p.active)-1] }

// alias follows an alias to what it stands for.
func (p *parser) alias(n *yaml.Node, depth int, path string) *node {
	aliases := 0
	for _, a := range p.active {
		if a == n.Alias {
			p.report(p.pos(n), path, "*"+n.Value+" is used inside of its own anchor")
			return nil
		}
		if a.Kind == yaml.AliasNode {
			aliases++
		}
	}
	if aliases >= maxAliases {
		p.report(p.pos(n), path, fmt.Sprintf("aliases are nested more than %d deep", maxAliases))
		p.overflow = true
		return nil
	}
	p.enter(n)
	defer p.leave()
	return p.convert(n.Alias, depth, path)
}

// mapping reads keys and values, finds duplicates, and then adds what merge keys bring.
func (p *parser) mapping(n *yaml.Node, out *node, depth int, path string) {
	type firstPlace struct{ line, col int }
	seen := map[string]firstPlace{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			p.report(p.pos(n.Content[i]), path, "a key must be a word, not a list or a mapping")
			continue
		}
		at := p.pos(n.Content[i])
		if prev, again := seen[key.Value]; again {
			p.report(at, join(path, short(key.Value)), fmt.Sprintf("the key stands here a second time; it was given at %d:%d", prev.line, prev.col))
			continue
		}
		seen[key.Value] = firstPlace{at.Line, at.Col}
		if key.Tag == "!!merge" {
			merges = append(merges, val)
			continue
		}
		if v := p.convert(val, depth+1, join(path, short(key.Value))); v != nil {
			out.pairs = append(out.pairs, pair{key: key.Value, at: at, value: v})
		}
	}
	for _, m := range merges {
		p.merge(m, out, depth, path)
	}
}

// merge adds the pairs of `<<: *a` or `<<: [*a, *b]` that out lacks; earlier ones win.
func (p *parser) merge(m *yaml.Node, out *node, depth int, path string) {
	v := p.convert(m, depth+1, path)
	if v == nil {
		return
	}
	from := []*node{v}
	if v.kind == list {
		from = v.items
	}
	for _, f := range from {
		if f.kind != mapping {
			p.report(p.pos(m), path, "<<: merges mappings only")
			continue
		}
		have := make(map[string]bool, len(out.pairs))
		for _, q := range out.pairs {
			have[q.key] = true
		}
		for _, q := range f.pairs {
			if !have[q.key] {
				out.pairs = append(out.pairs, q)
			}
		}
	}
}
