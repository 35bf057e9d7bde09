package sweep

import (
	"fmt"
	"html/template"
	"io"

	"github.com/mqsim/mqsim/result"
)

const bins = 24

// bar is one bar of a histogram, in units of its drawing.
type bar struct {
	X, Y, H int
	Title   string
}

type chart struct {
	System, Metric, From, To string
	Bars                     []bar
}

type htmlPage struct {
	*Summary
	Overview map[string][][]string
	Names    []string
	Charts   map[string][]chart
	Rows     [][]string
}

// page is one file without scripts or anything to load.
var page = template.Must(template.New("sweep").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>mqsim sweep</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{border-bottom:1px solid #ccc;padding:.2rem .8rem .2rem 0;text-align:left}
figure{display:inline-block;margin:.5rem 1.5rem .5rem 0}figcaption{font-size:.85rem}rect{fill:#3a6ea5}
@media (prefers-color-scheme: dark){body{color:#ddd;background:#181818}rect{fill:#7fb0e0}}
</style>
<h1>mqsim sweep</h1><p>{{.What}}{{if not .Complete}} <strong>Interrupted: what is known so far.</strong>{{end}}</p>
{{range $name := .Names}}<h2>{{$name}}</h2>
{{template "grid" index $.Overview $name}}
{{range index $.Charts $name}}<figure><svg width="264" height="104" role="img" aria-label="histogram of {{.Metric}}, {{.System}}">
{{range .Bars}}<rect x="{{.X}}" y="{{.Y}}" width="10" height="{{.H}}"><title>{{.Title}}</title></rect>{{end}}</svg>
<figcaption>{{.System}}: {{.Metric}}, {{.From}} to {{.To}}</figcaption></figure>
{{end}}{{end}}
<h2>Findings</h2>{{if .Findings}}{{template "grid" .Rows}}{{else}}<p>No promise was violated, no invariant broke, everything converged.</p>{{end}}
</html>
{{define "grid"}}<table>{{range $i, $r := .}}<tr>{{range $r}}{{if $i}}<td>{{.}}</td>{{else}}<th>{{.}}</th>{{end}}{{end}}</tr>{{end}}</table>{{end}}`))

func (s *Summary) html(w io.Writer) error {
	p := htmlPage{Summary: s, Overview: map[string][][]string{}, Names: s.scenarios(), Charts: map[string][]chart{}, Rows: s.findings()}
	for _, name := range p.Names {
		p.Overview[name] = s.overview(name)
		for _, metric := range shown {
			for _, c := range s.of(name) {
				for _, d := range c.Distributions {
					if d.Metric == metric && d.Min != d.Max && len(d.values) > 0 {
						p.Charts[name] = append(p.Charts[name], d.chart(c.System))
					}
				}
			}
		}
	}
	return page.Execute(w, p)
}

// chart counts the values in bins of equal width; what never ended is the last bar of all.
func (d Distribution) chart(system string) chart {
	top := d.Min
	for _, v := range d.values {
		if !v.IsNever() {
			top = max(top, v)
		}
	}
	if d.Min.IsNever() {
		top = 0
	}
	counts := make([]int, bins+1)
	span := max(1, int64(top-d.Min))
	for _, v := range d.values {
		switch {
		case v.IsNever():
			counts[bins]++
		default:
			counts[min(bins-1, int(float64(v-d.Min)/float64(span)*bins))]++
		}
	}
	highest := 1
	for _, n := range counts {
		highest = max(highest, n)
	}
	c := chart{System: system, Metric: d.Metric, From: cell(d.Metric, d.Min), To: cell(d.Metric, d.Max)}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		h := max(2, 100*n/highest)
		from := d.Min + result.Number(span*int64(i)/bins)
		title := fmt.Sprintf("from %s: %d runs", cell(d.Metric, from), n)
		if i == bins {
			title = fmt.Sprintf("never: %d runs", n)
		}
		c.Bars = append(c.Bars, bar{X: i * 10, Y: 102 - h, H: h, Title: title})
	}
	return c
}
