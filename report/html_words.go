package report

import "github.com/mqsim/mqsim/result"

// htmlWords are the words of the page beside those of the table.
type htmlWords struct {
	lang                                                                                    string
	Theme, DeterministicNote, NoResults                                                     string
	Expectations, Timeline, Flow, Events, Details, Faults, Operations, Config, Promises     string
	Metrics, Fidelity, Reproduce, Filter, System, EverySystem, Host, EveryHost              string
	Writes, Reads, WriteStrip, ReadStrip, StripAria, RateChart, LatencyChart, LagChart      string
	LegendLead, LegendSync, LegendBehind, LegendPaused, LegendDown, LegendCoord, LegendIdle string
	Told, Stored, Received, Defaults, MoreEvents                                            string
	verdicts                                                                                map[result.Verdict]string
	fates                                                                                   map[string]string
}

func (w htmlWords) verdict(v result.Verdict) string { return w.verdicts[v] }

// fate translates a word of the flow; words that results may add later stay as they are.
func (w htmlWords) fate(word string) string {
	if text := w.fates[word]; text != "" {
		return text
	}
	return word
}

func htmlWordsOf(lang string) htmlWords {
	if lang == "zh" {
		return htmlChinese
	}
	return htmlEnglish
}

var htmlEnglish = htmlWords{
	lang: "en", Theme: "Light / dark", DeterministicNote: "deterministic: equal scenario, seed and version give this page again", NoResults: "No results.",
	Expectations: "Expectations", Timeline: "One time axis for all", Flow: "What became of the messages", Events: "Events", Details: "Configuration, promises, assumptions",
	Faults: "Faults", Operations: "Operations", Config: "Set by the scenario", Promises: "Not promised", Metrics: "All metrics", Fidelity: "Assumed or left out",
	Reproduce: "Reproduce:", Filter: "filter events", System: "system", EverySystem: "every system", Host: "host", EveryHost: "every host",
	Writes: "writes:", Reads: "reads:", WriteStrip: "can write", ReadStrip: "can read", StripAria: "%s: %d outages",
	RateChart: "acked, delivered /s", LatencyChart: "p50, p99 (log)", LagChart: "lag",
	LegendLead: "leads", LegendSync: "in sync", LegendBehind: "behind", LegendPaused: "paused", LegendDown: "down", LegendCoord: "coordination", LegendIdle: "idle",
	Told: "told", Stored: "stored", Received: "received", Defaults: "%d defaults of this version", MoreEvents: "%d more events are in the JSON.",
	verdicts: map[result.Verdict]string{result.Pass: "all expectations hold", result.Fail: "FAILED", result.Invalid: "INVALID"},
	fates:    map[string]string{"no": "not stored", "never": "by nobody"},
}

var htmlChinese = htmlWords{
	lang: "zh", Theme: "浅色 / 深色", DeterministicNote: "确定性：相同的场景、种子与版本得到相同的页面", NoResults: "没有结果。",
	Expectations: "期望", Timeline: "所有系统同一时间轴", Flow: "消息的去向", Events: "事件", Details: "配置、承诺与假设",
	Faults: "故障", Operations: "操作", Config: "场景所设", Promises: "不保证的", Metrics: "全部指标", Fidelity: "假设与省略",
	Reproduce: "复现：", Filter: "筛选事件", System: "系统", EverySystem: "所有系统", Host: "主机", EveryHost: "所有主机",
	Writes: "写：", Reads: "读：", WriteStrip: "可写", ReadStrip: "可读", StripAria: "%s：%d 次中断",
	RateChart: "确认、投递 /秒", LatencyChart: "p50、p99（对数）", LagChart: "积压",
	LegendLead: "主", LegendSync: "同步中", LegendBehind: "落后", LegendPaused: "暂停", LegendDown: "宕机", LegendCoord: "协调", LegendIdle: "空闲",
	Told: "告知", Stored: "存储", Received: "收到", Defaults: "该版本的 %d 项默认值", MoreEvents: "另有 %d 个事件在 JSON 中。",
	verdicts: map[result.Verdict]string{result.Pass: "期望全部成立", result.Fail: "未达期望", result.Invalid: "无效"},
	fates: map[string]string{"acked": "已确认", "rejected": "已拒绝", "unknown": "未知", "served": "可读", "consumed": "已消费", "nowhere": "无处", "truncated": "被截断",
		"stranded": "滞留", "no": "未存储", "once": "一次", "again": "重复", "late": "迟到", "never": "无人收到", "audit": "仅审计"},
}
