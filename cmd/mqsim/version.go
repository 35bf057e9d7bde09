package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/result"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "the version, which decides whether results can be compared byte for byte",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(a.out, "mqsim %s\nresults %s\n%s %s/%s\n", result.Version, result.Schema, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
