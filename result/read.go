package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Read reads a result file. name stands in its errors, which say the line where there is one.
func Read(name string, data []byte) (*File, error) {
	var head struct {
		Schema  *string `json:"schema"`
		Version string  `json:"version"`
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("%s: empty; a result is written by: mqsim run NAME -f json -o FILE", name)
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, located(name, data, err)
	}
	switch {
	case head.Schema == nil:
		return nil, fmt.Errorf("%s: no key \"schema\": not a result of mqsim", name)
	case *head.Schema != Schema:
		return nil, fmt.Errorf("%s: schema is %q; this mqsim reads %q", name, *head.Schema, Schema)
	}
	f := new(File)
	if err := strict(data, f); err != nil {
		err = located(name, data, err)
		if head.Version != Version {
			err = fmt.Errorf("%w (the file was written by mqsim %s, this is %s)", err, head.Version, Version)
		}
		return nil, err
	}
	for i, r := range f.Results {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("%s: results[%d]: %w", name, i, err)
		}
	}
	return f, nil
}

// strict decodes one JSON value and takes no unknown key: a view must not silently show less than the file holds.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows after the end of the value")
	}
	return nil
}

// located puts file, line and column in front of an error of the decoder.
func located(name string, data []byte, err error) error {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset - 1
	} else if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s cannot be a JSON %s", typ.Field, typ.Value)
		offset = typ.Offset - 1
	}
	if offset < 0 {
		return fmt.Errorf("%s: %w", name, err)
	}
	before := data[:min(int(offset), len(data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("%s:%d:%d: %w", name, line, column, err)
}

// check finds what a report could not render.
func (r *Result) check() error {
	switch {
	case r == nil:
		return errors.New("is null")
	case r.Scenario == "" || r.System == "":
		return errors.New("scenario and system need a name")
	case r.Verdict != Pass && r.Verdict != Fail && r.Verdict != Invalid:
		return fmt.Errorf("verdict %q is none of pass, fail, invalid", r.Verdict)
	case r.Window[0].IsNever() || r.Window[1].Cmp(r.Window[0]) <= 0 || r.Window[1].IsNever():
		return fmt.Errorf("window [%v, %v] is not a span", r.Window[0], r.Window[1])
	case r.Series != nil && (r.Series.Step <= 0):
		return fmt.Errorf("series.step %v is not positive", r.Series.Step)
	}
	return nil
}
