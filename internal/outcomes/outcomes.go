// Package outcomes is the exam of a model: each row of a broker's outcome table ("this fails: who can
// write, who can read, what is lost, in which order, back after how long") is a scenario file whose
// expectations state the row. It is used from tests only.
package outcomes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

var seeds = flag.Int("outcome-seeds", 2, "seeds per row of an outcome table")

// rowLine is the comment that says which rows a file states: "# row: 12" or "# row: 12, 14".
var rowLine = regexp.MustCompile(`(?m)^# row: *([0-9A-Za-z., ]+)$`)

// Run runs every scenario file of dir, each as a subtest, over a few seeds. A row passes when every
// expectation of every system holds for every seed, no run is INVALID and nothing was violated. One
// line a row is logged.
func Run(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no rows in %s", dir)
	passed := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if t.Run(name, func(t *testing.T) { row(t, file) }) {
			passed++
		}
	}
	t.Logf("%d of %d files pass with seeds 1 to %d", passed, len(files), *seeds)
}

func row(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	rows := rowsOf(data)
	require.NotEmpty(t, rows, "%s: the comment \"# row: N\" is missing", file)
	sc, problems := scenarios.Load(file, data)
	require.Empty(t, problems, problems.String())
	checks := 0
	for _, sys := range sc.Systems {
		checks += len(sys.Expect)
	}
	require.NotZero(t, checks, "%s expects nothing", file)
	opt := runner.Options{Scenarios: []*scenarios.Scenario{sc}}
	for i := range *seeds {
		opt.Seeds = append(opt.Seeds, uint64(i+1))
	}
	f, err := runner.Run(context.Background(), opt)
	require.NoError(t, err)
	for _, r := range f.Results {
		for _, problem := range problemsOf(r) {
			t.Errorf("row %s, %s, seed %d: %s", strings.Join(rows, ", "), r.System, r.Seed, problem)
		}
	}
	verdict := "pass"
	if t.Failed() {
		verdict = "FAIL"
	}
	t.Logf("row %-8s %s  %s (%d systems, %d expectations)", strings.Join(rows, ","), verdict, sc.Title("en"), len(sc.Systems), checks)
}

// problemsOf says in which way a result is not what the row states.
func problemsOf(r *result.Result) (out []string) {
	for _, why := range r.Invalid {
		out = append(out, "INVALID: "+why)
	}
	for _, b := range r.Broken {
		out = append(out, "invariant "+b.Invariant+": "+b.Detail)
	}
	for _, e := range r.Expectations {
		if !e.Pass {
			out = append(out, fmt.Sprintf("line %d: %s, was %s", e.Line, e.Check, e.Actual))
		}
	}
	return out
}

func rowsOf(data []byte) []string {
	m := rowLine.FindSubmatch(data)
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(string(m[1]), func(r rune) bool { return r == ',' || r == ' ' })
}

// Covered checks that every row of the outcome table is stated somewhere: by a scenario file of dir, or
// by a line of dir/rows.txt, which says "ROW: TestName" for a row that is a test of its own in the
// test files of the model, or "ROW: missing: REASON". rows are the table's row numbers. It logs what is missing.
func Covered(t *testing.T, dir string, rows []string) {
	where := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, r := range rowsOf(data) {
			where[r] = filepath.Base(file)
		}
	}
	known := map[string]bool{}
	for _, r := range rows {
		known[r] = true
	}
	missing := 0
	for r, text := range listed(t, filepath.Join(dir, "rows.txt")) {
		require.True(t, known[r], "rows.txt: the table has no row %s", r)
		if reason, gone := strings.CutPrefix(text, "missing:"); gone {
			require.NotContains(t, where, r, "rows.txt calls row %s missing, but a file states it", r)
			require.NotEmpty(t, strings.TrimSpace(reason), "rows.txt: row %s needs a reason", r)
			t.Logf("row %-4s missing: %s", r, strings.TrimSpace(reason))
			missing++
		} else {
			require.True(t, hasTest(t, text), "rows.txt: no test %s for row %s below this folder", text, r)
		}
		where[r] = text
	}
	var nowhere []string
	for _, r := range rows {
		if where[r] == "" {
			nowhere = append(nowhere, r)
		}
	}
	sort.Slice(nowhere, func(i, j int) bool { return number(nowhere[i]) < number(nowhere[j]) })
	require.Empty(t, nowhere, "rows that no file, test or reason covers")
	t.Logf("%d of %d rows are covered, %d missing with a reason", len(rows)-missing, len(rows), missing)
}

// hasTest looks for a test function in the test files of the model.
func hasTest(t *testing.T, name string) bool {
	found := false
	require.NoError(t, filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || found {
			return err
		}
		data, err := os.ReadFile(path)
		found = strings.Contains(string(data), "func "+name+"(")
		return err
	}))
	return found
}

func listed(t *testing.T, file string) map[string]string {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	out := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, text, ok := strings.Cut(line, ":")
		require.True(t, ok, "%s: %q is not ROW: TEXT", file, line)
		out[strings.TrimSpace(r)] = strings.TrimSpace(text)
	}
	return out
}

func number(row string) int {
	n, _ := strconv.Atoi(strings.TrimRightFunc(row, func(r rune) bool { return r < '0' || r > '9' }))
	return n
}
