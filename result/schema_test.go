package result_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

const schemaFile = "result.schema.json"

// object is a node of the schema.
type object = map[string]any

// schemaOf is the JSON Schema of a Go type as encoding/json writes it.
func schemaOf(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[result.Number]():
		return object{"type": []string{"number", "null"}}
	case reflect.TypeFor[result.Text]():
		return object{"anyOf": []object{{"type": "string"}, {"type": "object", "properties": object{"en": object{"type": "string"}, "zh": object{"type": "string"}}, "additionalProperties": false}}}
	case reflect.TypeFor[result.Verdict]():
		return object{"enum": []result.Verdict{result.Pass, result.Fail, result.Invalid}}
	case reflect.TypeFor[result.Class]():
		return object{"enum": []result.Class{result.Allowed, result.Known, result.Violation}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	}
	return object{"type": "integer"}
}

func structSchema(t reflect.Type) object {
	props, required := object{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		props[name] = schemaOf(t.Field(i).Type)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

// The schema of the result JSON is checked in, and is that of the types.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	schema := schemaOf(reflect.TypeFor[result.File]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "mqsim result, " + result.Schema
	schema["properties"].(object)["schema"] = object{"const": result.Schema}
	got, err := json.MarshalIndent(schema, "", " ")
	require.NoError(t, err)
	got = append(got, '\n')
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(schemaFile, got, 0o644))
	}
	want, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run go test ./result -update")
}

// Real results fit it: with losses, with outages, summaries and baselines.
func TestResultsFitTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	require.NoError(t, err)
	e, _, ok := scenarios.Find("primary-crash")
	require.True(t, ok)
	sc, problems := e.Load()
	require.Empty(t, problems)
	require.NoError(t, sc.Set("workload.producerRate", "50"))
	f, err := runner.Run(context.Background(), runner.Options{Scenarios: []*scenarios.Scenario{sc}})
	require.NoError(t, err)
	for _, view := range []*result.File{f, f.Summarize(), f.Baseline()} {
		data, err := view.Bytes()
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(doc))
	}
	require.Error(t, schema.Validate(map[string]any{"schema": "something else"}))
}
