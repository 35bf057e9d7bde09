package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
)

var (
	//go:embed html/page.tmpl
	pageText string
	//go:embed html/style.css
	pageStyle string
	//go:embed html/script.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

var htmlFormat = Format{
	Name: "html",
	Doc:  result.Text{En: "one self-contained page: time axis, roles, fate of messages, events; works without network and script", Zh: "单文件网页：时间轴、角色、消息去向、事件；无需网络与脚本"},
	Render: func(w io.Writer, f *result.File, o Options) error {
		return pageTemplate.Execute(w, newHTMLPage(f, o))
	},
}

// htmlPage is what the template prints: every text ready, every number placed.
type htmlPage struct {
	Lang, Title, Version string
	Style                template.CSS
	Script               template.JS
	W                    htmlWords
	Legend               []htmlLegend
	Sections             []htmlSection
}

type htmlLegend struct{ Class, Text string }

type htmlSection struct {
	Title, Verdict, VerdictWord, Head, Lesson, Sentence, Command string
	Alarms                                                       []string
	Heads                                                        []htmlHead
	Rows                                                         []htmlRow
	Whys                                                         []htmlWhy
	Checks                                                       []htmlCheck
	Systems                                                      []htmlSystem
	End                                                          string
	Events                                                       []htmlEvent
	EventsOmitted                                                string
	HostNames                                                    []string
}

type htmlHead struct {
	Lines []string
	Right bool
}

type htmlCell struct {
	Class, Head string
	Lines       []string
}

type htmlRow struct {
	Cells []htmlCell
	Spark template.HTML
}

type htmlCheck struct {
	System, Check, Because, Actual, Place string
	Failed                                bool
}

type htmlEvent struct{ T, System, Host, Kind, Text string }

type htmlSetting struct{ Name, Value string }

type htmlWhy struct{ Text, Source string }

// maxHTMLEvents keeps a page small; what is left out stands in the JSON and is counted.
const maxHTMLEvents = 1200

func newHTMLPage(f *result.File, o Options) *htmlPage {
	w := wordsOf(o.Lang)
	p := &htmlPage{Lang: w.lang, Version: f.Version, Title: "mqsim", Style: template.CSS(pageStyle), Script: template.JS(pageScript), W: htmlWordsOf(w.lang)}
	p.Legend = legendOf(p.W)
	t := &table{page: newPage(io.Discard), st: newStyle(Options{}), w: w, o: Options{Lang: o.Lang}, f: f, width: 1 << 16}
	for _, s := range sections(f) {
		t.s = s
		h := &htmlTable{table: t, words: p.W}
		p.Sections = append(p.Sections, h.section())
		p.Title += " " + s.Name
	}
	return p
}

// htmlTable renders one section with the cells of the table.
type htmlTable struct {
	*table
	words htmlWords
}

func (t *htmlTable) section() htmlSection {
	s := htmlSection{Title: t.s.Name, Lesson: t.s.Lesson.In(t.w.lang), Sentence: releasing.Replace(t.sentence()), Command: t.command()}
	if title := t.s.Title.In(t.w.lang); title != "" {
		s.Title += t.w.colon + title
	}
	window := t.s.systems[0].runs[0].Window
	s.End = window[1].String()
	s.Head = fmt.Sprintf(t.w.head, t.seedText(), seconds(window[1]), seconds(window[0]), t.w.systems(len(t.s.systems)))
	if len(t.s.seeds) > 1 {
		s.Head += t.w.stop + " " + t.w.headSeeds
	}
	worst := result.Pass
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			worst = worse(worst, r)
		}
	}
	s.Verdict, s.VerdictWord = string(worst), t.words.verdict(worst)
	s.Alarms = t.alarmTexts()
	t.rows(&s)
	s.Checks = t.checkRows()
	for _, y := range t.s.systems {
		t.whysOf(&s, y)
		if run := shownRun(y); run != nil {
			s.Systems = append(s.Systems, t.system(y, run))
			t.eventsOf(&s, run)
		}
	}
	t.trimEvents(&s)
	return s
}

func worse(v result.Verdict, r *result.Result) result.Verdict {
	switch {
	case v == result.Invalid || r.Verdict == result.Invalid || len(r.Broken) > 0:
		return result.Invalid
	case r.Verdict == result.Fail:
		return result.Fail
	}
	return v
}

// shownRun is the run whose timeline is drawn: the first that failed, else the first.
func shownRun(y *system) *result.Result {
	for _, r := range y.valid() {
		if r.Verdict == result.Fail {
			return r
		}
	}
	if valid := y.valid(); len(valid) > 0 {
		return valid[0]
	}
	return nil
}

func (t *htmlTable) alarmTexts() (out []string) {
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			who := r.System + t.w.clause + fmt.Sprintf(t.w.seed, r.Seed) + t.w.colon
			for _, b := range r.Broken {
				out = append(out, t.w.brokenRun+t.w.colon+who+b.Invariant+t.w.colon+b.Detail+" ("+fmt.Sprintf(t.w.brokenAt, seconds(b.T), b.Step)+")"+t.w.colon+t.w.brokenHint)
			}
			for _, why := range r.Invalid {
				out = append(out, t.w.invalidRun+t.w.colon+who+why)
			}
			for _, l := range append(slices.Clone(r.Losses), r.Anomalies...) {
				if l.Class == result.Violation && r.Verdict != result.Invalid {
					out = append(out, t.w.violationRun+t.w.colon+who+strconv.FormatInt(l.Count, 10)+" "+l.Cause+" ("+strings.Join(l.Examples, t.w.comma)+")"+t.w.colon+t.w.violationHint)
				}
			}
		}
	}
	return out
}

// rows are the cells of the comparison, a curve behind each.
func (t *htmlTable) rows(s *htmlSection) {
	heads := []string{t.w.system, t.w.writes, t.w.reads, t.w.served, t.w.acked, t.w.lost, t.w.duplicates, t.w.latency, t.w.amplification}
	right := []bool{false, false, false, true, true, false, true, true, true}
	for i, h := range heads {
		s.Heads = append(s.Heads, htmlHead{linesOfCell(h), right[i]})
	}
	s.Heads = append(s.Heads, htmlHead{Lines: []string{t.w.acks}})
	full := fullRate(t.s, sparkCells)
	for _, y := range t.s.systems {
		service, messages := t.row(y)
		row := htmlRow{Spark: sparkSVG(curveOf(y, sparkCells), full)}
		for i, c := range append(service, messages...) {
			class := map[paint]string{good: "pass", bad: "fail", loud: "invalid"}[c.paint]
			if i == 0 {
				class = "name"
			}
			if right[i] {
				class += " n"
			}
			head := ""
			if i > 0 {
				head = strings.Join(linesOfCell(heads[i]), " ") + t.w.colon
			}
			row.Cells = append(row.Cells, htmlCell{strings.TrimSpace(class), head, linesOfCell(c.text)})
		}
		s.Rows = append(s.Rows, row)
	}
}

// linesOfCell keeps what must not break together: a page has the blank for that.
func linesOfCell(text string) []string {
	return strings.Split(strings.ReplaceAll(text, bond, "-"), "\n")
}

func (t *htmlTable) checkRows() (out []htmlCheck) {
	all := t.s.checks()
	systems := map[string]int{}
	for _, c := range all {
		if len(c.failed) == 0 {
			systems[c.key()]++
		}
	}
	said := map[string]bool{}
	for _, failed := range []bool{true, false} {
		for _, c := range all {
			if (len(c.failed) > 0) != failed {
				continue
			}
			if n := len(t.s.systems); !failed && n > 1 && systems[c.key()] == n { // one row for what holds everywhere
				if said[c.key()] {
					continue
				}
				said[c.key()] = true
				c = &check{Expectation: c.Expectation, system: fmt.Sprintf(t.w.all, n), actual: c.actual}
			}
			row := htmlCheck{System: c.system, Check: c.label(), Because: c.Because.In(t.w.lang), Failed: failed, Actual: fmt.Sprintf(t.w.actual, c.actual)}
			if failed && len(t.s.seeds) > 1 {
				row.Actual = fmt.Sprintf(t.w.actualSeed, c.actual, c.failed[0]) + t.w.clause + fmt.Sprintf(t.w.failsIn, len(c.failed), c.runs)
			}
			if c.Line > 0 {
				row.Place = t.s.File + ":" + strconv.Itoa(c.Line)
			}
			out = append(out, row)
		}
	}
	return out
}

func (t *htmlTable) whysOf(s *htmlSection, y *system) {
	for _, r := range y.valid() {
		for _, why := range r.Why {
			w := htmlWhy{why.Text.In(t.w.lang), why.Source}
			if !slices.Contains(s.Whys, w) {
				s.Whys = append(s.Whys, w)
			}
		}
	}
}

func (t *htmlTable) eventsOf(s *htmlSection, r *result.Result) {
	for _, e := range r.Events {
		s.Events = append(s.Events, htmlEvent{e.T.Fixed(3), r.System, e.Host, e.Kind, e.Text})
		if e.Host != "" && !slices.Contains(s.HostNames, e.Host) {
			s.HostNames = append(s.HostNames, e.Host)
		}
	}
	slices.Sort(s.HostNames)
}

// trimEvents puts the events of all systems into one order of time and keeps the first ones.
func (t *htmlTable) trimEvents(s *htmlSection) {
	at := func(e htmlEvent) result.Number { n, _ := result.ParseNumber(e.T); return n }
	slices.SortStableFunc(s.Events, func(a, b htmlEvent) int { return at(a).Cmp(at(b)) })
	if n := len(s.Events); n > maxHTMLEvents {
		s.Events = s.Events[:maxHTMLEvents]
		s.EventsOmitted = fmt.Sprintf(t.words.MoreEvents, n-maxHTMLEvents)
	}
}
