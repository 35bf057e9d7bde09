package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// comparison prints the sentence that compares the systems and the rules behind what surprises.
func (t *table) comparison() {
	if sentence := t.sentence(); sentence != "" {
		t.line()
		t.paragraph(cell{}, cell{text: sentence}, 0)
	}
	t.stuck()
	t.cpuLimited()
	t.whys()
}

// sentence says what differs. A single seed is one history: it is told, not generalised. Over several
// seeds an order is claimed only between groups whose ranges do not touch.
func (t *table) sentence() string {
	var valid []*system
	for _, y := range t.s.systems {
		if len(y.valid()) > 0 && y.stat("write_outage").n > 0 {
			valid = append(valid, y)
		}
	}
	if len(valid) < 2 {
		return ""
	}
	text := ""
	if len(t.s.seeds) == 1 {
		text = t.oneHistory(valid)
	} else {
		text = t.ranking(valid)
	}
	return text + t.losers(valid) + t.w.stop
}

// oneHistory names who stood still longest, how that ended, and who not at all.
func (t *table) oneHistory(systems []*system) string {
	var longestOf, none []string
	top, how := result.Number(0), ""
	for _, y := range systems {
		top = max(top, y.stat("write_outage").max)
	}
	for _, y := range systems {
		switch d := y.stat("write_outage").max; {
		case d == 0:
			none = append(none, unbroken(y.name))
		case span(d) == span(top):
			longestOf = append(longestOf, unbroken(y.name))
			how = t.howEnded(y, "write")
		}
	}
	seed := fmt.Sprintf(t.w.seed, t.s.seeds[0])
	zh := t.w.lang == "zh"
	if top == 0 {
		return pick(zh, seed+" 下所有系统的写入都没有中断", "With "+seed+" writes stood still in no system")
	}
	value := span(top)
	if how != "" && len(longestOf) == 1 {
		value += t.w.clause + how
	}
	shortest := ""
	if len(none) > 0 {
		shortest = pick(zh, "，"+t.w.list(none)+" 没有中断", " and not at all in "+t.w.list(none))
	}
	if zh {
		return fmt.Sprintf("%s 下写入中断最长的是 %s（%s）%s", seed, t.w.list(longestOf), value, shortest)
	}
	return fmt.Sprintf("With %s writes stood still longest in %s (%s)%s", seed, t.w.list(longestOf), value, shortest)
}

// cluster is a group of systems whose ranges touch, directly or through others of the group.
type cluster struct {
	names    []string
	min, max result.Number
}

// clusters groups systems by their write outage, the shortest first.
func clusters(systems []*system) []cluster {
	sorted := slices.Clone(systems)
	slices.SortStableFunc(sorted, func(a, b *system) int {
		return a.stat("write_outage").min.Cmp(b.stat("write_outage").min)
	})
	var out []cluster
	for _, y := range sorted {
		s := y.stat("write_outage")
		if last := len(out) - 1; last >= 0 && s.min.Cmp(out[last].max) <= 0 {
			out[last].names = append(out[last].names, unbroken(y.name))
			out[last].max = latest(out[last].max, s.max)
			continue
		}
		out = append(out, cluster{[]string{unbroken(y.name)}, s.min, s.max})
	}
	return out
}

// ranking orders the groups over all seeds.
func (t *table) ranking(systems []*system) string {
	zh := t.w.lang == "zh"
	groups := clusters(systems)
	n := len(t.s.seeds)
	if len(groups) == 1 {
		if groups[0].max == 0 {
			return pick(zh, fmt.Sprintf("%d 个种子下所有系统的写入都没有中断", n), fmt.Sprintf("Over %d seeds writes stood still in no system", n))
		}
		return pick(zh, fmt.Sprintf("%d 个种子下各系统写中断的范围相互重叠（%s），不能排序", n, t.rangeText(groups[0])),
			fmt.Sprintf("Over %d seeds the ranges of the write outages touch (%s): no order can be told", n, t.rangeText(groups[0])))
	}
	var parts []string
	for _, g := range groups {
		note := t.rangeText(g)
		if g.max == 0 {
			note = t.w.none
		} else if len(g.names) > 1 {
			note += pick(zh, "，彼此重叠", ", these touch")
		}
		parts = append(parts, t.w.list(g.names)+pick(zh, "（"+note+"）", " ("+note+")"))
	}
	if zh {
		return fmt.Sprintf("%d 个种子下写中断的范围互不重叠，由短到长：%s", n, strings.Join(parts, "、"))
	}
	return fmt.Sprintf("Over %d seeds the ranges of the write outage do not touch, shortest first: %s", n, strings.Join(parts, ", "))
}

func (t *table) rangeText(g cluster) string {
	if g.min == g.max {
		return span(g.min)
	}
	return between(t.st, g.min, g.max)
}

// losers adds who lost most of what it had acknowledged: an outage of nothing is no virtue if the
// messages went nowhere.
func (t *table) losers(systems []*system) string {
	type loser struct {
		name string
		lost stat
	}
	var all []loser
	for _, y := range systems {
		if s := y.stat("lost"); s.n > 0 && s.max > 0 {
			all = append(all, loser{y.name, s})
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b loser) int { return b.lost.max.Cmp(a.lost.max) })
	var parts []string
	for i, l := range all {
		if i == 3 {
			parts = append(parts, fmt.Sprintf(pick(t.w.lang == "zh", "另外 %d 个系统", "%d more"), len(all)-3))
			break
		}
		amount := plainNumber(l.lost.median, 0)
		if l.lost.spread() {
			amount = t.numberRange(l.lost, 0)
		}
		parts = append(parts, unbroken(l.name+" ("+amount+")"))
	}
	return pick(t.w.lang == "zh", "；已确认却丢失的消息：", "; acked messages lost: ") + t.w.list(parts)
}

func (t *table) stuck() {
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			if r.Stuck != "" {
				t.paragraph(cell{}, cell{text: fmt.Sprintf(t.w.stuck, unbroken(y.name), r.Stuck)}, 2)
				break
			}
		}
	}
}

// cpuLimited names the systems whose rates the report must not compare: CPU costs are assumptions.
func (t *table) cpuLimited() {
	var names []string
	for _, y := range t.s.systems {
		if s := y.stat("busy_cpu"); s.n > 0 && s.median >= result.Int(95) {
			names = append(names, unbroken(y.name))
		}
	}
	if len(names) > 0 {
		t.paragraph(cell{}, cell{text: fmt.Sprintf(t.w.cpu, t.w.list(names))}, 2)
	}
}

// whys prints each rule once, with the systems that it explains and its source.
func (t *table) whys() {
	type rule struct {
		why   result.Why
		about []string
	}
	var rules []rule
	for _, y := range t.s.systems {
		for _, r := range y.valid() {
			for _, why := range r.Why {
				who := unbroken(y.name)
				if why.Against != "" {
					who = fmt.Sprintf(t.w.against, who, unbroken(why.Against))
				}
				i := slices.IndexFunc(rules, func(o rule) bool { return o.why.Text == why.Text && o.why.Source == why.Source })
				if i < 0 {
					i = len(rules)
					rules = append(rules, rule{why: why})
				}
				if !slices.Contains(rules[i].about, who) {
					rules[i].about = append(rules[i].about, who)
				}
			}
		}
	}
	for _, r := range rules {
		text := fmt.Sprintf(t.w.why, t.w.list(r.about)) + t.w.colon + r.why.Text.In(t.w.lang)
		if r.why.Source != "" {
			text += " [" + unbroken(r.why.Source) + "]"
		}
		t.paragraph(cell{}, cell{text: text}, 2)
	}
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
