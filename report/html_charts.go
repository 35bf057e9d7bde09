package report

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// sparkCells is the length of a row's curve, chartCells that of a chart: with more steps than that,
// neighbours are put together.
const (
	sparkCells = 75
	chartCells = 600
)

// sparkSVG is the acks of a system over the load.
func sparkSVG(c *curve, full int64) template.HTML {
	if c == nil {
		return ""
	}
	values := make([]int64, len(c.acked))
	for i := range values {
		if c.steps[i] > 0 {
			values[i] = min(24, (24*100*c.acked[i]+full*c.steps[i]/2)/(full*c.steps[i]))
		}
	}
	return template.HTML(`<svg class="spark" viewBox="0 0 ` + strconv.Itoa(len(values)) + ` 25" preserveAspectRatio="none" aria-hidden="true">` +
		`<path d="` + area(values, 25) + `" fill="var(--ack)" opacity=".8"/></svg>`)
}

// buckets puts a series into at most chartCells values by a rule for neighbours.
func buckets(values []int64, join func(a, b int64) int64) (out []int64, per int) {
	per = (len(values) + chartCells - 1) / chartCells
	if per <= 1 {
		return values, 1
	}
	for i := 0; i < len(values); i += per {
		v := values[i]
		for _, w := range values[i+1 : min(i+per, len(values))] {
			v = join(v, w)
		}
		out = append(out, v)
	}
	return out, per
}

func sum(a, b int64) int64 { return a + b }

// steps draws values as a staircase, one unit of x a value: runs of equal values are one command. A value
// below 0 is a break.
func steps(values []int64, height int64) string {
	var b strings.Builder
	at := int64(-1) // where the pen is; -1: up
	for i := 0; i < len(values); {
		run := i
		for run < len(values) && values[run] == values[i] {
			run++
		}
		switch v := values[i]; {
		case v < 0:
			at = -1
		case at < 0:
			fmt.Fprintf(&b, "M%d %dh%d", i, height-v, run-i)
			at = v
		default:
			fmt.Fprintf(&b, "v%dh%d", at-v, run-i)
			at = v
		}
		i = run
	}
	return b.String()
}

// area is the staircase filled down to the ground.
func area(values []int64, height int64) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprintf("M0 %dV%d%sV%dz", height, height-values[0], strings.TrimPrefix(steps(values, height), fmt.Sprintf("M0 %d", height-values[0])), height)
}

// scale maps values to 0..height of a maximum.
func scale(values []int64, top, height int64) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = (2*v*height + top) / (2 * top)
	}
	return out
}

func highest(lists ...[]int64) int64 {
	top := int64(1)
	for _, list := range lists {
		for _, v := range list {
			top = max(top, v)
		}
	}
	return top
}

const chartHeight = 100

func svg(cells int, label, body string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">%s</svg>`,
		max(1, cells), chartHeight, template.HTMLEscapeString(label), body))
}

func stroke(d, colour, extra string) string {
	return `<path d="` + d + `" fill="none" stroke="var(--` + colour + `)" stroke-width="1.3" vector-effect="non-scaling-stroke"` + extra + `/>`
}

// charts are the lanes of numbers: what was due, acknowledged and delivered; latency; lag.
func (t *htmlTable) charts(r *result.Result) []htmlChart {
	s := r.Series
	if s == nil || len(s.Acked) == 0 {
		return nil
	}
	n := min(stepsOf(r), len(s.Acked))
	due, per := buckets(cut(s.Due, n), sum)
	acked, _ := buckets(cut(s.Acked, n), sum)
	delivered, _ := buckets(cut(s.Delivered, n), sum)
	// A burst after an outage may go beyond the frame: twice what falls due is enough to see it.
	top := max(highest(acked, delivered), 1)
	if d := highest(due); d > 1 {
		top = min(top, 2*d)
		top = max(top, d)
	}
	clip := func(v []int64) []int64 {
		out := scale(v, top, chartHeight)
		for i := range out {
			out[i] = min(out[i], chartHeight)
		}
		return out
	}
	body := `<path d="` + area(clip(acked), chartHeight) + `" fill="var(--ack)" opacity=".55"/>` + stroke(steps(clip(delivered), chartHeight), "dlv", "") +
		stroke(steps(clip(due), chartHeight), "mute", ` stroke-dasharray="2 3" opacity=".7"`)
	rate := result.PerSecond(top, int64(per)*s.Step.Nanoseconds())
	charts := []htmlChart{{Label: t.words.RateChart, Max: rate.Fixed(0) + "/s", SVG: svg(len(acked), t.words.RateChart, body)}}
	p50, p99 := logSeries(s.P50, n), logSeries(s.P99, n)
	if highest(p99) > 1 {
		body = stroke(steps(p99, logHeight), "p99", "") + stroke(steps(p50, logHeight), "p50", "")
		charts = append(charts, htmlChart{Label: t.words.LatencyChart, Max: "0.1 ms–100 s",
			SVG: template.HTML(strings.Replace(string(svg(len(p99), t.words.LatencyChart, body)), " "+strconv.Itoa(chartHeight)+`"`, " "+strconv.Itoa(logHeight)+`"`, 1))})
	}
	lag, _ := buckets(cut(s.Lag, n), func(a, b int64) int64 { return max(a, b) })
	if top := highest(lag); top > 1 {
		charts = append(charts, htmlChart{Label: t.words.LagChart, Max: strconv.FormatInt(top, 10), Low: true,
			SVG: svg(len(lag), t.words.LagChart, `<path d="`+area(scale(lag, top, chartHeight), chartHeight)+`" fill="var(--lag)" opacity=".6"/>`)})
	}
	return charts
}

func cut(values []int64, n int) []int64 { return values[:min(n, len(values))] }

// logHeight is six decades of twenty steps, from 0.1 ms to 100 s.
const logHeight = 6 * 20

// decade holds 10^(i/20), in hundredths: a logarithm in whole numbers is the same on every machine.
var decade = [20]int64{100, 112, 126, 141, 158, 178, 200, 224, 251, 282, 316, 355, 398, 447, 501, 562, 631, 708, 794, 891}

// logSeries places latencies on the logarithmic axis; -1 where nothing was measured.
func logSeries(values []result.Number, n int) []int64 {
	out := make([]int64, min(n, len(values)))
	for i := range out {
		out[i] = logOf(values[i])
	}
	out, _ = buckets(out, func(a, b int64) int64 { return max(a, b) })
	return out
}

func logOf(n result.Number) int64 {
	if n.IsNever() {
		return -1
	}
	us := n.Nanoseconds() / 1000
	if us <= 100 {
		return 0
	}
	base, at := int64(100), int64(0) // hundredths of a microsecond times 100
	for us >= base*10 && at < 100 {
		base *= 10
		at += 20
	}
	for i := len(decade) - 1; i >= 0; i-- {
		if us*100 >= base*decade[i] {
			return min(at+int64(i), logHeight)
		}
	}
	return at
}

// flowSVG draws the fate of messages: what producers were told, where the message was in the end, who
// received it. Bands are as thick as their share; nothing is thinner than can be seen.
func flowSVG(flow []result.Flow, w htmlWords) template.HTML {
	if len(flow) == 0 {
		return ""
	}
	const height, gap, left, mid, right, bar = 170, 16, 2, 168, 390, 8
	total := int64(0)
	for _, f := range flow {
		total += f.Count
	}
	thick := func(n int64) int64 { return max(2, n*(height-int64(len(flow))*gap/2)/max(1, total)) }
	columns := [3]*flowColumn{{x: left, y: map[string]int64{}}, {x: mid, y: map[string]int64{}}, {x: right, y: map[string]int64{}}}
	for c, column := range columns {
		at := int64(14)
		for _, name := range column.order(flow, c) {
			column.y[name] = at
			h := int64(0)
			for _, f := range flow {
				if part(f, c) == name {
					h += thick(f.Count)
				}
			}
			column.nodes = append(column.nodes, flowNode{name, at, h})
			at += h + gap
		}
	}
	bottom := int64(height)
	var b strings.Builder
	for c := range 2 {
		from, to := map[string]int64{}, map[string]int64{}
		for _, f := range flow {
			h := thick(f.Count)
			a, z := part(f, c), part(f, c+1)
			y1, y2 := columns[c].y[a]+from[a], columns[c+1].y[z]+to[z]
			from[a] += h
			to[z] += h
			x1, x2 := columns[c].x+bar, columns[c+1].x
			fmt.Fprintf(&b, `<path d="M%d %dC%d %d %d %d %d %dv%dC%d %d %d %d %d %dz" fill="var(--%s)" opacity=".4"><title>%s</title></path>`,
				x1, y1, (x1+x2)/2, y1, (x1+x2)/2, y2, x2, y2, h, (x1+x2)/2, y2+h, (x1+x2)/2, y1+h, x1, y1+h, fateColour(f),
				template.HTMLEscapeString(fmt.Sprintf("%s → %s → %s: %d (%s)", w.fate(f.Told), w.fate(f.Stored), w.fate(f.Received), f.Count, strings.Join(f.Examples, ", "))))
		}
	}
	for c, column := range columns {
		anchor, dx := "start", int64(bar+4)
		if c == 2 {
			anchor, dx = "end", -4
		}
		for _, node := range column.nodes {
			n := int64(0)
			for _, f := range flow {
				if part(f, c) == node.name {
					n += f.Count
				}
			}
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="var(--ink)" opacity=".75" rx="1"/><text x="%d" y="%d" text-anchor="%s">%s <tspan class="cap">%d</tspan></text>`,
				column.x, node.y, bar, node.h, column.x+dx, node.y+min(node.h/2, 60)+4, anchor, template.HTMLEscapeString(w.fate(node.name)), n)
			bottom = max(bottom, node.y+node.h+8)
		}
	}
	heads := fmt.Sprintf(`<text class="cap" x="%d" y="9">%s</text><text class="cap" x="%d" y="9">%s</text><text class="cap" x="%d" y="9" text-anchor="end">%s</text>`,
		left, w.Told, mid, w.Stored, right+bar, w.Received)
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 400 %d" role="img" aria-label="%s">%s%s</svg>`, bottom, template.HTMLEscapeString(w.Flow), heads, b.String()))
}

type flowColumn struct {
	x     int64
	y     map[string]int64
	nodes []flowNode
}

type flowNode struct {
	name string
	y, h int64
}

// order is that of first appearance.
func (*flowColumn) order(flow []result.Flow, c int) (names []string) {
	seen := map[string]bool{}
	for _, f := range flow {
		if name := part(f, c); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func part(f result.Flow, c int) string { return [3]string{f.Told, f.Stored, f.Received}[c] }

func fateColour(f result.Flow) string {
	switch {
	case f.Told == "acked" && f.Received == "never":
		return "loud"
	case f.Told == "rejected":
		return "mute"
	case f.Told == "unknown" || f.Received == "again":
		return "dlv"
	}
	return "ack"
}
