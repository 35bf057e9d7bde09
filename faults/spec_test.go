package faults

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSelector(t *testing.T) {
	show := func(s Selector) string {
		var out []string
		for _, term := range s.Terms {
			switch {
			case term.Not != nil:
				out = append(out, "not["+term.Not.Text+"]")
			case term.Arg != "":
				out = append(out, term.Word+"<"+term.Arg+">")
			default:
				out = append(out, term.Word)
			}
		}
		return strings.Join(out, " ")
	}
	for _, c := range [][2]string{
		{"primary", "primary"},
		{"primary(t0-2)", "primary<t0-2>"},
		{" primary + replica ", "primary replica"},
		{"broker-1+broker-2", "broker-1 broker-2"},
		{"not(primary)", "not[primary]"},
		{"not(primary+replica)+zk-1", "not[primary+replica] zk-1"},
		{"master(a/t0-0)", "master<a/t0-0>"},
	} {
		s, err := ParseSelector(c[0])
		require.NoError(t, err, c[0])
		require.Equal(t, c[1], show(s), c[0])
	}
	for _, bad := range []string{"", "+", "a+", "a b", "a(", "a)", "a(b))", "a()", "not", "not()", "a(b)c", "a,b", strings.Repeat("not(", 20) + "a" + strings.Repeat(")", 20)} {
		_, err := ParseSelector(bad)
		require.Error(t, err, bad)
	}
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{"primary", "not(a+b(c))+d", "((", "a(b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelector(text)
		if err == nil && s.Empty() {
			t.Fatal("neither terms nor an error")
		}
	})
}
