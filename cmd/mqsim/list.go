package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/scenarios"
)

func (a *app) listCommand() *cobra.Command {
	var pattern string
	c := &cobra.Command{
		Use:   "list",
		Short: "the scenarios of the library and what each teaches",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.list(pattern) },
	}
	c.Flags().StringVarP(&pattern, "match", "k", "", "only scenarios whose name contains `PATTERN` (or matches it, with * or ?)")
	return c
}

// list prints one line a scenario, then which of them answer which question.
func (a *app) list(pattern string) error {
	if pattern == "" {
		pattern = "*"
	}
	targets, err := choose(nil, pattern, a.names())
	if err != nil {
		return err
	}
	width := 0
	for _, t := range targets {
		width = max(width, len(t.name))
	}
	answers := map[string][]string{}
	for _, t := range targets {
		s, problems, err := a.open(t, nil)
		if err != nil {
			return err
		}
		if len(problems) > 0 {
			return fmt.Errorf("the library is broken:\n%w", problems)
		}
		fmt.Fprintf(a.out, "%-*s  %s\n", width, t.name, s.Title(a.lang.value))
		for _, id := range s.Teaches {
			answers[id] = append(answers[id], t.name)
		}
	}
	for _, q := range scenarios.Questions() {
		if names := answers[q.ID]; len(names) > 0 {
			fmt.Fprintf(a.out, "\n%s  %s\n     %s\n", q.ID, q.Text.In(a.lang.value), strings.Join(names, ", "))
		}
	}
	return nil
}
