package result

// WhatIfSchema is the value of the key "schema" of a comparison of two configurations.
const WhatIfSchema = "mqsim.whatif/v1"

// WhatIf is what a change of settings changes, run by run with equal seeds.
type WhatIf struct {
	Schema   string       `json:"schema"`
	Version  string       `json:"version"`
	Scenario string       `json:"scenario"`
	Change   []string     `json:"change"` // as typed
	Pairs    []WhatIfPair `json:"pairs"`
}

// WhatIfPair is one system with one seed, before and after the change.
type WhatIfPair struct {
	System   string            `json:"system"`
	Seed     uint64            `json:"seed"`
	Before   Verdict           `json:"before"`
	After    Verdict           `json:"after"`
	Settings map[string]string `json:"settings,omitempty"` // that differ, with their new values
	// FirstEvent is where the runs part; absent if every event is equal.
	FirstEvent *Parting `json:"first_event,omitempty"`
	Changes    []Change `json:"changes"`
}

// Parting is the first event at which two runs differ; one side is absent if only the other goes on.
type Parting struct {
	Before *Event `json:"before,omitempty"`
	After  *Event `json:"after,omitempty"`
}

// Change is a metric that differs. Better is the direction that is good: -1 less, 1 more, 0 neither.
type Change struct {
	Metric string `json:"metric"`
	Before Number `json:"before"`
	After  Number `json:"after"`
	Better int    `json:"better"`
}
