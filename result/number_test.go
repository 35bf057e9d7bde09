package result

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNumberText(t *testing.T) {
	for _, c := range []struct {
		n    Number
		want string
	}{
		{Int(30000), "30000"},
		{Int(0), "0"},
		{Int(-7), "-7"},
		{Seconds(14_200_000_000), "14.2"},
		{Seconds(4_200_000), "0.0042"},
		{Seconds(499), "0"},
		{Seconds(500), "0.000001"},
		{Seconds(-500), "-0.000001"},
		{Ratio(2, 3), "0.666667"},
		{Ratio(1, 0), "null"},
		{Percent(1, 3), "33.333333"},
		{PerSecond(29123, 58_000_000_000), "502.12069"},
		{Never, "null"},
		{Int(math.MaxInt64), "9223372036854.775807"},
	} {
		require.Equal(t, c.want, c.n.String())
	}
}

func TestNumberFixed(t *testing.T) {
	n := Seconds(14_251_000_000)
	require.Equal(t, "14", n.Fixed(0))
	require.Equal(t, "14.3", n.Fixed(1))
	require.Equal(t, "14.251000", n.Fixed(6))
	require.Equal(t, "0.05", Seconds(50_000_000).Fixed(2))
	require.Equal(t, "0.0", Seconds(-49_000_000).Fixed(1), "no minus zero")
	require.Equal(t, "-0.05", Seconds(-50_000_000).Fixed(2))
}

func TestParseNumberRejects(t *testing.T) {
	for _, s := range []string{"", "-", ".5", "5.", "1e3", "+1", "0x1", "1.2345678", "99999999999999", "NaN", "1 "} {
		_, err := ParseNumber(s)
		require.Error(t, err, "%q", s)
	}
}

func TestNumberRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := Number(rapid.Int64().Draw(t, "n"))
		back, err := ParseNumber(n.String())
		require.NoError(t, err)
		require.Equal(t, n, back)
	})
}

// A ratio computed in 128 bits is within half a millionth of the exact one.
func TestRatioIsRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-1_000_000_000, 1_000_000_000).Draw(t, "a")
		b := rapid.Int64Range(1, 1_000_000).Draw(t, "b")
		error2 := 2 * (int64(Ratio(a, b))*b - a*million) // twice the error, in units of 1/b
		require.True(t, -b <= error2 && error2 <= b, "%d/%d = %v", a, b, Ratio(a, b))
	})
}

func TestNeverIsAboveAll(t *testing.T) {
	require.Equal(t, 1, Never.Cmp(Int(math.MaxInt64)))
	require.Equal(t, -1, Int(5).Cmp(Never))
	require.Equal(t, 0, Never.Cmp(Never))
	require.Equal(t, -1, Int(1).Cmp(Int(2)))
}
