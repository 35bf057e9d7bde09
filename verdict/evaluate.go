package verdict

import (
	"fmt"

	"github.com/mqsim/mqsim/result"
)

// canFail refuses checks whose answer does not depend on the run: `lost >= 0` would only look like a
// test.
func (e Expectation) canFail() error {
	if e.Right != nil {
		return e.canFailAgainst(*e.Right)
	}
	m := e.Left.Metric
	if m.OwnUnit {
		return nil // its range is the model's business
	}
	// A span that is null counts as endless: it passes lower bounds and fails upper ones.
	endless := m.Null && m.Unit == "s"
	top, bounded := m.Top, m.Top != result.Never
	below, above := e.Low < 0, bounded && e.Low > top
	always, never := false, false
	switch e.Op {
	case Equal:
		never = below || above
	case NotEqual:
		always = below || above
	case Less:
		always, never = above && !endless, e.Low <= 0
	case LessEqual:
		always, never = bounded && e.Low >= top && !endless, below
	case Greater:
		always, never = below, bounded && e.Low >= top && !endless
	case GreaterEqual:
		always, never = e.Low <= 0, above && !endless
	case In:
		always, never = e.Low <= 0 && bounded && e.High >= top && !endless, e.High < 0 || above
	}
	return e.vacuous(always, never)
}

// canFailAgainst looks for a metric compared with itself or with the whole of which it is a part.
func (e Expectation) canFailAgainst(r Ref) error {
	l := e.Left
	if r.System != "" || e.Factor != one || l.Metric.Name != r.Metric.Name || l.Scope != r.Scope {
		return nil
	}
	same, part, whole := l.Part == r.Part, l.Part != "" && r.Part == "", l.Part == "" && r.Part != ""
	always := same && (e.Op == Equal || e.Op == LessEqual || e.Op == GreaterEqual) || part && e.Op == LessEqual || whole && e.Op == GreaterEqual
	never := same && (e.Op == NotEqual || e.Op == Less || e.Op == Greater) || part && e.Op == Greater || whole && e.Op == Less
	return e.vacuous(always, never)
}

func (e Expectation) vacuous(always, never bool) error {
	switch {
	case always:
		return fmt.Errorf("%q: no value can fail this check", e.Check)
	case never:
		return fmt.Errorf("%q: no value can pass this check", e.Check)
	}
	return nil
}

// Lookup finds the value of a metric in the phases of a check. The text says why there is none; it
// is "" for a metric that the model does not have.
type Lookup func(r Ref, during, after string) (v result.Number, ok bool, why string)

// Outcome is the answer to one check.
type Outcome struct {
	Pass    bool
	Skipped bool   // stands under `all:` and the model has no such metric
	Actual  string // what was seen
}

// Eval answers the check.
func (e Expectation) Eval(lookup Lookup) Outcome {
	left, ok, why := lookup(e.Left, e.During, e.After)
	if !ok {
		return e.absent(e.Left, why)
	}
	unit := e.Left.Metric.Unit
	out := Outcome{Actual: showValue(left, unit)}
	low := e.Low
	if e.Right != nil {
		right, ok, why := lookup(*e.Right, e.During, e.After)
		if !ok {
			return e.absent(*e.Right, why)
		}
		out.Actual += ", " + e.Right.String() + " " + showValue(right, unit)
		if low = right; right != result.Never {
			low = product(e.Factor, right)
		}
	}
	out.Pass = e.compare(left, low)
	return out
}

func (e Expectation) absent(r Ref, why string) Outcome {
	if why == "" {
		if e.All {
			return Outcome{Pass: true, Skipped: true}
		}
		why = "no " + r.Name() + " here"
	}
	return Outcome{Actual: why}
}

// compare treats null as endless where it is a span of time (an outage that did not end is longer
// than any that did) and as no value elsewhere: then no comparison holds.
func (e Expectation) compare(v, low result.Number) bool {
	if v == result.Never || low == result.Never {
		if e.Left.Metric.Unit != "s" && !e.Left.Metric.OwnUnit {
			return false
		}
		if v == result.Never { // null fails every upper bound
			return e.Op == Greater && low != result.Never || e.Op == GreaterEqual || e.Op == NotEqual && low != result.Never
		}
	}
	d := v.Cmp(low)
	switch e.Op {
	case Equal:
		return d == 0
	case NotEqual:
		return d != 0
	case Less:
		return d < 0
	case LessEqual:
		return d <= 0
	case Greater:
		return d > 0
	case GreaterEqual:
		return d >= 0
	}
	return d >= 0 && v.Cmp(e.High) <= 0
}
