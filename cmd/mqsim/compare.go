package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/gate"
	"github.com/mqsim/mqsim/result"
)

func (a *app) compareCommand() *cobra.Command {
	format := choice{value: gate.Formats[0], words: gate.Formats}
	var percent, output string
	var budgets []string
	var all bool
	c := &cobra.Command{
		Use:   "compare BASE.json NEW.json",
		Short: "the gate for CI: is a new result worse than a baseline?",
		Long: `compare puts two results beside each other, run by run. Any rise of what is lost,
duplicated, reordered or violated is a regression; times, rates and bytes may get worse
by --max-regress percent; a run that is missing or whose verdict got worse is a regression.

Exit codes: 0 nothing got worse, 1 a regression, 2 the files cannot be read or hold
results of different scenarios under one name ("not comparable").`,
		Example: "  mqsim run primary-crash -f json --summary -o new.json\n  mqsim compare baseline.json new.json --max-regress 2% --budget p99=10%",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			rules, err := rulesOf(percent, budgets)
			if err != nil {
				return err
			}
			return a.compare(args[0], args[1], rules, format.value, output, all)
		},
	}
	fs := c.Flags()
	fs.VarP(&format, "format", "f", "format: "+strings.Join(gate.Formats, ", "))
	fs.StringVarP(&output, "output", "o", "", "write to `FILE` instead of standard output")
	fs.StringVar(&percent, "max-regress", "5%", "how much worse times, rates and bytes may get, in `PERCENT`")
	fs.StringArrayVar(&budgets, "budget", nil, "a budget of one metric, `METRIC=5%` or METRIC=3 (repeatable)")
	fs.BoolVarP(&all, "verbose", "v", false, "also what got worse within its budget")
	mustComplete(c, "format", gate.Formats)
	return c
}

func rulesOf(percent string, own []string) ([]gate.Budget, error) {
	share, err := result.ParseNumber(strings.TrimSuffix(percent, "%"))
	if err != nil || share.IsNever() || share < 0 {
		return nil, usage("--max-regress %s: want a percentage such as 5%%", percent)
	}
	var budgets []gate.Budget
	for _, text := range own {
		b, err := gate.ParseBudget(text)
		if err != nil {
			return nil, usage("--%w", err)
		}
		budgets = append(budgets, b)
	}
	return gate.Budgets(share, budgets), nil
}

func (a *app) compare(base, now string, rules []gate.Budget, format, output string, all bool) error {
	old, err := readResult(base)
	if err != nil {
		return err
	}
	fresh, err := readResult(now)
	if err != nil {
		return err
	}
	if why := gate.Comparable(old, fresh); why != "" {
		return usage("%s", why)
	}
	c := gate.Compare(old, fresh, rules)
	var b bytes.Buffer
	if err := c.Write(&b, format, all); err != nil {
		return err
	}
	if output == "" {
		_, err = a.out.Write(b.Bytes())
	} else {
		err = store(output, b.Bytes())
	}
	if err != nil {
		return &exitError{codeInvalid, fmt.Errorf("writing the comparison: %w", err)}
	}
	switch c.Verdict {
	case "incomparable":
		return usage("not comparable: %s hold different scenarios under one name; make a new baseline", counted(len(c.Incomparable), "run"))
	case "regression":
		return &exitError{code: codeFail}
	}
	return nil
}

// store writes a report to a file. GitHub's summary of a step is a file that steps add to.
func store(path string, data []byte) error {
	if path != os.Getenv("GITHUB_STEP_SUMMARY") {
		return os.WriteFile(path, data, 0o644)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
