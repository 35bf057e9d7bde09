package kafka_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// bugNumbers are the historical bugs of the specification; 6.24 is about transactions.
const bugNumbers = "6.1 6.2 6.3 6.4 6.5 6.6 6.7 6.8 6.9 6.10 6.11 6.12 6.13 6.14 6.15 6.16 6.17 6.18 6.19 6.20 6.21 6.22 6.23 6.24 6.25"

// TestBugs lists where each historical bug is played with its rule and without, and plays those that are
// scenarios. A line of testdata/bugs/rows.txt is NUMBER: FILE TEXT, where the file below this folder holds the
// text, or NUMBER: missing: REASON.
func TestBugs(t *testing.T) {
	where := map[string]string{}
	data, err := os.ReadFile("testdata/bugs/rows.txt")
	require.NoError(t, err)
	for _, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		number, text, ok := strings.Cut(line, ": ")
		require.True(t, ok, "rows.txt: %q is not NUMBER: TEXT", line)
		if reason, gone := strings.CutPrefix(text, "missing:"); gone {
			require.NotEmpty(t, strings.TrimSpace(reason), "rows.txt: %s needs a reason", number)
		} else {
			file, name, _ := strings.Cut(text, " ")
			held, err := os.ReadFile(filepath.FromSlash(file))
			require.NoError(t, err, "rows.txt: %s", number)
			require.NotEmpty(t, name, "rows.txt: %s needs what to look for in %s", number, file)
			require.Contains(t, string(held), name, "rows.txt: %s", number)
		}
		where[number] = text
	}
	for _, number := range strings.Fields(bugNumbers) {
		require.NotEmpty(t, where[number], "nothing plays bug %s", number)
		t.Logf("bug %-5s %s", number, where[number])
	}
	require.Len(t, where, len(strings.Fields(bugNumbers)), "rows.txt names a bug that there is not")
	outcomes.Run(t, "testdata/bugs")
}
