package verdict

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
)

// maxExamples is how many messages stand for a group of them.
const maxExamples = 3

// promiseOn finds the line of the promise table for a cause or anomaly. The first one counts.
func (in *Input) promiseOn(word string) (models.Promise, bool) {
	for _, p := range in.Promises {
		if p.Cause == word {
			return p, true
		}
	}
	return models.Promise{}, false
}

// judge is the second level of the verdict: may this happen under this configuration?
func (in *Input) judge(word string) (result.Class, string) {
	p, ok := in.promiseOn(word)
	switch {
	case ok && p.Class == models.Violation:
		return result.Violation, p.By
	case ok:
		return result.Class(p.Class.String()), p.By
	case word == anomalyWords[duplicate]:
		return result.Allowed, atLeastOnce
	case word == anomalyWords[reordered]:
		return result.Allowed, noOrder
	}
	return result.Violation, ""
}

// classify groups losses by cause and anomalies by kind, and counts violations.
func (f *facts) classify(out *findings) {
	for k, i := range f.lostList {
		class, by := f.judge(out.causes[k])
		out.losses = add(out.losses, out.causes[k], class, by, f.id(int(i)), true)
	}
	slices.SortStableFunc(out.losses, func(a, b result.Loss) int {
		if d := slices.Index(causeNames, a.Cause) - slices.Index(causeNames, b.Cause); d != 0 {
			return d
		}
		return strings.Compare(a.Cause, b.Cause)
	})
	for kind, list := range out.by {
		word := anomalyWords[kind]
		class, by := f.judge(word)
		for _, o := range list {
			c, b := class, by
			if o.gone && c == result.Violation {
				c, b = result.Allowed, noConsumerLeft
			}
			id := sim.MsgID(0)
			if o.message >= 0 {
				id = f.id(int(o.message))
			} else if o.delivery >= 0 && anomaly(kind) != corrupted {
				id = f.h.Deliveries[o.delivery].ID
			}
			out.anomalies = add(out.anomalies, word, c, b, id, o.message >= 0 || anomaly(kind) == phantom)
		}
	}
	for _, list := range [][]result.Loss{out.losses, out.anomalies} {
		for _, l := range list {
			if l.Class == result.Violation {
				out.violations += l.Count
			}
		}
	}
}

// add counts one message in the group that it belongs to.
func add(list []result.Loss, cause string, class result.Class, by string, id sim.MsgID, named bool) []result.Loss {
	at := slices.IndexFunc(list, func(l result.Loss) bool { return l.Cause == cause && l.Class == class && l.By == by })
	if at < 0 {
		at = len(list)
		list = append(list, result.Loss{Cause: cause, Class: class, By: by})
	}
	l := &list[at]
	l.Count++
	if named && len(l.Examples) < maxExamples {
		if text := id.String(); !slices.Contains(l.Examples, text) {
			l.Examples = append(l.Examples, text)
		}
	}
	return list
}
