package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/scenarios"
)

func (a *app) listCommand() *cobra.Command {
	var pattern string
	var claims, markdown bool
	c := &cobra.Command{
		Use:   "list",
		Short: "the scenarios of the library and what each teaches",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case markdown && !claims:
				return usage("--markdown goes with --claims")
			case markdown:
				fmt.Fprint(a.out, scenarios.Notes())
				return nil
			case claims:
				a.claims()
				return nil
			}
			return a.list(pattern)
		},
	}
	c.Flags().StringVarP(&pattern, "match", "k", "", "only scenarios whose name contains `PATTERN` (or matches it, with * or ?)")
	c.Flags().BoolVar(&claims, "claims", false, "the sentences that study notes repeat, whether they hold, and what shows it")
	c.Flags().BoolVar(&markdown, "markdown", false, "with --claims: as docs/notes.md")
	return c
}

// claims prints each claim, its verdict and the expectation that shows it.
func (a *app) claims() {
	lang := a.lang.value
	model := ""
	for _, c := range scenarios.Claims() {
		if c.Model != model {
			if model != "" {
				fmt.Fprintln(a.out)
			}
			model = c.Model
			fmt.Fprintln(a.out, model)
		}
		fmt.Fprintf(a.out, "  %s\n      %s\n", c.Text.In(lang), c.Line(lang))
		if where := c.Where(lang); where != "" {
			fmt.Fprintf(a.out, "      %s\n", where)
		}
	}
}

// list prints one line a scenario, then which are about which model, and which answer which question.
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
	byModel := map[string][]string{}
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
		for _, y := range s.Systems {
			if !slices.Contains(byModel[y.Model], t.name) {
				byModel[y.Model] = append(byModel[y.Model], t.name)
			}
		}
	}
	for _, model := range slices.Sorted(maps.Keys(byModel)) {
		fmt.Fprintf(a.out, "\n%s\n     %s\n", model, strings.Join(byModel[model], ", "))
	}
	for _, q := range scenarios.Questions() {
		if names := answers[q.ID]; len(names) > 0 {
			fmt.Fprintf(a.out, "\n%s  %s\n     %s\n", q.ID, q.Text.In(a.lang.value), strings.Join(names, ", "))
		}
	}
	return nil
}
