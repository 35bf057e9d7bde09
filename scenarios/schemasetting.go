package scenarios

import (
	"strings"

	"github.com/mqsim/mqsim/models"
)

// settingSchema is one line of a manual. Values may be written with quotes or without, as the manuals do.
func settingSchema(model string, s *models.Setting) js {
	quotable := func(kinds ...string) js { return js{"type": append(kinds, "string", "null")} }
	var out js
	switch s.Kind {
	case models.KindBool:
		out = js{"enum": []any{true, false, "true", "false", nil}}
	case models.KindEnum:
		words := []any{nil}
		for _, w := range s.Enum {
			words = append(words, asRead(w)...)
		}
		for i := 0; i+1 < len(s.Aliases); i += 2 {
			words = append(words, asRead(s.Aliases[i])...)
		}
		out = js{"enum": words}
	case models.KindInt, models.KindMillis, models.KindSeconds, models.KindBytes:
		out = quotable("integer")
	case models.KindDecimal:
		out = quotable("number")
	case models.KindSpan:
		out = js{"anyOf": []any{ref("duration"), js{"type": "null"}}}
	default:
		out = quotable("integer", "number", "boolean", "array")
	}
	doc := model + ": " + strings.TrimSuffix(s.Doc, ".") + "."
	if len(s.Defaults) > 0 {
		last := s.Defaults[len(s.Defaults)-1]
		if last.Value != "" {
			doc += " Default: " + last.Value + "."
		}
	}
	if s.Since != "" {
		doc += " Since " + s.Since + "."
	}
	if s.Until != "" {
		doc += " Gone with " + s.Until + "."
	}
	if !s.Effect {
		doc += " Accepted, no effect here."
	}
	return described(out, doc)
}

// asRead is what YAML makes of a word that stands without quotes, and the word itself.
func asRead(w string) []any {
	switch w {
	case "true":
		return []any{w, true}
	case "false":
		return []any{w, false}
	}
	n := int64(0)
	neg := strings.HasPrefix(w, "-")
	digits := strings.TrimPrefix(w, "-")
	if digits == "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return []any{w}
	}
	for _, r := range digits {
		n = 10*n + int64(r-'0')
	}
	if neg {
		n = -n
	}
	return []any{w, n}
}
