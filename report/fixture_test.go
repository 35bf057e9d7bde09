package report

import "github.com/mqsim/mqsim/result"

// The fixtures are written by hand: numbers of the right shape, not the outcome of any run.

// shape is one system of the fixture under a crash of its primary.
type shape struct {
	system, model  string
	from, to       int64 // ms of the outage; equal: none
	how, by        string
	lost           int64
	cause, allowed string
	class          result.Class
	duplicates     int64
	p50, p99       int64 // us
	amplification  int64 // percent
	expect         []result.Expectation
	why            []result.Why
}

func crashShapes() []shape {
	return []shape{
		{system: "kafka", model: "kafka", from: 10_600, to: 24_800, how: "new leader", by: "failover", p50: 1100, p99: 4200, amplification: 203,
			expect: []result.Expectation{{Check: "lost == 0", Pass: true, Actual: "0", Line: 52}, {Check: "failover in 12s..23s", Pass: true, Actual: "14.2 s", Line: 52}}},
		{system: "kafka-acks1", model: "kafka", from: 10_600, to: 24_800, how: "new leader", by: "failover", lost: 3, cause: "unreplicated-tail",
			class: result.Allowed, allowed: "acks=1", p50: 700, p99: 3100, amplification: 203,
			expect: []result.Expectation{{Check: "lost == 0", Pass: false, Actual: "3", Line: 58,
				Because: result.Text{En: "this expectation is here to fail", Zh: "此处故意不成立"}}}},
		{system: "rocketmq", model: "rocketmq", from: 10_600, to: 41_600, how: "same master back", by: "repair", p50: 900, p99: 3000, amplification: 108,
			expect: []result.Expectation{{Check: "lost == 0", Pass: true, Actual: "0", Line: 61}, {Check: "failover >= 30s", Pass: true, Actual: "31 s", Line: 61}},
			why: []result.Why{{Text: result.Text{En: "classic RocketMQ promotes no slave: writes wait for the same master",
				Zh: "经典模式的 RocketMQ 不会提升从节点：写入要等原主节点恢复"}, Source: "BrokerController.java, 4.9", Against: "kafka"}}},
		{system: "rocketmq-2-groups", model: "rocketmq", from: 10_600, to: 10_600, p50: 900, p99: 3000, amplification: 108, duplicates: 2,
			expect: []result.Expectation{{Check: "write_outage <= 1s", Pass: true, Actual: "0 s", Line: 62}}},
		{system: "rabbitmq-classic", model: "rabbitmq", from: 10_600, to: 10_600, lost: 12740, cause: "acked-while-home-down",
			class: result.Known, allowed: "drop-and-ack 3.8-3.10", p50: 2300, p99: 9800, amplification: 0},
		{system: "rabbitmq-mirrored", model: "rabbitmq", from: 10_600, to: 11_020, how: "promoted mirror", by: "failover", p50: 2600, p99: 11_000, amplification: 412,
			expect: []result.Expectation{{Check: "write_outage < 2s", Pass: true, Actual: "420 ms", Line: 64}}},
	}
}

const millis = 1_000_000

// run makes the result of a shape; stretch (ms) lengthens its outage, as another seed would.
func (s shape) run(seed uint64, stretch int64) *result.Result {
	to := s.to
	if to > s.from {
		to += stretch
	}
	gap := (to - s.from) * millis
	r := &result.Result{
		Scenario: "primary-crash", System: s.system, Model: s.model, Seed: seed, Verdict: result.Pass, Digest: "d1",
		Config: result.Config{Set: map[string]string{"producer.acks": "all", "topic.min.insync.replicas": "2"}},
		Window: [2]result.Number{result.Int(2), result.Int(60)}, Ended: result.Seconds(66_200 * millis), EventsTotal: 1234567,
		Metrics: s.metrics(gap), Phases: result.Phases{"steady": {}, "fault": {}, "recovery": {}},
		Faults: []result.Fault{{Name: "crash", Action: "kill", Hosts: []string{"broker-1"}, From: result.Seconds(s.from * millis),
			To: result.Seconds((s.from + 30_000) * millis), TookHold: true, Healed: true, Touched: 1}},
		Series: s.series(to), Why: s.why, Fidelity: []string{"CPU costs are assumptions"}, TraceHash: "h1",
		Expectations: append([]result.Expectation{{Check: "corrupted == 0", Pass: true, Actual: "0", Line: 50},
			{Check: "violations == 0", Pass: true, Actual: "0"}}, s.expect...),
	}
	for _, e := range r.Expectations {
		if !e.Pass {
			r.Verdict = result.Fail
		}
	}
	if gap > 0 {
		for _, kind := range []string{"write", "read"} {
			r.Outages = append(r.Outages, result.Outage{Kind: kind, Scope: "full", From: result.Seconds(s.from * millis), To: result.Seconds(to * millis),
				Fault: "crash", Edge: "start", EndedBy: s.by, EndedHow: s.how})
		}
	}
	if s.lost > 0 {
		r.Losses = []result.Loss{{Cause: s.cause, Class: s.class, By: s.allowed, Count: s.lost, Examples: []string{"p0-20418", "p1-7"}}}
		r.Promises = []result.Promise{{Cause: s.cause, Class: s.class, By: s.allowed, Why: "the leader answers before a follower fetched"}}
	}
	return r
}

func (s shape) metrics(gap int64) result.Metrics {
	served := 58_000*millis - gap
	return result.Metrics{
		"attempted": result.Int(30000), "acked": result.Int(29500), "rejected": result.Int(0), "unknown": result.Int(500),
		"delivered": result.Int(29500 - s.lost), "duplicates": result.Int(s.duplicates), "lost": result.Int(s.lost),
		"write_outage": result.Seconds(gap), "read_outage": result.Seconds(gap),
		"write_served": result.Percent(served, 58_000*millis), "read_served": result.Percent(served, 58_000*millis),
		"p50": result.Seconds(s.p50 * 1000), "p99": result.Seconds(s.p99 * 1000), "amplification": result.Ratio(s.amplification, 100),
	}
}

// series has steps of 200 ms with 100 sends due; what was due in the outage is acked in a burst behind it.
func (s shape) series(to int64) *result.Series {
	out := &result.Series{Step: result.Ratio(2, 10)}
	burst := int64(0)
	for ms := int64(0); ms < 60_000; ms += 200 {
		out.Due = append(out.Due, 100)
		if ms >= s.from && ms < to {
			out.Acked = append(out.Acked, 0)
			burst += 100
			continue
		}
		out.Acked = append(out.Acked, 100+burst)
		burst = 0
	}
	return out
}

func file(results ...*result.Result) *result.File {
	return &result.File{
		Schema: result.Schema, Version: "0.0.1", Results: results,
		Scenarios: []result.Scenario{{Name: "primary-crash", File: "scenarios/primary-crash.yaml", Library: true,
			Title: result.Text{En: "The primary's process is killed and restarts 30 s later", Zh: "主节点进程被杀，30 秒后重启"}}},
	}
}

// crash is one seed of everything.
func crash() *result.File {
	f := file()
	for _, s := range crashShapes() {
		f.Results = append(f.Results, s.run(42, 0))
	}
	return f
}

// crashSeeds is five seeds: outages last longer with each, and the second loses more.
func crashSeeds() *result.File {
	f := file()
	for i, s := range crashShapes() {
		for seed := range uint64(5) {
			r := s.run(seed+1, int64(seed)*700)
			if seed == 1 && s.lost > 0 {
				r.Metrics["lost"] += result.Int(9)
				r.Losses[0].Count += 9
			}
			if seed > 1 && i == 1 {
				r.Verdict, r.Expectations[2].Pass = result.Pass, true
			}
			f.Results = append(f.Results, r)
		}
	}
	return f
}

// troubled has a run that is invalid, one with a violation and one with a broken invariant.
func troubled() *result.File {
	f := crash()
	f.Set = []string{"*.broker.x=a b"}
	f.Scenarios[0].Library = false
	bad := f.Results[0]
	bad.Verdict = result.Invalid
	bad.Invalid = []string{`the fault "crash" did not take hold: the selector primary named broker-1, whose process was already dead`}
	loss := f.Results[5]
	loss.Verdict = result.Fail
	loss.Metrics["lost"], loss.Metrics["violations"] = result.Int(3), result.Int(3)
	loss.Losses = []result.Loss{{Cause: "unsynced-page-cache", Class: result.Violation, Count: 3, Examples: []string{"p0-17", "p0-18", "p1-9"}}}
	loss.Expectations[1].Pass, loss.Expectations[1].Actual = false, "3"
	broken := f.Results[3]
	broken.Verdict = result.Invalid
	broken.Broken = []result.Broken{{Invariant: "slave-equals-master", Detail: "broker-a-1 holds other bytes at offset 4096", T: result.Seconds(12_345 * millis), Step: 88123}}
	f.Results[2].Stuck = "broker-a-1 stays a slave: nothing promotes it"
	f.Results[2].Outages[0].Open = true
	f.Results[2].Outages[0].To = result.Int(60)
	return f
}
