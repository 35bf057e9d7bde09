package scenarios

import (
	_ "embed"
	"strings"
)

//go:embed starter/en.yaml
var starterEn string

//go:embed starter/zh.yaml
var starterZh string

// Starter is a commented scenario to begin with, in "en" or "zh". It loads and runs as it stands. ok is false
// if name cannot be the name of a scenario.
func Starter(name, lang string) (text string, ok bool) {
	text = starterEn
	if lang == "zh" {
		text = starterZh
	}
	return strings.ReplaceAll(text, "NAME", name), isName(name)
}
