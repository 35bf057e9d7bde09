package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/scenarios"
)

// This file answers the shell's questions about what depends on the scenarios of a command line.

// scenarioArgs completes names of the library, and files that end in .yaml.
func (a *app) scenarioArgs(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if isFile(begun) || begun != "" && !slices.ContainsFunc(a.names(), func(n string) bool { return strings.HasPrefix(n, begun) }) {
		return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
	}
	var names []string
	for _, e := range a.Library() {
		if slices.Contains(args, e.Name) {
			continue
		}
		title := ""
		if s, problems := e.Load(); len(problems) == 0 {
			title = s.Title(a.lang.value)
		}
		names = append(names, cobra.CompletionWithDesc(e.Name, title))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// chosen are the scenarios that the arguments name and that load; the whole library without arguments.
func (a *app) chosen(args []string) []*scenarios.Scenario {
	if len(args) == 0 {
		args = a.names()
	}
	var out []*scenarios.Scenario
	for _, arg := range args {
		targets, err := choose([]string{arg}, "", a.names())
		if err != nil {
			continue
		}
		if s, problems, err := a.open(targets[0], nil); err == nil && len(problems) == 0 {
			out = append(out, s)
		}
	}
	return out
}

// systemsFlag completes --systems, a list joined by commas.
func (a *app) systemsFlag(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	given := ""
	if i := strings.LastIndexByte(begun, ','); i >= 0 {
		given = begun[:i+1]
	}
	var out []string
	for _, s := range a.chosen(args) {
		for _, name := range systemNames(s) {
			if word := given + name; !slices.Contains(out, word) && !slices.Contains(strings.Split(given, ","), name) {
				out = append(out, word)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// setFlag completes the path of --set: a key of the scenario, or SYSTEM.KEY and SYSTEM.SECTION.SETTING.
func (a *app) setFlag(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	out := []string{"duration=", "hardware=", "seed=", "workload.messageSize=", "workload.partitionsPerTopic=", "workload.producerRate=",
		"workload.producersPerTopic=", "workload.consumersPerTopic=", "workload.topics=", "network.latency=", "network.bandwidth=", "disk.fsync="}
	add := func(path string) {
		if !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	for _, s := range a.chosen(args) {
		for _, sys := range s.Systems {
			if !strings.HasPrefix(begun, sys.Name+".") {
				add(sys.Name + ".")
				continue
			}
			add(sys.Name + ".version=")
			for sec := models.Topology; sec < models.NumSections; sec++ {
				prefix := sys.Name + "."
				if sec != models.Topology {
					prefix += sec.String() + "."
				}
				for _, name := range sys.Table.NamesIn(sec) {
					add(prefix + name + "=")
				}
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// filesOf completes files with an ending.
func filesOf(endings ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return endings, cobra.ShellCompDirectiveFilterFileExt
	}
}

// must registers a completion of a flag that exists.
func must(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}
