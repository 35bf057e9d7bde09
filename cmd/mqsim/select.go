package main

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// target is one scenario to load: a name of the library or a file.
type target struct {
	name string // of the library, else ""
	file string // path of a file, else ""
}

func (t target) String() string { return t.name + t.file }

// choose turns arguments and a -k pattern into scenarios. An argument with a slash or ending in .yaml
// is a file, else a name. Without arguments a pattern selects from the whole library.
func choose(args []string, pattern string, library []string) ([]target, error) {
	var all []target
	for _, arg := range args {
		switch {
		case isFile(arg):
			all = append(all, target{file: arg})
		case slices.Contains(library, arg):
			all = append(all, target{name: arg})
		default:
			return nil, usage("no scenario %q in the library%s; 'mqsim list' shows them, a file needs a slash or .yaml", arg, didYouMean(arg, library))
		}
	}
	if len(args) == 0 && pattern != "" {
		for _, name := range library {
			all = append(all, target{name: name})
		}
	}
	if _, err := path.Match(strings.ToLower(pattern), ""); err != nil {
		return nil, usage("-k %s: %w", pattern, err)
	}
	var out []target
	for _, t := range all {
		if matches(pattern, t) && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case pattern != "":
		return nil, &exitError{codeNothing, fmt.Errorf("nothing matches -k %s", pattern)}
	}
	return nil, &exitError{codeNothing, fmt.Errorf("nothing selected: name scenarios or files, or select with -k PATTERN; 'mqsim list' shows the library")}
}

func isFile(arg string) bool {
	return strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml")
}

// matches compares without regard to case: a pattern with * or ? must match the whole name, any other a part of it.
func matches(pattern string, t target) bool {
	name := strings.ToLower(t.name + strings.TrimSuffix(filepath.Base("/"+t.file), ".yaml"))
	if t.file == "" {
		name = strings.ToLower(t.name)
	}
	pattern = strings.ToLower(pattern)
	if strings.ContainsAny(pattern, "*?[") {
		ok, _ := path.Match(pattern, name)
		return ok
	}
	return strings.Contains(name, pattern)
}

// keepSystems finds out which scenarios (each given by the names of its systems) have at least one of the wanted
// systems. A name that none has is an error.
func keepSystems(wanted []string, systems [][]string) ([]bool, error) {
	keep := make([]bool, len(systems))
	var known []string
	for i, names := range systems {
		keep[i] = len(wanted) == 0
		for _, name := range names {
			if slices.Contains(wanted, name) {
				keep[i] = true
			}
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return nil, usage("--systems: no system %q%s; there are %s", name, didYouMean(name, known), strings.Join(known, ", "))
		}
	}
	return keep, nil
}

// didYouMean suggests the nearest word, if one is near.
func didYouMean(word string, words []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, w := range words {
		d := distance(word, w)
		if strings.HasPrefix(w, word) && len(word) > 2 {
			d = 1
		}
		if d < least {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance is the number of letters to change, insert or delete.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
