package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) validateCommand() *cobra.Command {
	var quiet bool
	c := &cobra.Command{
		Use:               "validate FILE ...",
		Short:             "check scenario files and report every problem with its place",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.scenarioArgs,
		RunE:              func(_ *cobra.Command, args []string) error { return a.validate(args, quiet) },
	}
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing about files that are right")
	return c
}

// validate prints problems and warnings on standard error, one "ok" a file on standard output.
func (a *app) validate(args []string, quiet bool) error {
	targets, err := choose(args, "", a.names())
	if err != nil {
		return err
	}
	wrong, files := 0, 0
	for _, t := range targets {
		s, problems, err := a.open(t, nil)
		if err != nil {
			return err
		}
		if len(problems) > 0 {
			fmt.Fprintln(a.streams.err, problems.String())
			wrong += len(problems)
			files++
			continue
		}
		if len(s.Warnings) > 0 {
			fmt.Fprintln(a.streams.err, warningText(s.Warnings))
		}
		if !quiet {
			fmt.Fprintf(a.out, "%s: ok\n", t)
		}
	}
	if wrong > 0 {
		return usage("%s in %s", counted(wrong, "problem"), counted(files, "file"))
	}
	return nil
}
