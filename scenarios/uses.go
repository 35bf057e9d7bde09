package scenarios

import (
	"sync"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
)

// Shown are the scenarios of the library that use a word: as action, operation, setting, metric or question.
func Shown(word string) []string {
	var names []string
	for _, s := range loaded() {
		if s.uses(word) {
			names = append(names, s.Name)
		}
	}
	return names
}

// loaded is the library, read once.
var loaded = sync.OnceValue(func() []*Scenario {
	var out []*Scenario
	for _, e := range Library() {
		if s, problems := e.Load(); len(problems) == 0 {
			out = append(out, s)
		}
	}
	return out
})

// uses says whether a scenario has a word in it that a reader could look up.
func (s *Scenario) uses(word string) bool {
	if contains(s.Teaches, word) || s.Hardware.Profile == word || s.schedules(word) {
		return true
	}
	for _, sys := range s.Systems {
		for sec := range sys.Sections {
			if _, ok := sys.Sections[sec].Get(word); ok {
				return true
			}
		}
		for i := range sys.Streams {
			if writes(&sys.Streams[i], word) {
				return true
			}
		}
		for _, h := range sys.System.Hosts {
			if _, ok := h.Settings.Get(word); ok {
				return true
			}
		}
		for _, q := range sys.Quirks {
			if q.Name == word {
				return true
			}
		}
		for i := range sys.Expect {
			for _, ref := range sys.Expect[i].Refs() {
				if ref.Metric.Name == word {
					return true
				}
			}
		}
	}
	return false
}

// writes says whether a stream writes a setting over those of its system.
func writes(st *models.Stream, word string) bool {
	list := []models.Settings{st.Topic, st.Queue, st.Policy}
	for i := range st.Producers {
		list = append(list, st.Producers[i].Settings)
	}
	for i := range st.Consumers {
		list = append(list, st.Consumers[i].Settings)
	}
	for _, set := range list {
		if _, ok := set.Get(word); ok {
			return true
		}
	}
	return false
}

// schedules says whether a fault or an operation uses a word: its action, an event, a role of a selector.
func (s *Scenario) schedules(word string) bool {
	used := false
	role := func(t faults.Term) { used = used || t.Word == word }
	for i := range s.Faults {
		f := &s.Faults[i]
		used = used || f.Action == word || f.Process == word && word != "server" || f.When != nil && f.When.Event == word
		f.Selector.Words(role)
		for _, sel := range f.Between {
			sel.Words(role)
		}
		for _, g := range f.Groups {
			for _, sel := range g {
				sel.Words(role)
			}
		}
	}
	for _, list := range [][]faults.Operation{s.Operations, s.Setup} {
		for i := range list {
			o := &list[i]
			_, defined := o.Definition.Get(word)
			_, set := o.Settings.Get(word)
			used = used || defined || set || o.Do == word || o.Until == word || o.When != nil && o.When.Event == word
			o.Selector.Words(role)
		}
	}
	return used
}
