package scenarios

import (
	"embed"
	"strings"

	"github.com/mqsim/mqsim/models"
)

//go:embed *.yaml
var files embed.FS

// Entry is one scenario of the embedded library.
type Entry struct {
	Name string // primary-crash
	File string // scenarios/primary-crash.yaml
	Data []byte
}

// Load reads the entry. A test sees to it that every shipped file loads.
func (e Entry) Load() (*Scenario, Problems) { return Load(e.File, e.Data) }

// Library is the embedded library, sorted by name.
func Library() []Entry {
	dir, err := files.ReadDir(".")
	if err != nil {
		return nil
	}
	var out []Entry
	for _, f := range dir { // embed sorts by name
		data, err := files.ReadFile(f.Name())
		if err != nil {
			continue
		}
		out = append(out, Entry{Name: strings.TrimSuffix(f.Name(), ".yaml"), File: "scenarios/" + f.Name(), Data: data})
	}
	return out
}

// Find is the library's scenario of that name; if there is none, hint is the nearest one.
func Find(name string) (e Entry, hint string, ok bool) {
	var names []string
	for _, e := range Library() {
		if e.Name == name {
			return e, "", true
		}
		names = append(names, e.Name)
	}
	return Entry{}, models.Nearest(name, names), false
}
