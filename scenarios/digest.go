package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/workload"
)

// Digest is the sha256, in hex, of the canonical scenario of one system: everything that shapes its
// run except the seed, and nothing else. Words for readers (title, lesson, because), expectations,
// comments, the order of settings and the way a value is written (60s or 1m) do not count. "" if
// there is no such system.
func (s *Scenario) Digest(system string) string {
	text := s.Canonical(system)
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Canonical is what Digest hashes: one line for each value that is not zero, in a fixed order.
func (s *Scenario) Canonical(system string) string {
	sys := s.System(system)
	if sys == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("mqsim.scenario/v1\n")
	canon(&b, "name", reflect.ValueOf(s.Name))
	canon(&b, "hardware", reflect.ValueOf(s.Hardware))
	canon(&b, "workload", reflect.ValueOf(workload.Spec{Streams: sys.Streams, Duration: s.Duration, Warmup: s.Warmup,
		Drain: s.Drain, OutageThreshold: s.OutageThreshold, SLO: s.SLO}))
	entry := *sys.System
	entry.Sections = [models.NumSections]models.Settings{} // below, in canonical form
	canon(&b, "system", reflect.ValueOf(entry))
	sys.Set.Visit(func(set *models.Setting, text string, written bool) {
		if written {
			fmt.Fprintf(&b, "set.%s.%s=%q\n", set.Section, set.Name, text)
		}
	})
	canon(&b, "faults", reflect.ValueOf(s.FaultsOf(system)))
	canon(&b, "operations", reflect.ValueOf(s.OperationsOf(system)))
	canon(&b, "setup", reflect.ValueOf(s.SetupOf(system)))
	return b.String()
}

var (
	posType      = reflect.TypeFor[models.Pos]()
	settingsType = reflect.TypeFor[models.Settings]()
	selectorType = reflect.TypeFor[faults.Selector]()
)

// canon writes a value of the specifications; places in files and lists of systems are left out.
func canon(b *strings.Builder, path string, v reflect.Value) {
	if v.IsZero() || v.Type() == posType {
		return
	}
	switch v.Type() {
	case settingsType:
		var lines []string
		for _, e := range v.Interface().(models.Settings) {
			lines = append(lines, fmt.Sprintf("%s.%s=%q\n", path, e.Name, e.Value))
		}
		sort.Strings(lines)
		b.WriteString(strings.Join(lines, ""))
		return
	case selectorType:
		fmt.Fprintf(b, "%s=%q\n", path, v.Interface().(faults.Selector).Text)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		canon(b, path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Systems" {
				canon(b, path+"."+f.Name, v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(b, "%s.len=%d\n", path, v.Len())
		for i := range v.Len() {
			canon(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.String:
		fmt.Fprintf(b, "%s=%q\n", path, v.String())
	case reflect.Bool:
		fmt.Fprintf(b, "%s=true\n", path)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprintf(b, "%s=%d\n", path, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		fmt.Fprintf(b, "%s=%d\n", path, v.Uint())
	default:
		panic(fmt.Sprintf("scenarios: %s has type %s, which the digest does not know", path, v.Type()))
	}
}
