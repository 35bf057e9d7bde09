package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// htmlSystem is one system of a section: its lanes on the shared time axis, the fate of its messages and
// everything that -v tells.
type htmlSystem struct {
	Name, Verdict, VerdictWord, Facts string
	Bands                             []htmlSpan
	BandNames                         [][]htmlName
	Strips                            []htmlStrip
	Charts                            []htmlChart
	Hosts                             []htmlLane
	Ticks                             []htmlTick
	Flow                              template.HTML
	Losses                            []htmlLoss

	Faults, Operations, Promises, Fidelity []string
	Set, Defaults, Metrics                 []htmlSetting
	DefaultsTitle                          string
}

// htmlLoss is a group of lost messages with the biography of one.
type htmlLoss struct {
	Text, Example string
	Story         []result.Step
}

type htmlSpan struct {
	Left, Width         string
	Class, Text, Letter string
	Partial             bool
}

type htmlName struct{ Left, Room, Text string }

type htmlStrip struct {
	Label, Aria string
	Gaps        []htmlSpan
}

type htmlChart struct {
	Label, Max string
	SVG        template.HTML
	Low        bool
}

type htmlLane struct {
	Name, Aria string
	Spans      []htmlSpan
}

type htmlTick struct{ Left, Text string }

// share is n/end in percent with two digits.
func share(n, end result.Number) string {
	if end == 0 {
		return "0"
	}
	return strings.TrimSuffix(strings.TrimRight(result.Percent(int64(n), int64(end)).Fixed(2), "0"), ".")
}

// spanOn places a span on an axis that ends at end.
func spanOn(from, to, end result.Number) (s htmlSpan, ok bool) {
	if to.IsNever() || to > end {
		to = end
	}
	if from.IsNever() || from >= end || to < 0 {
		return s, false
	}
	from = max(0, from)
	return htmlSpan{Left: share(from, end), Width: share(max(0, to-from), end)}, true
}

func (t *htmlTable) system(y *system, r *result.Result) htmlSystem {
	s := htmlSystem{Name: r.System, Verdict: string(r.Verdict), VerdictWord: t.words.verdict(r.Verdict)}
	var facts []string
	for _, part := range []struct{ label, value string }{
		{t.words.Writes, linesOfCell(t.outageCell(&system{r.System, []*result.Result{r}}, "write").text)[0]},
		{t.words.Reads, linesOfCell(t.outageCell(&system{r.System, []*result.Result{r}}, "read").text)[0]},
	} {
		facts = append(facts, part.label+" "+part.value)
	}
	if len(y.runs) > 1 {
		facts = append(facts, fmt.Sprintf(t.w.seed, r.Seed))
	}
	s.Facts = strings.Join(facts, " · ")
	end := r.Window[1]
	t.bands(&s, r, end)
	s.Strips = []htmlStrip{t.strip(r, "write", t.words.WriteStrip, end), t.strip(r, "read", t.words.ReadStrip, end)}
	s.Charts = t.charts(r)
	s.Hosts = t.hosts(r, end)
	s.Ticks = ticks(end)
	s.Flow = flowSVG(r.Flow, t.words)
	for _, l := range r.Losses {
		loss := htmlLoss{Text: fmt.Sprintf(t.w.lostBy, l.Count, l.Cause) + t.w.clause + t.judged(l) + " (" + strings.Join(l.Examples, t.w.comma) + ")", Story: l.Story}
		if len(l.Story) > 0 {
			loss.Example = t.w.story + " " + l.Examples[0]
		}
		s.Losses = append(s.Losses, loss)
	}
	t.particulars(&s, r)
	return s
}

// bands shade the spans of faults; their names stand above, in as many rows as it takes.
func (t *htmlTable) bands(s *htmlSystem, r *result.Result, end result.Number) {
	type placed struct{ from, to result.Number }
	var rows [][]placed
	put := func(name string, from, to result.Number) {
		span, ok := spanOn(from, to, end)
		if !ok {
			return
		}
		s.Bands = append(s.Bands, span)
		room := max(to-from, end/8)
		if to.IsNever() {
			room = end - from
		}
		left := min(from, end-end/8)
		row := slices.IndexFunc(rows, func(row []placed) bool {
			return !slices.ContainsFunc(row, func(p placed) bool { return left < p.to && p.from < left+room })
		})
		if row < 0 {
			row = len(rows)
			rows, s.BandNames = append(rows, nil), append(s.BandNames, nil)
		}
		rows[row] = append(rows[row], placed{left, left + room})
		s.BandNames[row] = append(s.BandNames[row], htmlName{share(left, end), share(min(room, end-left), end), name})
	}
	for _, f := range r.Faults {
		put(f.Name+" ("+f.Action+" "+strings.Join(f.Hosts, "+")+")", f.From, f.To)
	}
	for _, o := range r.Operations {
		put(o.Do+" "+strings.Join(o.Hosts, "+"), o.At, o.At)
	}
}

func (t *htmlTable) strip(r *result.Result, kind, label string, end result.Number) htmlStrip {
	s := htmlStrip{Label: label}
	full := 0
	for _, partial := range []bool{true, false} { // full gaps lie on top
		for _, o := range r.Outages {
			if o.Kind != kind || (o.Scope != "full") != partial {
				continue
			}
			span, ok := spanOn(o.From, o.To, end)
			if !ok {
				continue
			}
			span.Partial = partial
			span.Text = o.Scope + t.w.colon + seconds(o.From) + "–" + seconds(o.To) + " s"
			if how := t.w.ending(o); how != "" {
				span.Text += t.w.clause + how
			}
			if !partial {
				full++
			}
			s.Gaps = append(s.Gaps, span)
		}
	}
	s.Aria = fmt.Sprintf(t.words.StripAria, label, full)
	return s
}

// hosts are the role lanes, in order of first appearance.
func (t *htmlTable) hosts(r *result.Result, end result.Number) (lanes []htmlLane) {
	for _, role := range r.Roles {
		i := slices.IndexFunc(lanes, func(l htmlLane) bool { return l.Name == role.Host })
		if i < 0 {
			i = len(lanes)
			lanes = append(lanes, htmlLane{Name: role.Host, Aria: role.Host + t.w.colon})
		}
		span, ok := spanOn(role.From, role.To, end)
		if !ok {
			continue
		}
		span.Class, span.Text = roleClass(role.Host, role.Role), role.Role+" "+seconds(role.From)+"–"+seconds(role.To)+" s"
		width := result.Percent(int64(min(role.To, end)-role.From), int64(end))
		if role.To.IsNever() {
			width = result.Percent(int64(end-role.From), int64(end))
		}
		switch {
		case width > result.Int(int64(2+len(role.Role))):
			span.Letter = role.Role
		case width > result.Int(2):
			span.Letter = strings.ToUpper(role.Role[:min(1, len(role.Role))])
		}
		lanes[i].Spans = append(lanes[i].Spans, span)
		lanes[i].Aria += " " + span.Text
	}
	return lanes
}

// roleClass is the look of a role: colour, pattern and letter say the same.
func roleClass(host, role string) string {
	switch role {
	case "leader", "master", "home", "promoted", "acting-master", "active":
		if strings.HasPrefix(host, "zk-") || strings.HasPrefix(host, "controller") {
			return "r-coord"
		}
		return "r-lead"
	case "follower", "slave", "mirror", "in-sync", "member":
		if strings.HasPrefix(host, "zk-") || strings.HasPrefix(host, "controller") {
			return "r-coord"
		}
		return "r-sync"
	case "out-of-sync", "behind", "catching-up", "unsynced", "unsynced-mirror", "syncing", "candidate", "pre-candidate", "fenced", "starting":
		return "r-behind"
	case "down":
		return "r-down"
	case "paused", "frozen", "stopped":
		return "r-paused"
	case "idle", "observer":
		return "r-idle"
	case "namesrv", "zookeeper", "controller":
		return "r-coord"
	}
	return "r-other"
}

func legendOf(w htmlWords) []htmlLegend {
	return []htmlLegend{{"r-lead", w.LegendLead}, {"r-sync", w.LegendSync}, {"r-behind", w.LegendBehind}, {"r-paused", w.LegendPaused},
		{"r-down", w.LegendDown}, {"r-coord", w.LegendCoord}, {"r-idle", w.LegendIdle}}
}

// ticks are some six round times on the axis, with its ends.
func ticks(end result.Number) (out []htmlTick) {
	step := result.Int(1)
	for _, n := range []int64{1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400} {
		step = result.Int(n)
		if end/step <= 7 {
			break
		}
	}
	for at := result.Number(0); at < end-step/2; at += step {
		out = append(out, htmlTick{share(at, end), seconds(at)})
	}
	return append(out, htmlTick{"100", seconds(end) + " s"})
}

// particulars are what a reader unfolds.
func (t *htmlTable) particulars(s *htmlSystem, r *result.Result) {
	for _, f := range r.Faults {
		s.Faults = append(s.Faults, releasing.Replace(t.faultLine(f)))
	}
	for _, o := range r.Operations {
		state := "ok"
		if !o.OK {
			state = t.w.refused
		}
		if o.Answer != "" {
			state += t.w.colon + o.Answer
		}
		s.Operations = append(s.Operations, fmt.Sprintf("%s %s, %s s, %s", o.Do, strings.Join(o.Hosts, "+"), seconds(o.At), state))
	}
	for _, p := range r.Promises {
		s.Promises = append(s.Promises, p.Cause+t.w.clause+t.judged(result.Loss{Class: p.Class, By: p.By})+t.w.colon+p.Why)
	}
	s.Fidelity = r.Fidelity
	s.Set, s.Defaults = settings(r.Config.Set), settings(r.Config.Defaults)
	s.DefaultsTitle = fmt.Sprintf(t.words.Defaults, len(s.Defaults))
	for _, name := range r.Metrics.Names() {
		s.Metrics = append(s.Metrics, htmlSetting{name, r.Metrics[name].String()})
	}
}

func settings(m map[string]string) (out []htmlSetting) {
	for name, value := range m {
		out = append(out, htmlSetting{name, value})
	}
	slices.SortFunc(out, func(a, b htmlSetting) int { return strings.Compare(a.Name, b.Name) })
	return out
}
