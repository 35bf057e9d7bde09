package report

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// words are the report's own words in one language. Texts of scenarios and models come from the result.
type words struct {
	lang string
	// titles of the columns
	system, writes, reads, served, acked, lost, duplicates, latency, amplification, acks string
	// cells
	none, nowhere, open, failover, repair, invalid, times, allowedBy, knownAs, violation, more string
	// headings and lines
	expectations, holds, fails, actual, actualSeed, failsIn, because, all, seed, seeds, head, headSeeds,
	reproduce, why, against, stuck, verbose string
	noResults, invalidRun, violationRun, violationHint, brokenRun, brokenHint, brokenAt string
	// verbose
	story, promises, config, faults, operations, fidelity, tookHold, notHeld, notHealed, absorbed, never, refused, touched string
	// comma stands between the items of a list, clause between the parts of a sentence.
	comma, clause, and, stop, colon, cpu, lostBy string
}

var english = words{
	lang:   "en",
	system: "system", writes: "longest write outage", reads: "longest read outage", served: "served in time\nwrite / read",
	acked: "acked", lost: "lost, by what", duplicates: "dup", latency: "p50 / p99", amplification: "amplif.", acks: "acks over time",
	none: "none", nowhere: "none, but %s acked into nowhere", open: "still open", failover: "failover", repair: "after the repair",
	invalid: "INVALID: no numbers", times: "%s %dx", allowedBy: "allowed by %s", knownAs: "known: %s", violation: "VIOLATION", more: "and %d more",
	expectations: "EXPECTATIONS", holds: "%d hold", fails: "%d FAIL", actual: "was %s", actualSeed: "was %s with seed %d", failsIn: "fails with %d of %d seeds",
	because: "because %s", all: "all %d systems", seed: "seed %d", seeds: "seeds %s",
	head:      "%s: %s s of load, measured from %s s, %s",
	headSeeds: "cells: median, below it the range over the seeds",
	reproduce: "Reproduce:", why: "Why %s", against: "%s against %s", stuck: "%s stays broken: %s",
	noResults:  "No results.",
	invalidRun: "INVALID", violationRun: "VIOLATION", brokenRun: "BROKEN INVARIANT",
	violationHint: "no setting and no known defect of this version allows it: most likely a bug of mqsim",
	brokenHint:    "this is a bug of mqsim, not a finding about a broker: please report seed and step",
	brokenAt:      "at %s s, step %d",
	story:         "BIOGRAPHY",
	promises:      "NOT PROMISED", config: "CONFIGURATION", faults: "FAULTS", operations: "OPERATIONS", fidelity: "ASSUMED OR LEFT OUT",
	tookHold: "took hold", notHeld: "DID NOT TAKE HOLD", notHealed: "not undone", absorbed: "absorbed", never: "never", refused: "refused", touched: "touched %d",
	comma: ", ", clause: ", ", and: " and ", stop: ".", colon: ": ", lostBy: "%d lost by %s",
	cpu: "The CPU was the limit in %s: its throughput is not to be compared with that of another broker.",
}

var chinese = words{
	lang:   "zh",
	system: "系统", writes: "最长写中断", reads: "最长读中断", served: "及时率\n写 / 读",
	acked: "已确认", lost: "丢失及原因", duplicates: "重复", latency: "p50 / p99", amplification: "放大", acks: "确认曲线",
	none: "无", nowhere: "无，但 %s 的确认有去无回", open: "至今未恢复", failover: "故障切换", repair: "修复之后",
	invalid: "INVALID（无效）", times: "%s %d 次", allowedBy: "%s 允许", knownAs: "已知：%s", violation: "VIOLATION（违约）", more: "另有 %d 种",
	expectations: "期望", holds: "%d 项成立", fails: "%d 项不成立（FAIL）", actual: "实际为 %s", actualSeed: "种子 %[2]d 时实际为 %[1]s", failsIn: "%[2]d 个种子中有 %[1]d 个不成立",
	because: "因为 %s", all: "全部 %d 个系统", seed: "种子 %d", seeds: "种子 %s",
	head:      "%s：负载 %s 秒，从第 %s 秒起计量，%s",
	headSeeds: "单元格：中位数，其下为各种子的范围",
	reproduce: "重现:", why: "原因（%s）", against: "%s 对比 %s", stuck: "%s 没有恢复：%s",
	noResults:  "没有结果。",
	invalidRun: "INVALID（无效）", violationRun: "VIOLATION（违约）", brokenRun: "BROKEN INVARIANT（不变量被破坏）",
	violationHint: "没有配置、也没有该版本的已知缺陷允许它：很可能是 mqsim 的错误",
	brokenHint:    "这是 mqsim 的错误，不是对 broker 的结论：请报告种子与步数",
	brokenAt:      "第 %s 秒，第 %d 步",
	story:         "消息的经历",
	promises:      "不保证的", config: "配置", faults: "故障", operations: "操作", fidelity: "假设与省略",
	tookHold: "已生效", notHeld: "没有生效", notHealed: "未撤销", absorbed: "被吸收", never: "从未", refused: "被拒绝", touched: "触及 %d 次",
	comma: "、", clause: "，", and: " 和 ", stop: "。", colon: "：", lostBy: "%d 条消息因 %s 丢失",
	cpu: "%s 受 CPU 限制：其吞吐量不应与其他 broker 比较。",
}

func wordsOf(lang string) words {
	if lang == "zh" {
		return chinese
	}
	return english
}

// endings are the ways an outage ends that results name; any other is printed as it is.
var endings = map[string]string{
	"new leader":          "新 leader",
	"same leader again":   "原 leader 再次当选",
	"same broker back":    "原 broker 恢复",
	"same master back":    "原主节点恢复",
	"same node back":      "原节点恢复",
	"mirror promoted":     "镜像被提升",
	"promoted mirror":     "镜像被提升",
	"slave promoted":      "从节点被提升",
	"clients reconnected": "客户端重新连接",
	"clients tried again": "客户端重试",
	"link healed":         "链路恢复",
	"fault lifted":        "故障解除",
	"process resumed":     "进程恢复运行",
	"ISR shrank":          "ISR 收缩",
}

// ending says how an outage ended.
func (w words) ending(o result.Outage) string {
	switch {
	case o.Open:
		return w.open
	case o.EndedHow != "" && w.lang == "zh" && endings[o.EndedHow] != "":
		return endings[o.EndedHow]
	case o.EndedHow != "":
		return o.EndedHow
	case o.EndedBy == "failover":
		return w.failover
	case o.EndedBy == "repair":
		return w.repair
	}
	return ""
}

// list joins "a, b and c".
func (w words) list(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], w.comma) + w.and + items[last]
}

// count names a number of systems.
func (w words) systems(n int) string {
	switch {
	case w.lang == "zh":
		return fmt.Sprintf("%d 个系统", n)
	case n == 1:
		return "1 system"
	}
	return fmt.Sprintf("%d systems", n)
}
