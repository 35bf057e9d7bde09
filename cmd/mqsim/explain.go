package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/scenarios"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain WORD",
		Short:   "what a word of scenarios or results means: a metric, a fault, a setting",
		Example: "  mqsim explain write_outage\n  mqsim explain kill --lang zh",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return scenarios.Words(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			text, hint, ok := a.engine.Explain(args[0], a.lang.value)
			if !ok && hint != "" {
				hint = fmt.Sprintf(" (did you mean %s?)", hint)
			}
			if !ok {
				return usage("no word %q in scenarios or results%s", args[0], hint)
			}
			fmt.Fprintln(a.out, strings.TrimRight(text, "\n"))
			return nil
		},
	}
}
