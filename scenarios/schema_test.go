package scenarios

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

func schema(t *testing.T) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("scenario.schema.json", doc))
	s, err := c.Compile("scenario.schema.json")
	require.NoError(t, err)
	return s
}

// check validates a scenario's text by the schema.
func check(t *testing.T, s *jsonschema.Schema, text []byte) error {
	var tree any
	require.NoError(t, yaml.Unmarshal(text, &tree))
	asJSON, err := json.Marshal(tree)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	require.NoError(t, err)
	return s.Validate(doc)
}

func TestSchemaIsCheckedIn(t *testing.T) {
	have, err := os.ReadFile("scenario.schema.json")
	require.NoError(t, err)
	require.True(t, bytes.Equal(have, Schema()), "scenario.schema.json is out of date: go generate ./scenarios")
}

// valid are all scenarios of this repository that load: the library, the starters, the good ones among the tests.
func valid(t *testing.T) map[string][]byte {
	out := map[string][]byte{}
	for _, e := range Library() {
		out[e.Name] = e.Data
	}
	for _, lang := range []string{"en", "zh"} {
		text, ok := Starter("first", lang)
		require.True(t, ok)
		out["starter "+lang] = []byte(text)
	}
	files, err := filepath.Glob("testdata/broken/*")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for i, part := range strings.Split(string(data), "\nload\n")[1:] {
			input, answer, _ := strings.Cut(part, "\n----\n")
			if strings.HasPrefix(answer, "valid") {
				out[file+" "+string(rune('a'+i))] = []byte(input)
			}
		}
	}
	return out
}

// TestSchemaAcceptsWhatLoads: the schema is looser than the loader, never stricter.
func TestSchemaAcceptsWhatLoads(t *testing.T) {
	s := schema(t)
	all := valid(t)
	require.Greater(t, len(all), 12)
	for name, text := range all {
		require.NoError(t, check(t, s, text), name)
	}
	outcomes, err := filepath.Glob("../models/*/testdata/outcomes/*.yaml")
	require.NoError(t, err)
	for _, file := range outcomes {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, check(t, s, text), file)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	for _, c := range [][2]string{
		{"60s", "60"},
		{"name: x", "nam: x"},
		{"producerRate: 100", "producerRat: 100"},
		{"producerRate: 100", "producerRate: fast"},
		{`version: "3.9"`, "versoin: 3"},
		{"coordination: zookeeper", "coordination: etcd"},
		{"coordination: zookeeper", "topic: {min.insync.replica: 2}"},
		{"coordination: zookeeper", "queue: {durable: true}"},
	} {
		require.NoError(t, check(t, s, []byte(minimal)))
		require.Error(t, check(t, s, []byte(strings.Replace(minimal, c[0], c[1], 1))), c[1])
	}
	for _, line := range []string{
		"faults: [{at: 1s, action: kil, selector: primary}]",
		"faults: [{action: kill, selector: primary}]",
		"faults: [{at: 1s, when: {event: host-up}, action: kill, selector: primary}]",
		"faults: [{at: 1s, action: kill, selector: primary, percent: 5}]",
		"faults: [{at: 1s, action: loss, selector: primary}]",
		"faults: [{at: 1s, action: loss, selector: primary, percent: 0}]",
		"faults: [{at: 1s, action: kill, selector: primary, mode: some}]",
		"operations: [{at: 1s, do: restrt}]",
		"operations: [{at: 1s, do: wait, queue: t0-0}]",
		"operations: [{at: 1s, do: reassign, partition: t0-0}]",
		"expect: {kafka: [{chek: lost == 0}]}",
		"hardware: floppy",
	} {
		require.Error(t, check(t, s, []byte(minimal+line+"\n")), line)
	}
}

var (
	indexed  = regexp.MustCompile(`\[\d+\]`)
	inEntry  = regexp.MustCompile(`^(systems|expect)\.[a-z0-9-]+(\.\d[a-z0-9-]*)*`) // kafka-4.1 is a name
	perEntry = regexp.MustCompile(`^systems\.\*\.(topic|queue|policy|broker|hosts|streams)`)
)

// TestSchemaKnowsTheLoadersKeys compares, mapping by mapping, the keys that the loader looks for with those of
// the schema, so that neither gets a key that the other lacks.
func TestSchemaKnowsTheLoadersKeys(t *testing.T) {
	var root map[string]any
	require.NoError(t, json.Unmarshal(Schema(), &root))
	asked := map[string][]string{}
	for _, text := range append(slices.Collect(mapsValues(valid(t))), []byte(everything)) {
		_, problems := load("s.yaml", text, func(path string, keys []string) {
			path = indexed.ReplaceAllString(path, "[]")
			path = inEntry.ReplaceAllString(path, "$1.*")
			asked[path] = append(asked[path], keys...)
		})
		require.Empty(t, problems.String())
	}
	require.Greater(t, len(asked), 18)
	for path, keys := range asked {
		if path == "expect" || perEntry.MatchString(path) {
			continue // names of systems; settings
		}
		props := propsAt(t, root, path)
		for _, key := range keys {
			require.Contains(t, props, key, "the schema at %q lacks a key of the loader", path)
		}
		if strings.HasPrefix(path, "systems.*") || strings.HasPrefix(path, "streams") || path == "setup[]" {
			continue // keys of all models, settings of clients among them; setup is as operations
		}
		for key := range props {
			require.Contains(t, keys, key, "the schema at %q has a key that the loader does not ask for", path)
		}
	}
}

// everything has each mapping of the language at least once.
const everything = `name: x
title: {en: a, zh: b}
lesson: c
duration: 60s
drain: {quiet: 10s, limit: 20s}
network: {latency: 1ms}
disk: {fsync: 1ms}
cpu: {cores: 2}
boot: {os: 10s}
streams:
  - name: q
    backlog: {messages: 5}
    producers: [{rate: [{from: 0s, rate: 5}, {from: 10s, rate: 0}]}]
    consumers: [{count: 1}]
systems:
  rabbitmq: {version: "3.12", producer: {confirms: true}, consumer: {prefetch: 3}}
faults: [{when: {event: node-down}, action: kill, selector: primary, optional: true}]
expect: {rabbitmq: [{check: lost == 0, because: b}]}
`

// propsAt are the properties of the schema at a path of the loader.
func propsAt(t *testing.T, root map[string]any, path string) map[string]any {
	at := root
	step := func(next any) {
		m, ok := next.(map[string]any)
		require.True(t, ok, "no schema at %q", path)
		at = m
		for {
			if ref, ok := at["$ref"].(string); ok {
				at = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
				continue
			}
			list, ok := at["anyOf"].([]any)
			if !ok {
				return
			}
			i := -1
			for _, key := range []string{"properties", "items", "$ref", "anyOf"} {
				if i < 0 {
					i = slices.IndexFunc(list, func(x any) bool { return x.(map[string]any)[key] != nil })
				}
			}
			require.GreaterOrEqual(t, i, 0, path)
			at = list[i].(map[string]any)
		}
	}
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(path, "[]", ".[]"), func(r rune) bool { return r == '.' }) {
		switch props, _ := at["properties"].(map[string]any); {
		case part == "[]":
			step(at["items"])
		case part == "*":
			step(at["additionalProperties"])
		case props[part] != nil:
			step(props[part])
		default:
			step(at["additionalProperties"])
		}
	}
	props, ok := at["properties"].(map[string]any)
	require.True(t, ok, "no properties at %q", path)
	return props
}

func mapsValues(m map[string][]byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// TestStarter: what mqsim new writes loads without a warning.
func TestStarter(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		text, ok := Starter("my-first", lang)
		require.True(t, ok)
		s, problems := Load("my-first.yaml", []byte(text))
		require.Empty(t, problems.String())
		require.Empty(t, s.Warnings.String())
		require.Equal(t, "my-first", s.Name)
		require.Len(t, s.Systems, 4)
	}
	for _, bad := range []string{"", "-x", "a b", "a:"} {
		_, ok := Starter(bad, "en")
		require.False(t, ok, bad)
	}
}
