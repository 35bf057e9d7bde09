package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/result"
)

// app is what the commands share.
type app struct {
	engine
	streams
	lang choice
}

func newRoot(a *app) *cobra.Command {
	a.lang = choice{value: "en", words: []string{"en", "zh"}}
	root := &cobra.Command{
		Use:   "mqsim",
		Short: "what failures do to Kafka, RocketMQ and RabbitMQ, executed deterministically",
		Long: `mqsim runs the storage and replication engines of three message queues inside one
deterministic world, breaks that world on a schedule written in YAML, and reports
what happened to availability, to acknowledged messages and to throughput.

Exit codes: 0 all expectations hold, 1 one failed or a promise was violated,
2 the command line or a scenario is wrong, 3 a run is INVALID or an internal error,
4 nothing was selected, 130 interrupted.`,
		Example:       "  mqsim list\n  mqsim run primary-crash\n  mqsim run primary-crash --seeds 1..20 --systems kafka,rocketmq",
		Version:       result.Version,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(a.out)
	root.SetErr(a.streams.err)
	root.Flags().Bool("version", false, "print the version") // without it cobra would take -v for this
	root.PersistentFlags().Var(&a.lang, "lang", "language of reports: en, zh")
	mustComplete(root, "lang", a.lang.words)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w\nrun '%s --help' for its flags", err, c.CommandPath())
	})
	root.AddCommand(a.runCommand(), a.sweepCommand(), a.mergeCommand(), a.reportCommand(), a.compareCommand(), a.traceCommand(), a.listCommand(), a.showCommand(), a.newCommand(),
		a.validateCommand(), a.schemaCommand(), a.explainCommand(), a.inspectCommand(), a.benchCommand(), a.versionCommand())
	for _, c := range append(root.Commands(), root) {
		c.Args = usageArgs(c.Args)
	}
	return root
}

// usageArgs gives errors about arguments, unknown commands and flags that exclude each other the code
// of a wrong command line.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := c.ValidateFlagGroups(); err != nil {
			return usage("%w", err)
		}
		if check == nil {
			return nil
		}
		err := check(c, args)
		if err == nil {
			return nil
		}
		if !c.HasParent() && len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		return usage("%w\nusage: %s", err, c.UseLine())
	}
}

func unknownCommand(root *cobra.Command, word string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usage("unknown command %q%s\ncommands: %s", word, didYouMean(word, names), strings.Join(names, ", "))
}

// choice is a flag that takes one of a few words.
type choice struct {
	value string
	words []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Type() string { return "WORD" }

func (c *choice) Set(s string) error {
	for _, w := range c.words {
		if s == w {
			c.value = s
			return nil
		}
	}
	return fmt.Errorf("one of %s", strings.Join(c.words, ", "))
}

// mustComplete registers the words of a flag for shell completion; the flag exists.
func mustComplete(c *cobra.Command, flag string, words []string) {
	must(c, flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
