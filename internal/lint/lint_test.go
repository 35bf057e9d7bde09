// Package lint holds law 1 as a test: below the runner nothing may depend on anything but the seed.
package lint

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// below are the folders of a run. cmd, runner, report, result and scenarios stand above or beside it.
var below = []string{"sim", "models", "faults", "workload", "verdict", "consensus"}

// bannedImports bring in the wall clock, foreign randomness, or concurrency.
var bannedImports = map[string]string{
	"time":         "virtual time is sim.Time",
	"math/rand":    "draws come from sim.Rand",
	"math/rand/v2": "draws come from sim.Rand",
	"crypto/rand":  "draws come from sim.Rand",
	"sync":         "one world, one thread",
	"sync/atomic":  "one world, one thread",
	"os":           "only the directory backing of sim may touch files",
	"net":          "the network is simulated",
	"unsafe":       "pointer values may not matter",
	"runtime":      "the machine may not matter",
	"context":      "a run is not cancelled from inside",
}

// excused are imports that single files may have.
var excused = map[string]map[string]bool{
	"sim/time.go": {"time": true}, // formats a duration
}

// thirdParty is the short list for non-test code below the runner: nothing.
var thirdParty = map[string]bool{}

func excusedImport(file, path string) bool {
	if excused[file][path] {
		return true
	}
	return strings.HasPrefix(file, "sim/backing") && (path == "os" || path == "syscall")
}

func TestLawOne(t *testing.T) {
	root := "../.."
	var problems []string
	for _, dir := range below {
		for _, folder := range folders(t, filepath.Join(root, dir)) {
			problems = append(problems, checkFolder(t, root, folder)...)
		}
	}
	sort.Strings(problems)
	require.Empty(t, problems, strings.Join(problems, "\n"))
}

func folders(t *testing.T, root string) []string {
	var out []string
	if _, err := os.Stat(root); err != nil {
		return nil
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			if d.Name() == "testdata" {
				return filepath.SkipDir
			}
			out = append(out, path)
		}
		return err
	}))
	return out
}

func checkFolder(t *testing.T, root, folder string) []string {
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	var problems []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
		rel, _ := filepath.Rel(root, name)
		problems = append(problems, checkFile(fset, f, filepath.ToSlash(rel))...)
	}
	if len(files) > 0 {
		problems = append(problems, checkMapRanges(fset, files, root)...)
	}
	return problems
}

// checkFile looks at what syntax alone shows.
func checkFile(fset *token.FileSet, f *ast.File, rel string) (problems []string) {
	say := func(pos token.Pos, text string) {
		problems = append(problems, rel+":"+itoa(fset.Position(pos).Line)+": "+text)
	}
	for _, imp := range f.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		if why, bad := bannedImports[path]; bad && !excusedImport(rel, path) {
			say(imp.Pos(), "import of "+path+": "+why)
		}
		host, _, _ := strings.Cut(path, "/")
		if strings.Contains(host, ".") && !strings.HasPrefix(path, "github.com/mqsim/mqsim/") && !thirdParty[path] {
			say(imp.Pos(), "third-party import "+path)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.GoStmt:
			say(x.Pos(), "go statement")
		case *ast.SelectStmt:
			say(x.Pos(), "select statement")
		case *ast.ChanType:
			say(x.Pos(), "channel")
		case *ast.Ident:
			if (x.Name == "float64" || x.Name == "float32") && !floatFree(rel) {
				say(x.Pos(), "floating point")
			}
		}
		return true
	})
	return problems
}

// floatFree: the judge's last step converts to the result's floats.
func floatFree(rel string) bool { return strings.HasPrefix(rel, "verdict/") }

// checkMapRanges finds ranges over maps that do not say why order does not matter.
func checkMapRanges(fset *token.FileSet, files []*ast.File, root string) (problems []string) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", exportData), Error: func(error) {}}
	conf.Check("p", fset, files, info) //nolint:errcheck // what does not type-check fails elsewhere
	for _, f := range files {
		excuse := map[int]bool{}
		for _, g := range f.Comments {
			for _, c := range g.List {
				if strings.HasPrefix(c.Text, "//mqsim:unordered ") {
					excuse[fset.Position(c.Pos()).Line] = true
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			r, ok := n.(*ast.RangeStmt)
			if !ok {
				return true
			}
			tv, ok := info.Types[r.X]
			if !ok || tv.Type == nil {
				return true
			}
			if _, isMap := tv.Type.Underlying().(*types.Map); isMap {
				pos := fset.Position(r.Pos())
				if !excuse[pos.Line] {
					rel, _ := filepath.Rel(root, pos.Filename)
					problems = append(problems, filepath.ToSlash(rel)+":"+itoa(pos.Line)+": range over a map without //mqsim:unordered REASON")
				}
			}
			return true
		})
	}
	return problems
}

// exports maps import paths to what the compiler exported of them.
var exports = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "../../...").Output()
	found := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if path, file, ok := strings.Cut(line, "="); ok && file != "" {
			found[path] = file
		}
	}
	return found, err
})

func exportData(path string) (io.ReadCloser, error) {
	found, err := exports()
	if file, ok := found[path]; ok {
		return os.Open(file)
	}
	return nil, fmt.Errorf("no export data for %s: %v", path, err)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
