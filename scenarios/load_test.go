package scenarios

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

const minimal = `name: x
duration: 60s
workload: {producerRate: 100}
systems: {kafka: {version: "3.9", coordination: zookeeper}}
`

// TestBroken feeds the loader broken scenarios and compares the whole message. Regenerate with
// -rewrite, then read the difference.
func TestBroken(t *testing.T) {
	datadriven.Walk(t, filepath.Join("testdata", "broken"), func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "load" {
				return "unknown command " + d.Cmd
			}
			s, problems := Load("s.yaml", []byte(d.Input+"\n"))
			out := problems.String()
			if s != nil && len(problems) > 0 || s == nil && len(problems) == 0 {
				return "a scenario and problems, or neither"
			}
			if s != nil {
				out = "valid\n" + s.Warnings.String()
			}
			return strings.TrimRight(out, "\n") + "\n"
		})
	})
}

func TestLibrary(t *testing.T) {
	for _, e := range Library() {
		t.Run(e.Name, func(t *testing.T) {
			s, problems := e.Load()
			require.Empty(t, problems.String())
			require.Empty(t, s.Warnings.String())
			require.Equal(t, e.Name, s.Name)
			require.True(t, bytes.HasPrefix(e.Data, []byte("# yaml-language-server: $schema=./scenario.schema.json\n")))
			require.NotEmpty(t, s.Teaches)
			for _, text := range []string{s.TitleText.En, s.TitleText.Zh, s.LessonText.En, s.LessonText.Zh} {
				require.NotEmpty(t, text)
			}
			for _, sys := range s.Systems {
				require.NotEmpty(t, sys.Expect, sys.Name)
			}
			require.Greater(t, len(s.Faults)+len(s.Operations)+len(s.Systems), 1, "nothing happens, and nothing is compared")
		})
	}
}

func TestTooLarge(t *testing.T) {
	_, problems := Load("s.yaml", bytes.Repeat([]byte("a: b\n"), 2_000_000))
	require.Equal(t, "s.yaml:1:1: the file has 10000000 bytes; a scenario has at most 1 MiB", problems.Error())
}

func TestNoise(t *testing.T) {
	for _, c := range []string{"\x00", "\xff\xfe", "[", "{", "&a [*a", strings.Repeat("[", 1<<20), strings.Repeat("a: ", 1<<18),
		strings.Repeat("- ", 1<<19), strings.Repeat("{a: ", 20000), strings.Repeat("? ", 1<<18), "%YAML 9.9\n---\n", "!!binary x",
		"a: !!int b\n", "name: !custom x\n", "<<: 3\n", "<<: [*a]\n"} {
		s, problems := Load("s.yaml", []byte(c))
		require.Nil(t, s)
		require.NotEmpty(t, problems)
	}
}

func TestDigest(t *testing.T) {
	load := func(text string) *Scenario {
		s, problems := Load("s.yaml", []byte(text))
		require.Empty(t, problems.String())
		return s
	}
	a := load(minimal)
	require.Len(t, a.Digest("kafka"), 64)
	require.Empty(t, a.Digest("rabbitmq"))
	same := load(strings.Replace(minimal, "60s", "1m", 1) + "seed: 7\ntitle: a\nlesson: b\nx-note: c\nexpect: {kafka: [lost == 0]}\n# comment\n")
	require.Equal(t, a.Digest("kafka"), same.Digest("kafka"))
	for _, change := range []string{"hardware: nvme\n", "slo: 2s\n", "faults: [{at: 1s, action: kill, selector: primary}]\n",
		"setup: [{do: wait, for: 1s}]\n"} {
		require.NotEqual(t, a.Digest("kafka"), load(minimal+change).Digest("kafka"), change)
	}
	other := load(minimal + "faults: [{at: 1s, action: kill, selector: primary, systems: [kafka]}]\n")
	both := load(strings.Replace(minimal, "}}\n", "}, b: {like: kafka}}\n", 1) + "faults: [{at: 1s, action: kill, selector: primary, systems: [kafka]}]\n")
	require.Equal(t, other.Digest("kafka"), both.Digest("kafka"), "another system does not matter")
}

// TestSettingsOrder: the order of settings and equal spellings of a value leave the digest alone.
func TestSettingsOrder(t *testing.T) {
	var digests []string
	for _, entry := range []string{
		`{version: "3.9", coordination: zookeeper, producer: {acks: all, linger.ms: 5}}`,
		`{coordination: zookeeper, version: "3.9", producer: {linger.ms: "5", acks: -1}}`,
	} {
		s, problems := Load("s.yaml", []byte("name: x\nduration: 60s\nworkload: {producerRate: 1}\nsystems: {kafka: "+entry+"}\n"))
		require.Empty(t, problems.String())
		digests = append(digests, s.Digest("kafka"))
	}
	require.Equal(t, digests[0], digests[1])
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(minimal))
	for _, e := range Library() {
		f.Add(e.Data)
	}
	names, _ := filepath.Glob(filepath.Join("testdata", "broken", "*"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		for _, part := range strings.Split(string(data), "\nload\n") {
			input, _, _ := strings.Cut(part, "\n----")
			f.Add([]byte(input))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, problems := Load("s.yaml", data)
		if (s == nil) != (len(problems) > 0) {
			t.Fatal("a scenario and problems, or neither")
		}
		_ = problems.String()
		if s == nil {
			return
		}
		for _, sys := range s.Systems {
			if s.Digest(sys.Name) == "" {
				t.Fatal("no digest")
			}
		}
		_ = fmt.Sprint(s.Warnings.String(), s.Set("*.producer.acks", "1"))
	})
}
