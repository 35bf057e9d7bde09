package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/scenarios"
)

func (a *app) newCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "new [FILE]",
		Short:   "a commented scenario to begin with",
		Long:    "Writes a commented scenario that loads and runs as it stands: to FILE, which must not exist, or to standard output.",
		Example: "  mqsim new my-first.yaml && mqsim run my-first.yaml",
		Args:    cobra.MaximumNArgs(1),

		ValidArgsFunction: filesOf("yaml"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				text, _ := scenarios.Starter("my-scenario", a.lang.value)
				fmt.Fprint(a.out, text)
				return nil
			}
			return a.newFile(args[0])
		},
	}
}

func (a *app) newFile(file string) error {
	base := filepath.Base(file)
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml")
	if name == base {
		return usage("new %s: the file of a scenario ends in .yaml", file)
	}
	text, ok := scenarios.Starter(name, a.lang.value)
	if !ok {
		return usage("new %s: %q is no name of a scenario: letters, digits, - _ . and a letter or digit first", file, name)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return usage("new %s: the file exists", file)
	case err != nil:
		return usage("%w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Fprintf(a.out, "%s: check it with 'mqsim validate %s', run it with 'mqsim run %s'\n", file, arg(file), arg(file))
	return nil
}

// arg is a file's name as an argument: the ending .yaml marks it as one.
func arg(file string) string {
	if strings.ContainsAny(file, " '\"$") {
		return "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	}
	return file
}
