package main

import (
	"fmt"
	"strconv"
	"strings"
)

// maxSeeds bounds one command: more is a sweep.
const maxSeeds = 10_000

// seedsFlag takes 7, 1..20 and lists of both.
type seedsFlag struct {
	text  string
	seeds []uint64
}

func (f *seedsFlag) String() string { return f.text }

func (f *seedsFlag) Type() string { return "A..B" }

func (f *seedsFlag) Set(text string) error {
	f.text, f.seeds = text, nil
	seen := map[uint64]bool{}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "..")
		from, err := strconv.ParseUint(first, 10, 64)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseUint(last, 10, 64)
		}
		if err != nil {
			return fmt.Errorf("%q is neither a seed (7) nor a range (1..20)", part)
		}
		if to < from {
			return fmt.Errorf("%q ends before it begins", part)
		}
		if to-from >= maxSeeds || len(f.seeds)+int(to-from) >= maxSeeds {
			return fmt.Errorf("more than %d seeds", maxSeeds)
		}
		for i := range to - from + 1 {
			if !seen[from+i] {
				seen[from+i] = true
				f.seeds = append(f.seeds, from+i)
			}
		}
	}
	return nil
}
