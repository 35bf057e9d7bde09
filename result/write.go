package result

import (
	"bytes"
	"encoding/json"
	"io"
)

// Write writes f in its canonical form: keys in the order of the types, metrics in the order of
// their table, numbers in their shortest form. One result is one block; a list of objects has one
// object a line and a series one line, so that files can be read and compared line by line.
func Write(w io.Writer, f *File) error {
	compact, err := marshal(f.normalised())
	if err != nil {
		return err
	}
	_, err = w.Write(layout(compact))
	return err
}

// Bytes is what Write writes.
func (f *File) Bytes() ([]byte, error) {
	var b bytes.Buffer
	err := Write(&b, f)
	return b.Bytes(), err
}

// marshal is json.Marshal without its escapes for HTML: "acks < 2" stays readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// normalised is f with empty lists for nil ones. It copies what it changes.
func (f *File) normalised() *File {
	out := *f
	out.Results = make([]*Result, len(f.Results))
	for i, r := range f.Results {
		c := *r
		c.Config = Config{Set: filledMap(r.Config.Set), Defaults: filledMap(r.Config.Defaults)}
		c.Outages, c.Losses, c.Faults = filled(r.Outages), filled(r.Losses), filled(r.Faults)
		c.Expectations, c.Flow, c.Fidelity = filled(r.Expectations), filled(r.Flow), filled(r.Fidelity)
		if r.Series != nil {
			s := *r.Series
			s.Due, s.Acked, s.Rejected, s.Unknown = filled(s.Due), filled(s.Acked), filled(s.Rejected), filled(s.Unknown)
			s.Delivered, s.P50, s.P99, s.Lag = filled(s.Delivered), filled(s.P50), filled(s.P99), filled(s.Lag)
			c.Series = &s
		}
		c.Losses, c.Anomalies = withExamples(c.Losses), withExamples(c.Anomalies)
		c.Faults = mapped(c.Faults, func(x Fault) Fault { x.Hosts = filled(x.Hosts); return x })
		c.Operations = mapped(c.Operations, func(x Operation) Operation { x.Hosts = filled(x.Hosts); return x })
		c.Flow = mapped(c.Flow, func(x Flow) Flow { x.Examples = filled(x.Examples); return x })
		out.Results[i] = &c
	}
	return &out
}

func withExamples(losses []Loss) []Loss {
	return mapped(losses, func(x Loss) Loss { x.Examples = filled(x.Examples); return x })
}

func mapped[T any](list []T, change func(T) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	for i, x := range list {
		out[i] = change(x)
	}
	return out
}

func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func filledMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// layout spreads compact JSON over lines. The depth at which it stops follows from the format: the
// file, its results, and what a result holds; a list of anything else than objects stays on its line.
func layout(compact []byte) []byte {
	p := printer{in: compact}
	p.value(0)
	p.out = append(p.out, '\n')
	return p.out
}

type printer struct {
	in  []byte // valid, compact JSON
	pos int
	out []byte
}

// The depth of a result: the file is 0, its lists are 1. Above it every object is spread.
const resultDepth = 2

func (p *printer) value(depth int) {
	switch p.in[p.pos] {
	case '{':
		// Of what a result holds, the phases, the configuration and the series are spread; the
		// metrics are a line.
		p.container(depth, depth <= resultDepth || depth == resultDepth+1 && p.nested(), p.member)
	case '[':
		p.container(depth, depth <= resultDepth+1 && p.in[p.pos+1] == '{', p.value)
	default:
		p.scalar()
	}
}

// container prints one object or list, its elements by one of the printer's own methods. Lists of
// numbers have no blanks, because series are long.
func (p *printer) container(depth int, spread bool, element func(depth int)) {
	numbers := p.in[p.pos] == '[' && bytes.IndexByte([]byte("-0123456789n"), p.in[p.pos+1]) >= 0
	p.copy()
	if c := p.in[p.pos]; c == '}' || c == ']' {
		p.copy()
		return
	}
	for {
		if spread {
			p.newline(depth + 1)
		}
		element(depth + 1)
		if p.in[p.pos] != ',' {
			break
		}
		p.copy()
		if !spread && !numbers {
			p.out = append(p.out, ' ')
		}
	}
	if spread {
		p.newline(depth)
	}
	p.copy()
}

func (p *printer) member(depth int) {
	p.scalar()
	p.copy() // the colon
	p.out = append(p.out, ' ')
	p.value(depth)
}

func (p *printer) copy() {
	p.out = append(p.out, p.in[p.pos])
	p.pos++
}

func (p *printer) newline(depth int) {
	p.out = append(p.out, '\n')
	for range depth {
		p.out = append(p.out, ' ')
	}
}

// scalar copies a string, a number or a word.
func (p *printer) scalar() {
	end := p.pos
	if p.in[end] == '"' {
		end = p.afterString(end)
	} else {
		for end < len(p.in) && bytes.IndexByte([]byte(",}]"), p.in[end]) < 0 {
			end++
		}
	}
	p.out = append(p.out, p.in[p.pos:end]...)
	p.pos = end
}

// afterString is the index behind the string that begins at i.
func (p *printer) afterString(i int) int {
	for i++; p.in[i] != '"'; i++ {
		if p.in[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// nested says whether the object at the position holds an object or a list.
func (p *printer) nested() bool {
	for i := p.pos + 1; ; {
		switch p.in[i] {
		case '"':
			i = p.afterString(i)
		case '{', '[':
			return true
		case '}':
			return false
		default:
			i++
		}
	}
}
