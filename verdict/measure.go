package verdict

import (
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// gaugeInput is what one measurement reads: the facts, what was found wrong, and the outages of the
// selection over the whole window.
type gaugeInput struct {
	*facts
	found         *findings
	writes, reads service
}

// measure computes every metric that exists for a part of a run: for the periods and the scope of a
// selection. A send belongs to the period of its due time; an ack, a delivery or a loss to that of
// the ack or delivery; a latency to that of the due time; outages are cut at the borders.
func (in *gaugeInput) measure(sel *selection) result.Metrics {
	m := result.Metrics{}
	window := sel.when.clip(in.Warmup, in.Duration)
	in.measureSends(m, sel, window)
	in.measureLosses(m, sel)
	in.measureDeliveries(m, sel, window)
	in.measureAnomalies(m, sel)
	in.measureLatency(m, sel, window)
	in.measureOutages(m, "write", in.writes, window)
	if len(in.reads.full) > 0 {
		in.measureOutages(m, "read", in.reads, window)
		in.measureReadServed(m, sel, window)
	}
	return m
}

func (in *gaugeInput) measureSends(m result.Metrics, sel *selection, window periods) {
	var attempted, acked, rejected, unknown, nacked, returned, due, served, inWindow int64
	statuses := make([]int64, max(len(in.h.Statuses), 1))
	for i := range in.sends {
		if !sel.sent(i) {
			continue
		}
		s := &in.sends[i]
		outcome := s.Outcome()
		if sel.when.has(s.Due) {
			attempted++
			switch outcome {
			case models.Rejected:
				rejected++
			case models.Unknown:
				unknown++
			}
		}
		if !s.Backlog() && window.has(s.Due) {
			due++
			if outcome == models.Acked && s.Done-s.Due <= in.SLO {
				served++
			}
		}
		if !sel.when.has(s.Done) {
			continue
		}
		if outcome == models.Acked {
			acked++
			if window.has(s.Done) {
				inWindow++
			}
		}
		if s.Nacked() {
			nacked++
		}
		if s.Returned() {
			returned++
		}
		statuses[s.Status]++
	}
	for _, r := range in.h.Repeated {
		if i := in.index(r.ID); sel.sent(i) && sel.when.has(r.At) {
			nacked += flag(r.Nacked)
			returned += flag(r.Returned)
		}
	}
	missed := int64(0)
	for k := range in.h.Missed {
		if miss := &in.h.Missed[k]; sel.missed(miss) {
			missed += flag(sel.when.has(miss.Due))
			due += flag(window.has(miss.Due))
		}
	}
	m["attempted"], m["acked"] = result.Int(attempted), result.Int(acked)
	m["rejected"], m["unknown"] = result.Int(rejected), result.Int(unknown)
	m["not_attempted"] = result.Int(missed)
	m["write_served"] = result.Percent(served, due)
	m["throughput"] = result.PerSecond(inWindow, int64(window.length()))
	in.answers(m, "nacked", nacked)
	in.answers(m, "returned", returned)
	for status, n := range statuses {
		if n > 0 && status > 0 {
			m["send_status."+in.h.Statuses[status]] = result.Int(n)
		}
	}
}

// answers reports an answer that only some products give.
func (in *gaugeInput) answers(m result.Metrics, name string, n int64) {
	if n > 0 || in.has(name) {
		m[name] = result.Int(n)
	}
}

func (in *Input) has(own string) bool {
	return slices.ContainsFunc(in.Own, func(w models.Word) bool { return w.Name == own })
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// measureLosses counts what is lost, by cause and by the status of its ack.
func (in *gaugeInput) measureLosses(m result.Metrics, sel *selection) {
	var lost, stranded int64
	why, status := map[string]int64{}, make([]int64, max(len(in.h.Statuses), 1))
	for k, i := range in.lostList {
		s := &in.sends[i]
		if !sel.sent(int(i)) || !sel.when.has(s.Done) {
			continue
		}
		lost++
		stranded += flag(s.OnDisk())
		why[in.found.causes[k]]++
		status[s.Status]++
	}
	for cause, n := range why { //mqsim:unordered each adds to a metric of its own
		m["lost."+cause] += result.Int(n)
	}
	for i, n := range status {
		if i > 0 && n > 0 {
			m["lost."+in.h.Statuses[i]] += result.Int(n)
		}
	}
	m["lost"], m["stranded"] = result.Int(lost), result.Int(stranded)
}

// measureDeliveries counts messages: what several groups receive counts once, unless the selection is
// one of them.
func (in *gaugeInput) measureDeliveries(m result.Metrics, sel *selection, window periods) {
	var unique, late, duplicates, redelivered, inWindow int64
	first := workload.FirstOfAll
	if sel.oneGroup() {
		first = workload.First
	}
	for k := range in.h.Deliveries {
		d := &in.h.Deliveries[k]
		if !sel.when.has(d.At) || !sel.delivered(d) || d.Flags&workload.Corrupted != 0 {
			continue
		}
		redelivered += flag(d.Flags&workload.Redelivered != 0)
		duplicates += flag(d.Flags&workload.First == 0)
		if d.Flags&first != 0 && in.messages[k] >= 0 {
			unique++
			late += flag(d.At >= in.Duration)
			inWindow += flag(window.has(d.At))
		}
	}
	m["delivered"], m["late"] = result.Int(unique), result.Int(late)
	m["duplicates"], m["redelivered"] = result.Int(duplicates), result.Int(redelivered)
	m["delivered_rate"] = result.PerSecond(inWindow, int64(window.length()))
}

// measureAnomalies counts what is wrong beside losses.
func (in *gaugeInput) measureAnomalies(m result.Metrics, sel *selection) {
	for _, kind := range []anomaly{reordered, phantom, corrupted, skipped} {
		n := int64(0)
		for _, o := range in.found.by[kind] {
			if sel.when.has(o.at) && in.selected(sel, o) {
				n++
			}
		}
		m[metricOf[kind]] = result.Int(n)
	}
}

func (in *gaugeInput) selected(sel *selection, o occurrence) bool {
	if sel.all() {
		return true
	}
	if o.delivery >= 0 {
		return sel.delivered(&in.h.Deliveries[o.delivery])
	}
	if o.message >= 0 {
		return sel.sent(int(o.message))
	}
	return sel.parts != nil && sel.parts[in.partSlot(o.part)]
}

func (in *gaugeInput) measureLatency(m result.Metrics, sel *selection, window periods) {
	list := in.scratch[:0]
	for _, l := range in.latencies {
		if window.has(l.due) && sel.sent(int(l.i)) {
			list = append(list, l.took)
		}
	}
	quantiles(m, "", list)
	list = list[:0]
	for _, l := range in.e2e {
		if window.has(l.due) && (sel.all() || sel.delivered(&in.h.Deliveries[l.i])) {
			list = append(list, l.took)
		}
	}
	quantiles(m, "e2e_", list)
	in.scratch = list
}

func quantiles(m result.Metrics, prefix string, sorted []sim.Time) {
	for _, q := range [...]struct {
		name     string
		perMille int
	}{{"p50", 500}, {"p99", 990}, {"p999", 999}, {"max", 1000}} {
		v := result.Never
		if len(sorted) > 0 {
			v = seconds(quantile(sorted, q.perMille))
		}
		m[prefix+q.name] = v
	}
}

// measureOutages reports the worst of several groups, and the mean over single streams.
func (in *gaugeInput) measureOutages(m result.Metrics, kind string, s service, window periods) {
	var outage, unavailable, partial, sum sim.Time
	for _, gaps := range s.full {
		gaps = cut(gaps, window)
		outage, unavailable = max(outage, longest(gaps)), max(unavailable, total(gaps))
	}
	for _, gaps := range s.streams {
		gaps = cut(gaps, window)
		partial = max(partial, longest(gaps))
		sum += total(gaps)
	}
	length := int64(window.length())
	m[kind+"_outage"], m[kind+"_outage_partial"] = seconds(outage), seconds(partial)
	m[kind+"_unavailable"] = seconds(unavailable)
	m[kind+"_availability"] = result.Percent(length-int64(unavailable), length)
	all := length * int64(max(len(s.streams), 1))
	m[kind+"_availability_partial"] = result.Percent(all-int64(sum), all)
}

// measureReadServed counts, over all groups that read before the drain, the messages acked in the
// window that the group received within slo of their ack.
func (in *gaugeInput) measureReadServed(m result.Metrics, sel *selection, window periods) {
	var acked, served int64
	for _, g := range in.reads.groups {
		at := in.received[g].at
		for _, a := range in.acks {
			i := int(a.i)
			if !window.has(a.at) || !sel.sent(i) || !in.owed(g, i, in.subscribed) {
				continue
			}
			acked++
			if at[i] != never && at[i]-a.at <= in.SLO {
				served++
			}
		}
	}
	m["read_served"] = result.Percent(served, acked)
}

// seconds keeps null for what does not end.
func seconds(t sim.Time) result.Number {
	if t == never {
		return result.Never
	}
	return result.Seconds(int64(t))
}
