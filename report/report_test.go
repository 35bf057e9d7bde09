package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
)

var update = flag.Bool("update", false, "rewrite the golden files, then read the diff")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), path)
}

func render(t *testing.T, format string, f *result.File, o Options) []byte {
	t.Helper()
	how, err := Lookup(format)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, how.Render(&b, f, o))
	return b.Bytes()
}

var goldens = []struct {
	name string
	file func() *result.File
	o    Options
}{
	{"crash-80", crash, Options{}},
	{"crash-80-zh", crash, Options{Lang: "zh"}},
	{"crash-80-ascii", crash, Options{ASCII: true}},
	{"crash-80-colour", crash, Options{Color: true}},
	{"crash-80-verbose", crash, Options{Verbose: true}},
	{"crash-120", crash, Options{Width: 120}},
	{"crash-120-zh", crash, Options{Width: 120, Lang: "zh"}},
	{"crash-180", crash, Options{Width: 180}},
	{"seeds-80", crashSeeds, Options{}},
	{"seeds-80-zh", crashSeeds, Options{Lang: "zh"}},
	{"seeds-120", crashSeeds, Options{Width: 120}},
	{"troubled-80", troubled, Options{}},
	{"troubled-80-zh", troubled, Options{Lang: "zh"}},
	{"troubled-120", troubled, Options{Width: 120}},
}

func TestTableGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) { golden(t, g.name+".txt", render(t, "table", g.file(), g.o)) })
	}
}

func TestJSONGolden(t *testing.T) {
	golden(t, "crash.json", render(t, "json", crash(), Options{}))
	golden(t, "crash-summary.json", render(t, "json", crash(), Options{Summary: true}))
}

// Every other format on the same fixed results.
func TestFormatsGolden(t *testing.T) {
	for _, f := range Formats() {
		if f.Name == "table" || f.Name == "json" {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			golden(t, "crash."+f.Name, render(t, f.Name, crash(), Options{}))
			golden(t, "seeds."+f.Name, render(t, f.Name, crashSeeds(), Options{}))
			golden(t, "troubled."+f.Name, render(t, f.Name, troubled(), Options{}))
		})
	}
	golden(t, "crash-zh.markdown", render(t, "markdown", crash(), Options{Lang: "zh"}))
}

// Lines fit; only the line to copy may be longer.
func TestTableFits(t *testing.T) {
	for _, f := range []func() *result.File{crash, crashSeeds, troubled} {
		for _, lang := range []string{"en", "zh"} {
			for _, width := range []int{80, 100, 116, 120, 150, 180} {
				for _, line := range strings.Split(string(render(t, "table", f(), Options{Lang: lang, Width: width})), "\n") {
					if !strings.Contains(line, "mqsim run ") {
						require.LessOrEqual(t, columnsOf(line), width, "%q", line)
					}
				}
			}
		}
	}
}

// A report of a saved file has the same bytes as that of the file in memory, and changes nothing in it.
func TestPureFunctionOfTheFile(t *testing.T) {
	for _, g := range goldens {
		f := g.file()
		before, err := f.Bytes()
		require.NoError(t, err)
		direct := render(t, "table", f, g.o)
		after, err := f.Bytes()
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), g.name)
		saved, err := result.Read(g.name, before)
		require.NoError(t, err)
		require.Equal(t, string(direct), string(render(t, "table", saved, g.o)), g.name)
		require.Equal(t, string(before), string(render(t, "json", saved, Options{})), g.name)
	}
}

// Colour adds nothing but colour.
func TestColourIsNotInformation(t *testing.T) {
	for _, f := range []func() *result.File{crash, crashSeeds, troubled} {
		coloured := string(render(t, "table", f(), Options{Color: true}))
		require.Contains(t, coloured, "\x1b[")
		require.Equal(t, string(render(t, "table", f(), Options{})), stripped(coloured))
	}
}

func stripped(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			break
		}
		_, s, _ = strings.Cut(after, "m")
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func TestEmptyAndPoorFiles(t *testing.T) {
	require.Equal(t, "No results.\n", string(render(t, "table", &result.File{}, Options{})))
	poor := &result.Result{Scenario: "s", System: "x", Verdict: result.Pass, Window: [2]result.Number{0, result.Int(1)}}
	text := string(render(t, "table", &result.File{Results: []*result.Result{poor}}, Options{}))
	require.Contains(t, text, "Reproduce: mqsim run s --seed 0")
	allInvalid := crash()
	for _, r := range allInvalid.Results {
		r.Verdict = result.Invalid
	}
	require.NotContains(t, string(render(t, "table", allInvalid, Options{})), "29500", "numbers of an invalid run are not shown")
}

func TestUnknownFormat(t *testing.T) {
	_, err := Lookup("tabel")
	require.EqualError(t, err, `unknown format "tabel": one of table, json, ndjson, csv, markdown, junit, junit-strict, bench, benchmark-action, openmessaging, html, baseline`)
}

// BenchmarkRender is one result of three systems in every format.
func BenchmarkRender(b *testing.B) {
	file := crash()
	file.Results = file.Results[:3]
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				if err := f.Render(io.Discard, file, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
