package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	library := []string{"acks-ladder", "primary-crash", "primary-isolated"}
	for _, c := range []struct {
		args    []string
		pattern string
		want    []target
		code    int
		err     string
	}{
		{args: []string{"primary-crash"}, want: []target{{name: "primary-crash"}}},
		{args: []string{"./x"}, want: []target{{file: "./x"}}},
		{args: []string{"x.yaml", "acks-ladder", "x.yaml"}, want: []target{{file: "x.yaml"}, {name: "acks-ladder"}}},
		{pattern: "primary", want: []target{{name: "primary-crash"}, {name: "primary-isolated"}}},
		{pattern: "*LADDER", want: []target{{name: "acks-ladder"}}},
		{pattern: "*", want: []target{{name: "acks-ladder"}, {name: "primary-crash"}, {name: "primary-isolated"}}},
		{args: []string{"dir/primary-own.yaml", "acks-ladder"}, pattern: "primary", want: []target{{file: "dir/primary-own.yaml"}}},
		{code: codeNothing, err: "nothing selected"},
		{pattern: "nope", code: codeNothing, err: "nothing matches -k nope"},
		{args: []string{"acks-ladder"}, pattern: "crash", code: codeNothing, err: "nothing matches"},
		{args: []string{"primary-crsh"}, code: codeUsage, err: "did you mean primary-crash?"},
		{args: []string{"zzz"}, code: codeUsage, err: `no scenario "zzz" in the library; `},
		{pattern: "[", code: codeUsage, err: "-k ["},
	} {
		got, err := choose(c.args, c.pattern, library)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			require.Equal(t, c.code, exitCode(err), "%v", c)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestKeepSystems(t *testing.T) {
	systems := [][]string{{"kafka", "kafka-acks1"}, {"rabbitmq"}}
	keep, err := keepSystems(nil, systems)
	require.NoError(t, err)
	require.Equal(t, []bool{true, true}, keep)
	keep, err = keepSystems([]string{"rabbitmq"}, systems)
	require.NoError(t, err)
	require.Equal(t, []bool{false, true}, keep)
	_, err = keepSystems([]string{"kafka-ack1"}, systems)
	require.ErrorContains(t, err, "did you mean kafka-acks1?")
	require.Equal(t, codeUsage, exitCode(err))
}

func TestSeeds(t *testing.T) {
	var f seedsFlag
	require.NoError(t, f.Set("3,1..4,9"))
	require.Equal(t, []uint64{3, 1, 2, 4, 9}, f.seeds)
	require.NoError(t, f.Set("18446744073709551614..18446744073709551615"))
	require.Len(t, f.seeds, 2)
	for _, bad := range []string{"", "x", "1..", "5..1", "-1", "1..20000", "0..18446744073709551615", "1,,2"} {
		require.Error(t, f.Set(bad), bad)
	}
}

func TestColourAndCharacters(t *testing.T) {
	with := func(width int, env map[string]string) streams {
		return streams{outWidth: width, env: func(k string) string { return env[k] }}
	}
	require.True(t, with(80, nil).colour())
	require.False(t, with(0, nil).colour())
	require.False(t, with(80, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}).colour())
	require.True(t, with(0, map[string]string{"CLICOLOR_FORCE": "1"}).colour())
	require.False(t, with(0, map[string]string{"CLICOLOR_FORCE": "0"}).colour())
	require.False(t, with(80, map[string]string{"TERM": "dumb"}).colour())
	require.False(t, with(80, map[string]string{"CLICOLOR": "0"}).colour())
	require.False(t, with(80, nil).ascii(), "no locale is UTF-8")
	require.False(t, with(80, map[string]string{"LANG": "C.UTF-8"}).ascii())
	require.True(t, with(80, map[string]string{"LC_ALL": "zh_CN.GBK", "LANG": "C.UTF-8"}).ascii())
}
