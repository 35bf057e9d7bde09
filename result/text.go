package result

import (
	"encoding/json"
	"fmt"
)

// Text is a sentence in English and, where somebody wrote it, in Chinese. In JSON it is a plain
// string without the Chinese, as in the scenario language.
type Text struct {
	En string
	Zh string
}

// In is the text in "en" or "zh"; in the other language if that one is missing.
func (t Text) In(lang string) string {
	if (lang == "zh" && t.Zh != "") || t.En == "" {
		return t.Zh
	}
	return t.En
}

// IsZero says that there is no text.
func (t Text) IsZero() bool { return t == Text{} }

type bilingual struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

// MarshalJSON writes "..." or {"en": "...", "zh": "..."}.
func (t Text) MarshalJSON() ([]byte, error) {
	if t.Zh == "" {
		return marshal(t.En)
	}
	return marshal(bilingual(t))
}

// UnmarshalJSON reads either form.
func (t *Text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = Text{}
		return json.Unmarshal(b, &t.En)
	}
	var both bilingual
	if err := strict(b, &both); err != nil {
		return fmt.Errorf("a text is a string or {en, zh}: %w", err)
	}
	*t = Text(both)
	return nil
}
