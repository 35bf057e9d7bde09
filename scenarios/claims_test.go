package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/verdict"
)

// TestClaims finds the expectation that each claim rests on; that it holds is tested with the library. What is
// said to be refused is refused.
func TestClaims(t *testing.T) {
	for _, c := range Claims() {
		t.Run(c.Text.En, func(t *testing.T) {
			require.NotEmpty(t, c.Text.Zh)
			require.NotEmpty(t, c.Note.Zh)
			require.Contains(t, verdictsZh, c.Verdict)
			require.Equal(t, c.Verdict == NotShown, c.Shown.Scenario == "")
			if c.Shown.Scenario == "" {
				return
			}
			e, _, ok := Find(c.Shown.Scenario)
			require.True(t, ok, c.Shown.Scenario)
			s, problems := e.Load()
			require.Empty(t, problems)
			if c.Shown.Refused != "" {
				path, value, _ := strings.Cut(c.Shown.Refused, "=")
				require.Error(t, s.Set(path, value))
				return
			}
			at := slices.IndexFunc(s.Systems, func(y *System) bool { return y.Name == c.Shown.System })
			require.GreaterOrEqual(t, at, 0, c.Shown.System)
			require.True(t, slices.ContainsFunc(s.Systems[at].Expect, func(x verdict.Expectation) bool { return x.Check == c.Shown.Check }), c.Shown.Check)
		})
	}
}

func TestNotesAreOfTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "notes.md"))
	require.NoError(t, err)
	require.Equal(t, Notes(), string(text), "go run ./cmd/mqsim list --claims --markdown > docs/notes.md")
}

// waiting are the questions that no scenario answers, because what they ask about is not built.
var waiting []string

func TestEveryQuestionHasAnAnswer(t *testing.T) {
	for _, q := range Questions() {
		if slices.Contains(waiting, q.ID) {
			require.Empty(t, Shown(q.ID), "%s is answered now", q.ID)
			continue
		}
		require.Contains(t, Shown(q.ID), answeredBy[q.ID], q.ID)
		for _, lang := range []string{"en", "zh"} {
			text, _, ok := Explain(q.ID, lang)
			require.True(t, ok)
			require.NotEmpty(t, answer(q.ID, lang))
			require.Contains(t, text, answer(q.ID, lang))
		}
	}
}
