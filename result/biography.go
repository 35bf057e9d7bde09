package result

// Step is one line of a message's biography: what happened to it, or to a copy of its bytes, and where.
type Step struct {
	T      Number `json:"t"`
	Host   string `json:"host,omitempty"`
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
}

// BiographySchema is the value of the key "schema" of a biography in JSON.
const BiographySchema = "mqsim.biography/v1"

// Biography is what one message went through, from its due time to the last byte of it on a disk.
type Biography struct {
	Schema   string `json:"schema"`
	Scenario string `json:"scenario"`
	System   string `json:"system"`
	Seed     uint64 `json:"seed"`
	Message  string `json:"message"`
	// Told, Stored and Received are the words of the flow.
	Told     string `json:"told"`
	Stored   string `json:"stored"`
	Received string `json:"received"`
	// Cause, Class and By stand for a lost message only.
	Cause     string `json:"cause,omitempty"`
	Class     Class  `json:"class,omitempty"`
	By        string `json:"by,omitempty"`
	Why       string `json:"why,omitempty"`
	Steps     []Step `json:"steps"`
	TraceHash string `json:"trace_hash"`
}
