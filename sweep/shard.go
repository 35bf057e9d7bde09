package sweep

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of several machines that share a sweep: unit i belongs to shard i mod Of. The zero value is all of it.
type Shard struct{ Index, Of int } // Index counts from 0

func (s Shard) has(i int) bool { return s.Of <= 1 || i%s.Of == s.Index }

// String writes it as --shard takes it, from 1.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index+1, max(1, s.Of)) }

// ParseShard reads i/n, i from 1; auto/n and auto take the index, and without n the number too, from the variables
// that batch systems set: JOB_COMPLETION_INDEX (Kubernetes Indexed Job; the number of completions is in no variable, so
// it wants auto/n), SLURM_ARRAY_TASK_ID with _MIN and _COUNT, CI_NODE_INDEX and CI_NODE_TOTAL (GitLab),
// BUILDKITE_PARALLEL_JOB and _COUNT, CIRCLE_NODE_INDEX and _TOTAL.
func ParseShard(text string, env func(string) string) (Shard, error) {
	first, last, cut := strings.Cut(text, "/")
	of := 0
	if cut {
		n, err := strconv.Atoi(last)
		if err != nil || n < 1 {
			return Shard{}, fmt.Errorf("%q: want I/N such as 2/8", text)
		}
		of = n
	}
	if first == "auto" {
		s, from, err := shardOf(env)
		if err != nil {
			return Shard{}, err
		}
		if of > 0 {
			s.Of = of
		}
		if s.Of < 1 {
			return Shard{}, fmt.Errorf("%s does not say how many shards there are; write auto/N", from)
		}
		return s.checked(from)
	}
	i, err := strconv.Atoi(first)
	if err != nil || !cut {
		return Shard{}, fmt.Errorf("%q: want I/N such as 2/8, or auto", text)
	}
	return Shard{i - 1, of}.checked(text)
}

func (s Shard) checked(from string) (Shard, error) {
	if s.Index < 0 || s.Index >= s.Of {
		return Shard{}, fmt.Errorf("%s: there is no shard %d of %d", from, s.Index+1, s.Of)
	}
	return s, nil
}

// batch are the variables of batch systems: the index, the first index, the number.
var batch = []struct{ index, first, of string }{
	{"JOB_COMPLETION_INDEX", "0", ""},
	{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT"},
	{"BUILDKITE_PARALLEL_JOB", "0", "BUILDKITE_PARALLEL_JOB_COUNT"},
	{"CIRCLE_NODE_INDEX", "0", "CIRCLE_NODE_TOTAL"},
	{"CI_NODE_INDEX", "1", "CI_NODE_TOTAL"},
}

func shardOf(env func(string) string) (s Shard, from string, err error) {
	for _, b := range batch {
		text := env(b.index)
		if text == "" {
			continue
		}
		first, err := strconv.Atoi(b.first)
		if err != nil {
			if first, err = strconv.Atoi(env(b.first)); err != nil {
				return s, b.index, fmt.Errorf("%s is set and %s is no number", b.index, b.first)
			}
		}
		i, err := strconv.Atoi(text)
		if err != nil {
			return s, b.index, fmt.Errorf("%s=%s is no number", b.index, text)
		}
		s.Index = i - first
		if b.of != "" && env(b.of) != "" {
			if s.Of, err = strconv.Atoi(env(b.of)); err != nil {
				return s, b.index, fmt.Errorf("%s=%s is no number", b.of, env(b.of))
			}
		}
		return s, b.index, nil
	}
	return s, "", fmt.Errorf("--shard auto: none of the variables of Kubernetes Indexed Jobs, Slurm arrays or CI matrices is set")
}
