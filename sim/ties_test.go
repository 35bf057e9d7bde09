package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

type tieNode struct {
	id  int
	log *[][2]int
}

func (n tieNode) Handle(e Event) { *n.log = append(*n.log, [2]int{n.id, int(e.Arg)}) }

// Every event fires once and at its time, a node's own keep their order, and the seed decides the rest.
func TestShuffledTies(t *testing.T) {
	order := func(seed uint64, shuffled bool) [][2]int {
		var log [][2]int
		k := NewKernel()
		if shuffled {
			k.ShuffleTies(NewRand(seed, "ties"))
		}
		var ids []NodeID
		for i := range 4 {
			ids = append(ids, k.AddNode(tieNode{i, &log}))
		}
		for _, at := range []Time{5, 100_000, 3 * Second} {
			for i := range uint32(12) {
				k.At(at, ids[i%4], 0, uint32(at/1000)*100+i)
			}
		}
		k.Run(4 * Second)
		return log
	}
	plain := order(1, false)
	seen := map[string]bool{}
	for seed := range uint64(20) {
		got := order(seed, true)
		require.ElementsMatch(t, plain, got)
		require.Equal(t, got, order(seed, true))
		last, instant := map[int]int{}, 0
		text := ""
		for _, e := range got {
			require.GreaterOrEqual(t, e[1]/100, instant)
			require.GreaterOrEqual(t, e[1], last[e[0]])
			last[e[0]], instant = e[1], e[1]/100
			text += string(rune('a' + e[0]))
		}
		seen[text] = true
	}
	require.Greater(t, len(seen), 15)
}
