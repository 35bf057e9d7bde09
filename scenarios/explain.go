package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
)

// Explain says in "en" or "zh" what a word means: a metric, an action, an operation, a key of the
// language, a setting of any model (acks, or kafka.acks), an event, a role, a quirk, a hardware
// profile, a question id, or one of the lists version, quirks, questions. A word with several
// meanings gets them all. ok is false if it has none; hint is then the nearest word that has one.
func Explain(word, lang string) (text, hint string, ok bool) {
	var parts []string
	add := func(s string) {
		if s = strings.TrimRight(s, "\n"); s != "" {
			parts = append(parts, s)
		}
	}
	if s, is := result.Explain(word, lang); is {
		add(s)
	}
	for _, part := range []struct {
		kind  result.Text
		words []meaning
	}{
		{result.Text{En: "action of a fault", Zh: "故障动作"}, actionMeanings},
		{result.Text{En: "operation", Zh: "运维操作"}, operationMeanings},
		{result.Text{En: "event", Zh: "事件"}, eventMeanings},
		{result.Text{En: "word of the language", Zh: "场景语言"}, keyMeanings},
		{result.Text{En: "key of faults", Zh: "故障的键"}, faultKeyMeanings},
	} {
		for _, m := range part.words {
			if m.word == word {
				add(fmt.Sprintf("%s: %s\n%s%s", word, part.kind.In(lang), m.text.In(lang), extra(word, lang)))
			}
		}
	}
	if q := questionNamed(strings.ToUpper(word)); q != nil {
		add(q.ID + ": " + q.Text.In(lang))
		add(answer(q.ID, lang))
	}
	for _, t := range tables {
		if word == "version" || word == "versions" {
			add(explainVersions(t, lang))
		}
		if word == "quirks" {
			add(explainQuirks(t))
		}
		for _, s := range explainTable(t, strings.TrimPrefix(word, t.Model+"."), lang) {
			add(s)
		}
	}
	if word == "questions" {
		for _, q := range questions {
			add(q.ID + ": " + q.Text.In(lang))
		}
	}
	for _, h := range profiles {
		if h.Profile == word {
			add(explainHardware(h, lang))
		}
	}
	if len(parts) == 0 {
		return "", models.Nearest(word, Words()), false
	}
	add(shownBy(word, lang))
	sep := "\n\n"
	if strings.HasSuffix(word, "s") && (word == "questions" || word == "quirks") {
		sep = "\n"
	}
	return strings.Join(parts, sep) + "\n", "", true
}

// extra lists the keys of an action or an operation, and whether it is built.
func extra(word, lang string) string {
	var keys []string
	if a := actionNamed(word); a != nil {
		keys = a.keys
	} else if o := operationNamed(word); o != nil {
		keys = o.keys
	}
	s := ""
	if len(keys) > 0 {
		s = "\n" + say(lang, "keys: ", "键：") + strings.Join(keys, ", ")
	}
	return s
}

func say(lang, en, zh string) string { return result.Text{En: en, Zh: zh}.In(lang) }

// shownBy names the scenarios of the library that use a word.
func shownBy(word, lang string) string {
	if q := questionNamed(strings.ToUpper(word)); q != nil {
		word = q.ID
	}
	for _, t := range tables {
		word = strings.TrimPrefix(word, t.Model+".")
	}
	names := Shown(word)
	if len(names) == 0 {
		return ""
	}
	return say(lang, "shown by: ", "相关场景：") + strings.Join(names, ", ")
}

func explainTable(t *models.Table, word, lang string) []string {
	var out []string
	for _, list := range [][]models.Setting{t.Topology, t.Settings} {
		for i := range list {
			if list[i].Name == word {
				out = append(out, explainSetting(t, &list[i], lang))
			}
		}
	}
	for _, part := range []struct {
		kind  result.Text
		words []models.Word
	}{
		{result.Text{En: "role of a selector", Zh: "选择器角色"}, t.Roles},
		{result.Text{En: "event", Zh: "事件"}, t.Events},
		{result.Text{En: "process", Zh: "进程"}, t.Processes},
	} {
		for _, w := range part.words {
			if w.Name == word && w.Doc != "" {
				out = append(out, fmt.Sprintf("%s: %s, %s\n%s", word, t.Model, part.kind.In(lang), result.Text{En: w.Doc, Zh: w.DocZH}.In(lang)))
			}
		}
	}
	if q := t.FindQuirk(word); q != nil {
		out = append(out, fmt.Sprintf("%s: %s, %s\n%s\n%s%s\n%s%s", word, t.Model, say(lang, "quirk", "历史行为"),
			result.Text{En: q.Doc, Zh: q.DocZH}.In(lang), say(lang, "in: ", "存在于："), quirkVersions(q), say(lang, "source: ", "出处："), q.Source))
	}
	return out
}

func explainSetting(t *models.Table, s *models.Setting, lang string) string {
	form := s.Kind.String()
	if s.Kind == models.KindEnum {
		form += " " + strings.Join(s.Enum, ", ")
	}
	out := fmt.Sprintf("%s: %s, %s, %s", s.Name, t.Model, s.Section, form)
	if doc := (result.Text{En: s.Doc, Zh: s.DocZH}).In(lang); doc != "" {
		out += "\n" + doc
	}
	var defaults []string
	for _, d := range s.Defaults {
		v := d.Value
		if v == "" {
			v = say(lang, "must be written", "必须写明")
		}
		if d.From != "" {
			v += say(lang, " since ", "，始于 ") + d.From
		}
		defaults = append(defaults, v)
	}
	if len(defaults) > 0 {
		out += "\n" + say(lang, "default: ", "默认值：") + strings.Join(defaults, "; ")
	}
	if s.Since != "" {
		out += "\n" + say(lang, "since ", "始于 ") + s.Since
	}
	if s.Until != "" {
		out += "\n" + say(lang, "gone with ", "移除于 ") + s.Until
	}
	if s.OnlyWith != "" {
		out += "\n" + say(lang, "only with ", "仅用于 ") + s.OnlyWith
	}
	if !s.Effect {
		out += "\n" + say(lang, "accepted, but without effect here", "可以写，但在这里不起作用")
	}
	if s.Source != "" {
		out += "\n" + say(lang, "source: ", "出处：") + s.Source
	}
	return out
}

func explainVersions(t *models.Table, lang string) string {
	out := t.Model + say(lang, " versions", " 版本")
	for _, v := range t.Versions {
		out += fmt.Sprintf("\n  %-5s = %-9s %s", v.Name, v.Last, v.Doc)
		if v.Name == t.Default {
			out += say(lang, " (default)", "（默认）")
		}
		if !v.Built {
			out += say(lang, " (not built yet)", "（尚未实现）")
		}
	}
	return out
}

func explainQuirks(t *models.Table) string {
	var lines []string
	for i := range t.Quirks {
		q := &t.Quirks[i]
		lines = append(lines, fmt.Sprintf("%s %-27s %-20s %s", t.Model, q.Name, quirkVersions(q), q.Source))
	}
	return strings.Join(lines, "\n")
}

func quirkVersions(q *models.Quirk) string {
	var out []string
	for _, w := range q.Where {
		s := "all"
		switch {
		case w.Since != "" && w.Until != "":
			s = w.Since + " to before " + w.Until
		case w.Since != "":
			s = "since " + w.Since
		case w.Until != "":
			s = "before " + w.Until
		}
		if w.Key != "" {
			s += " (" + w.Value + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func explainHardware(h Hardware, lang string) string {
	shared := ""
	if h.SharedCPU {
		shared = say(lang, ", shared by all hosts", "（所有主机共享）")
	}
	return fmt.Sprintf("%s: %s\ncores %d%s, latency %s ± %s, NIC %dMB/s, write %s, fsync %s, disk %dMB/s, random access %s", h.Profile,
		say(lang, "hardware profile", "硬件配置"), h.Cores, shared, h.Latency, h.Jitter, h.NIC/1e6, h.Write, h.Fsync, h.Bandwidth/1e6, h.RandomAccess)
}

// Words are all words that Explain knows, for completion and for the nearest word.
func Words() []string {
	var out []string
	for _, m := range result.Table() {
		out = append(out, m.Name)
	}
	for _, list := range [][]meaning{actionMeanings, operationMeanings, eventMeanings, keyMeanings, faultKeyMeanings} {
		for _, m := range list {
			out = append(out, m.word)
		}
	}
	for _, t := range tables {
		for _, list := range [][]models.Setting{t.Topology, t.Settings} {
			for i := range list {
				out = append(out, list[i].Name)
			}
		}
		for _, list := range [][]models.Word{t.Roles, t.Events} {
			for _, w := range list {
				out = append(out, w.Name)
			}
		}
		for i := range t.Quirks {
			out = append(out, t.Quirks[i].Name)
		}
	}
	for _, h := range profiles {
		out = append(out, h.Profile)
	}
	out = append(out, questionIDs()...)
	out = append(out, "version", "quirks", "questions")
	slices.Sort(out)
	return slices.Compact(out)
}
