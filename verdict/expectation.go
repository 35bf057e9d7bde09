package verdict

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// Expectation is one check of a scenario: METRIC[.PART] [of SCOPE] OP VALUE.
type Expectation struct {
	Check string // as written, blanks trimmed
	Left  Ref
	Op    Op
	// Low is the value; with In the lower end, High the upper. Unused if Right is set.
	Low, High result.Number
	// Right is another metric, times Factor.
	Right  *Ref
	Factor result.Number

	During, After string // phases; "" = the whole run
	Because       result.Text
	Line          int
	// All says that it stands under `all:`, where a metric that a model lacks is skipped.
	All bool
}

// Ref names a metric, perhaps of another system or of a part of the run.
type Ref struct {
	System string // "" = the same
	Metric MetricInfo
	Part   string
	Scope  Scope
}

// Scope narrows a metric: to a client, stream or partition by its name, to group(a) or fault(crash).
type Scope struct {
	Kind string // "" with a bare name, else group or fault
	Name string // "" = the whole run
}

// Op is a comparison.
type Op uint8

// Comparisons.
const (
	Equal Op = iota
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	In // both ends belong to it
)

var opWords = [...]string{"==", "!=", "<", "<=", ">", ">=", "in"}

func (o Op) String() string { return opWords[o] }

func (s Scope) String() string {
	if s.Kind != "" {
		return s.Kind + "(" + s.Name + ")"
	}
	return s.Name
}

// Name is the metric's key in a result: METRIC or METRIC.PART.
func (r Ref) Name() string {
	if r.Part != "" {
		return r.Metric.Name + "." + r.Part
	}
	return r.Metric.Name
}

func (r Ref) String() string {
	s := r.Name()
	if r.System != "" {
		s = r.System + "." + s
	}
	if r.Scope.Name != "" {
		s += " of " + r.Scope.String()
	}
	return s
}

// String is the canonical form of the check; parsing it gives the same expectation.
func (e Expectation) String() string {
	s := e.Left.String() + " " + e.Op.String() + " "
	unit := e.Left.Metric.Unit
	switch {
	case e.Right != nil && (e.Factor != one || startsNumber(e.Right.String())):
		return s + e.Factor.String() + " * " + e.Right.String()
	case e.Right != nil:
		return s + e.Right.String()
	case e.Op == In:
		return s + showValue(e.Low, unit) + ".." + showValue(e.High, unit)
	}
	return s + showValue(e.Low, unit)
}

// Systems are the other systems that the check compares with.
func (e Expectation) Systems() []string {
	if e.Right != nil && e.Right.System != "" {
		return []string{e.Right.System}
	}
	return nil
}

// Refs are the metrics that the check reads.
func (e Expectation) Refs() []Ref {
	if e.Right != nil {
		return []Ref{e.Left, *e.Right}
	}
	return []Ref{e.Left}
}

const one = result.Number(1_000_000)

// ParseExpectation reads METRIC[.PART] [of SCOPE] OP VALUE. modelMetrics are names beside those of
// the language that some model counts. A check that no value can fail, or none can pass, is an error.
// The error says what is wrong and what was probably meant; the caller adds the place.
func ParseExpectation(text string, modelMetrics ...string) (Expectation, error) {
	p := parser{known: modelMetrics}
	e, err := p.parse(strings.TrimSpace(text))
	if err == nil {
		err = e.canFail()
	}
	return e, err
}

// Within limits the check to a phase (steady, fault, recovery or the name of a fault or operation)
// and to what comes after the undo of a fault, as the long form writes it.
func (e *Expectation) Within(during, after string) error {
	for _, r := range e.Refs() {
		if (during != "" || after != "") && !r.Metric.Phased {
			return fmt.Errorf("%s is only known for the whole run: during and after have no meaning for it", r.Metric.Name)
		}
	}
	e.During, e.After = during, after
	return nil
}

type parser struct{ known []string }

func (p parser) parse(text string) (Expectation, error) {
	e := Expectation{Check: text, Factor: one}
	left, op, right, err := splitAtOp(text)
	if err != nil {
		return e, err
	}
	e.Op = op
	if e.Left, err = p.ref(left, false); err != nil {
		return e, err
	}
	if right == "" {
		return e, fmt.Errorf("%q lacks a value after %s", text, op)
	}
	if op == In {
		return e, e.parseRange(right)
	}
	if startsNumber(right) {
		factor, of, product := strings.Cut(right, "*")
		if !product {
			e.Low, err = parseLiteral(right, e.Left.Metric)
			return e, err
		}
		if e.Factor, err = result.ParseNumber(strings.TrimSpace(factor)); err != nil {
			return e, fmt.Errorf("%q is no factor; write 4 * SYSTEM.METRIC", strings.TrimSpace(factor))
		}
		if e.Factor <= 0 {
			return e, fmt.Errorf("a factor is above 0, not %s", e.Factor)
		}
		right = strings.TrimSpace(of)
	}
	ref, err := p.ref(right, true)
	if err != nil {
		return e, err
	}
	e.Right = &ref
	if a, b := e.Left.Metric, ref.Metric; a.Unit != b.Unit && !a.OwnUnit && !b.OwnUnit {
		return e, fmt.Errorf("%s and %s have different units (%s, %s)", a.Name, b.Name, unitWord(a.Unit), unitWord(b.Unit))
	}
	return e, nil
}

// startsNumber tells a literal or a factor from a metric by its first character.
func startsNumber(s string) bool {
	return s[0] >= '0' && s[0] <= '9' || s[0] == '-' || s[0] == '.'
}

func unitWord(u result.Unit) string {
	if u == "" {
		return "a count"
	}
	return string(u)
}

// splitAtOp cuts at the first comparison.
func splitAtOp(text string) (left string, op Op, right string, err error) {
	if text == "" {
		return "", 0, "", errors.New("empty; a check is METRIC OP VALUE, as in lost == 0")
	}
	for i := 0; i < len(text); i++ {
		width := 0
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "=="):
			op, width = Equal, 2
		case strings.HasPrefix(text[i:], "!="):
			op, width = NotEqual, 2
		case strings.HasPrefix(text[i:], "<="):
			op, width = LessEqual, 2
		case strings.HasPrefix(text[i:], ">="):
			op, width = GreaterEqual, 2
		case c == '<':
			op, width = Less, 1
		case c == '>':
			op, width = Greater, 1
		case c == '=':
			meant := "=="
			if i+1 < len(text) && strings.IndexByte("<>!", text[i+1]) >= 0 {
				meant = text[i+1:i+2] + "="
			}
			return "", 0, "", fmt.Errorf("%q: = is no comparison (did you mean %s?)", text, meant)
		case strings.HasPrefix(text[i:], " in ") || strings.HasPrefix(text[i:], "\tin "):
			op, width = In, 4
		default:
			continue
		}
		return strings.TrimSpace(text[:i]), op, strings.TrimSpace(text[i+width:]), nil
	}
	return "", 0, "", fmt.Errorf("%q has no comparison; one of == != < <= > >= in must follow the metric", text)
}

// parseRange reads the two ends of `in LOW..HIGH`.
func (e *Expectation) parseRange(text string) error {
	low, high, ok := strings.Cut(text, "..")
	if !ok {
		return fmt.Errorf("%q is no range; write in 13s..21s", text)
	}
	var err error
	if e.Low, err = parseLiteral(strings.TrimSpace(low), e.Left.Metric); err != nil {
		return err
	}
	if e.High, err = parseLiteral(strings.TrimSpace(high), e.Left.Metric); err != nil {
		return err
	}
	if e.Low > e.High {
		return fmt.Errorf("%q: the first end is above the second", text)
	}
	return nil
}

// ref reads [SYSTEM.]METRIC[.PART] [of SCOPE].
func (p parser) ref(text string, otherSystem bool) (Ref, error) {
	var r Ref
	name, scope, scoped := strings.Cut(text, " of ")
	name = strings.TrimSpace(name)
	if name == "" {
		return r, fmt.Errorf("%q lacks a metric", text)
	}
	if strings.ContainsAny(name, " \t()") {
		return r, fmt.Errorf("%q is no metric; a scope is written METRIC of SCOPE", name)
	}
	r, err := p.name(name, otherSystem)
	if err != nil || !scoped {
		return r, err
	}
	if r.System != "" {
		return r, fmt.Errorf("%q: a metric of another system has no scope", text)
	}
	if r.Scope, err = parseScope(strings.TrimSpace(scope)); err != nil {
		return r, err
	}
	m := r.Metric
	switch {
	case m.Scopes == 0:
		return r, fmt.Errorf("%s is only known for the whole run: it has no `of`", m.Name)
	case r.Scope.Kind == "fault" && m.Scopes&ScopeFault == 0, r.Scope.Kind != "fault" && m.Scopes == ScopeFault:
		return r, fmt.Errorf("%s has no scope %s; it may be narrowed to fault(NAME)", m.Name, r.Scope)
	}
	return r, nil
}

// name resolves [SYSTEM.]METRIC[.PART]. Names of systems may contain dots (kafka-3.9), so the first
// dot after which a metric follows is the one.
func (p parser) name(name string, otherSystem bool) (Ref, error) {
	base, part, dotted := strings.Cut(name, ".")
	if m, ok := p.lookup(base); ok {
		return withPart(m, part, dotted)
	}
	if otherSystem {
		for i := strings.IndexByte(name, '.'); i >= 0; {
			base, part, dotted := strings.Cut(name[i+1:], ".")
			if m, ok := p.lookup(base); ok && i > 0 {
				r, err := withPart(m, part, dotted)
				r.System = name[:i]
				return r, err
			}
			next := strings.IndexByte(name[i+1:], '.')
			if next < 0 {
				break
			}
			i += 1 + next
		}
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			base = name[i+1:]
		}
	}
	return Ref{}, fmt.Errorf("unknown metric %s%s", base, didYouMean(base, append(MetricNames(), p.known...)))
}

func (p parser) lookup(name string) (MetricInfo, bool) {
	if m, ok := LookupMetric(name); ok {
		return m, true
	}
	for _, k := range p.known {
		if k == name {
			return MetricInfo{Name: name, Top: result.Never, Null: true, Model: true, OwnUnit: true}, true
		}
	}
	return MetricInfo{}, false
}

func withPart(m MetricInfo, part string, dotted bool) (Ref, error) {
	r := Ref{Metric: m, Part: part}
	switch {
	case m.Parts == Statuses && !dotted:
		return r, fmt.Errorf("%s needs a status: %s.FLUSH_DISK_TIMEOUT", m.Name, m.Name)
	case !dotted:
	case m.Parts == NoParts:
		return r, fmt.Errorf("%s has no parts: nothing may follow a dot", m.Name)
	case isStatus(part):
	case m.Parts == Statuses:
		return r, fmt.Errorf("%s.%s: a status is written as in the manual, FLUSH_DISK_TIMEOUT", m.Name, part)
	default:
		for _, c := range causeNames {
			if c == part {
				return r, nil
			}
		}
		return r, fmt.Errorf("%s.%s: unknown cause of a loss%s", m.Name, part, didYouMean(part, causeNames))
	}
	return r, nil
}

func parseScope(text string) (Scope, error) {
	kind, rest, call := strings.Cut(text, "(")
	if !call {
		if text == "" || strings.ContainsAny(text, " \t)*") {
			return Scope{}, fmt.Errorf("%q is no scope; write producer-1, t0, t0-2, group(a) or fault(NAME)", text)
		}
		return Scope{Name: text}, nil
	}
	name, closed := strings.CutSuffix(rest, ")")
	name = strings.TrimSpace(name)
	if !closed || name == "" || strings.ContainsAny(name, " \t()") {
		return Scope{}, fmt.Errorf("%q is no scope; write group(a) or fault(NAME)", text)
	}
	if kind != "group" && kind != "fault" {
		return Scope{}, fmt.Errorf("unknown scope %s()%s", kind, didYouMean(kind, []string{"group", "fault"}))
	}
	return Scope{Kind: kind, Name: name}, nil
}
