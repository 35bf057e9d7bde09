package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "a scenario: its lesson, its schedule as a timeline, its file",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.scenarioArgs,
		RunE:              func(_ *cobra.Command, args []string) error { return a.show(args[0]) },
	}
}

// timelineWidth is how many characters the load takes on the timeline.
const timelineWidth = 61

func (a *app) show(arg string) error {
	targets, err := choose([]string{arg}, "", a.names())
	if err != nil {
		return err
	}
	s, problems, err := a.open(targets[0], nil)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &exitError{codeUsage, fmt.Errorf("%s", problems.String())}
	}
	text, err := a.source(targets[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "# %s: %s\n", s.Name, s.Title(a.lang.value))
	for line := range strings.SplitSeq(fold(s.Lesson(a.lang.value), 96), "\n") {
		fmt.Fprintln(a.out, strings.TrimRight("# "+line, " "))
	}
	if len(s.Teaches) > 0 {
		fmt.Fprintf(a.out, "# %s\n", strings.Join(s.Teaches, ", "))
	}
	if len(s.Faults)+len(s.Operations)+len(s.Setup) > 0 {
		fmt.Fprintln(a.out, "#")
		for line := range strings.SplitSeq(strings.TrimRight(s.Timeline(a.lang.value, timelineWidth), "\n"), "\n") {
			fmt.Fprintln(a.out, strings.TrimRight("# "+line, " "))
		}
	}
	fmt.Fprintf(a.out, "\n%s", text)
	return nil
}

// fold breaks a text at blanks; CJK text without blanks stays on one line.
func fold(text string, width int) string {
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		switch {
		case used > 0 && used+1+len(word) > width:
			b.WriteByte('\n')
			used = 0
		case used > 0:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
	}
	return b.String()
}
