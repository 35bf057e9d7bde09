package sweep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// Schema is the first line's "schema" of a file of lines.
const Schema = "mqsim.sweep/v1"

// Header is the first line of a file.
type Header struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	What    string `json:"what"`
}

// Store is a file of lines that survives being killed: each unit is appended with one write, a torn last
// line is cut off when the file is opened again, and what it holds is not run again.
type Store struct {
	Header Header
	Lines  []Line

	file *os.File
	done map[string]bool
}

func unitKey(scenario string, seed uint64) string { return fmt.Sprintf("%s %d", scenario, seed) }

// Has says whether a unit is done.
func (s *Store) Has(scenario string, seed uint64) bool { return s.done[unitKey(scenario, seed)] }

// Read reads a file of lines. A last line without its end is left out: its unit counts as not done.
func Read(path string) (*Store, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, _, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// parse reads complete lines; good is where they end.
func parse(data []byte) (s *Store, good int64, err error) {
	s = &Store{done: map[string]bool{}}
	for n := 1; len(data) > 0; n++ {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		row := data[:end]
		data = data[end+1:]
		if n == 1 {
			if err := json.Unmarshal(row, &s.Header); err != nil || s.Header.Schema != Schema {
				return nil, 0, errors.New("no results of a sweep: the first line is not " + Schema)
			}
		} else {
			var unit []Line
			if err := json.Unmarshal(row, &unit); err != nil {
				return nil, 0, fmt.Errorf("line %d: %w", n, err)
			}
			s.keep(unit)
		}
		good += int64(end) + 1
	}
	return s, good, nil
}

func (s *Store) keep(unit []Line) {
	for _, l := range unit {
		s.done[unitKey(l.Scenario, l.Seed)] = true
	}
	s.Lines = append(s.Lines, unit...)
}

// Open opens a file to go on with it, or creates it. A file of another sweep or version is refused.
func Open(path, what string) (*Store, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	s, err := resume(f, Header{Schema, result.Version, what})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return s, nil
}

func resume(f *os.File, h Header) (*Store, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	s, good, err := parse(data)
	if err != nil {
		return nil, err
	}
	s.file = f
	if good > 0 && s.Header != h {
		return nil, fmt.Errorf("holds the results of another sweep (%s, mqsim %s)", s.Header.What, s.Header.Version)
	}
	if err := f.Truncate(good); err != nil {
		return nil, err
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return nil, err
	}
	if good == 0 {
		s.Header = h
		return s, s.write(h)
	}
	return s, nil
}

// add appends the lines of one unit.
func (s *Store) add(unit []Line) error {
	s.keep(unit)
	return s.write(unit)
}

func (s *Store) write(v any) error {
	row, err := json.Marshal(v)
	if err == nil {
		_, err = s.file.Write(append(row, '\n'))
	}
	return err
}

// Close ends writing.
func (s *Store) Close() error { return s.file.Close() }

// Merge puts the lines of several files of one sweep together; a unit that several hold counts once, and
// must be the same in each.
func Merge(stores []*Store) (*Store, error) {
	out := &Store{done: map[string]bool{}}
	seen := map[string]string{}
	for i, s := range stores {
		if i == 0 {
			out.Header = s.Header
		}
		if s.Header != out.Header {
			return nil, fmt.Errorf("files of different sweeps: %q (mqsim %s) and %q (mqsim %s)", out.Header.What, out.Header.Version, s.Header.What, s.Header.Version)
		}
		for _, l := range s.Lines {
			key := unitKey(l.Scenario, l.Seed) + " " + l.System
			if hash, twice := seen[key]; twice {
				if hash != l.TraceHash {
					return nil, fmt.Errorf("%s seed %d, system %s: two files hold different runs (trace hash %s and %s)", l.Scenario, l.Seed, l.System, hash, l.TraceHash)
				}
				continue
			}
			seen[key] = l.TraceHash
			out.keep([]Line{l})
		}
	}
	Sort(out.Lines)
	return out, nil
}

// WriteJSONL writes a store as a file of lines.
func (s *Store) WriteJSONL(w io.Writer) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	if err := enc.Encode(s.Header); err != nil {
		return err
	}
	for _, l := range s.Lines {
		if err := enc.Encode([]Line{l}); err != nil {
			return err
		}
	}
	return out.Flush()
}

func before(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

func has(s, part string) bool { return strings.Contains(s, part) }
