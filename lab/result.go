package lab

import "github.com/mqsim/mqsim/result"

// Text is something that a person reads, in the two languages of reports.
type Text = result.Text

// Schema names the form of a result as JSON.
const Schema = "mqsim-lab/1"

// Result is one run of the lab.
type Result struct {
	Schema      string       `json:"schema"`
	Version     string       `json:"version"`
	Machine     Machine      `json:"machine"`
	Quick       bool         `json:"quick"`
	Experiments []Experiment `json:"experiments"`
}

// Machine is where the figures were taken.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Go     string `json:"go"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory_bytes,omitempty"` // 0: unknown
	Dir    string `json:"dir"`
}

// Experiment is one claim and what was measured for it.
type Experiment struct {
	ID     string `json:"id"`
	Title  Text   `json:"title"`
	Lesson Text   `json:"lesson"`
	Rows   []Row  `json:"rows"`
	// Notes limit what the figures mean: what the page cache answered, what this system does not have.
	Notes []Text `json:"notes,omitempty"`
}

// Row is one figure with its parts.
type Row struct {
	Name  string  `json:"name"`
	Ops   int64   `json:"ops"`
	Nanos float64 `json:"ns_per_op"`
	Bytes int64   `json:"bytes_per_op,omitempty"`
	// CPU is the time of the thread that did the work, where the system tells it, else of the process.
	CPU   float64 `json:"cpu_ns_per_op,omitempty"`
	Extra []Value `json:"extra,omitempty"`
}

// Value is a further figure with its unit, as in Go's benchmark text.
type Value struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Rate is payload bytes per second; 0 if an operation has no payload.
func (r Row) Rate() float64 {
	if r.Nanos == 0 {
		return 0
	}
	return float64(r.Bytes) * 1e9 / r.Nanos
}
