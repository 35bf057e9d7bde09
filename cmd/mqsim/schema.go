package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/scenarios"
)

func (a *app) schemaCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "schema",
		Short: "the JSON Schema of scenarios, for editors",
		Long: `Prints the JSON Schema of scenarios. An editor with a YAML language server completes and checks
a file whose first line is

  # yaml-language-server: $schema=./scenario.schema.json`,
		Example: "  mqsim schema -o scenario.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				_, err := a.out.Write(scenarios.Schema())
				return err
			}
			if err := os.WriteFile(file, scenarios.Schema(), 0o644); err != nil {
				return usage("%w", err)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "output", "o", "", "write to `FILE`")
	return c
}
