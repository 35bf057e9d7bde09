package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/report"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

func (a *app) traceCommand() *cobra.Command {
	format := choice{value: "table", words: []string{"table", "json"}}
	var message string
	var systems, sets []string
	var seed uint64
	c := &cobra.Command{
		Use:   "trace SCENARIO --message ID",
		Short: "the biography of one message: who acknowledged it, who held it, what removed each copy",
		Long: `trace runs the scenario again with a watch on one message: nothing else changes, the run
ends with the same trace hash. Ids stand in every report (losses and flow name examples).`,
		Example:           "  mqsim run acks-ladder -v\n  mqsim trace acks-ladder --systems kafka-acks1 --message p0-20418",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.scenarioArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if message == "" {
				return usage("trace needs --message ID, as results print it: p0-20418")
			}
			id, err := runner.ParseMessage(message)
			if err != nil {
				return err
			}
			chosen, err := a.load(args, &runOptions{systems: systems, sets: sets})
			if err != nil {
				return err
			}
			var b bytes.Buffer
			for i, sys := range selected(chosen[0], systems) {
				if !c.Flags().Changed("seed") {
					seed = chosen[0].Seed
				}
				life, err := runner.Trace(chosen[0], sys, seed, id)
				if err != nil {
					return err
				}
				if i > 0 && format.value == "table" {
					b.WriteString("\n")
				}
				if err := report.WriteBiography(&b, life, format.value, a.look(a.lang.value)); err != nil {
					return err
				}
			}
			_, err = a.out.Write(b.Bytes())
			return err
		},
	}
	fs := c.Flags()
	fs.StringVar(&message, "message", "", "the message, `ID` as p0-20418")
	fs.StringSliceVar(&systems, "systems", nil, "only these systems, `A,B`")
	fs.StringArrayVar(&sets, "set", nil, "override `PATH=VALUE` (repeatable)")
	fs.Uint64Var(&seed, "seed", 0, "seed `N` instead of the scenario's own")
	fs.VarP(&format, "format", "f", "format: table, json")
	mustComplete(c, "format", format.words)
	return c
}

func selected(s *scenarios.Scenario, names []string) []*scenarios.System {
	if len(names) == 0 {
		return s.Systems
	}
	var out []*scenarios.System
	for _, name := range names {
		if sys := s.System(name); sys != nil {
			out = append(out, sys)
		}
	}
	return out
}

// whatIf runs each chosen scenario with and without a change and prints what differs.
func (a *app) whatIf(c *cobra.Command, args []string, o *runOptions, opt runner.Options, before []*scenarios.Scenario) error {
	if f := o.format.value; f != "table" && f != "json" {
		return usage("--what-if: -f is table or json")
	}
	changed := *o
	changed.sets = append(append([]string(nil), o.sets...), o.whatIf...)
	after, err := a.load(args, &changed)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for i := range before {
		f, err := runner.WhatIf(c.Context(), before[i], after[i], opt, o.whatIf)
		if err != nil {
			return err
		}
		if i > 0 && o.format.value == "table" {
			b.WriteString("\n")
		}
		if err := report.WriteWhatIf(&b, f, o.format.value, o.look(a)); err != nil {
			return err
		}
	}
	if o.output != "" && o.output != "-" {
		return store(o.output, b.Bytes())
	}
	_, err = a.out.Write(b.Bytes())
	return err
}
