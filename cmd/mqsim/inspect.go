package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/runner"
)

func (a *app) inspectCommand() *cobra.Command {
	var in models.Inspection
	c := &cobra.Command{
		Use:   "inspect PATH ...",
		Short: "print a broker's file: a segment, an index, a commit log, a queue index",
		Long: `Prints files in a broker's own format, those that a run kept with --data-dir or those
of a real broker, in a form close to the broker's own dump tool, and says where a
file is damaged. A folder is printed as what it holds and whether its files agree.

Exit codes: 0 everything is whole, 1 something is damaged, 2 a path cannot be read or
is no broker's file.`,
		Example: "  mqsim run primary-crash --systems kafka --data-dir /tmp/disks\n  mqsim inspect /tmp/disks/primary-crash/kafka/42/broker-1/disk0/kafka-logs/t0-0",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.inspect(args, in) },
	}
	c.Flags().BoolVar(&in.Deep, "deep", false, "every record or message, not only batches and entries")
	c.Flags().BoolVar(&in.Body, "body", false, "with the contents of messages (implies --deep)")
	c.Flags().IntVar(&in.Max, "max", 0, "at most so many entries a file; 0: all")
	return c
}

func (a *app) inspect(paths []string, in models.Inspection) error {
	in.Out = a.out
	in.Deep = in.Deep || in.Body
	damaged := 0
	for _, path := range paths {
		n, err := runner.Inspect(path, in)
		if err != nil {
			return err
		}
		damaged += n
	}
	if damaged > 0 {
		return &exitError{codeFail, fmt.Errorf("damaged in %s", counted(damaged, "place"))}
	}
	return nil
}
