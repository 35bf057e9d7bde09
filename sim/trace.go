package sim

// Trace is the record of a run: domain events and role changes are always kept (they are rare),
// and everything is part of the digest.
type Trace struct {
	w *World

	Events         []DomainEvent
	Roles          []RoleChange
	Violations     []Violation
	ViolationCount int

	listeners []func(DomainEvent)
	probes    map[string]int
	probeList []string
}

// DomainEvent is something that a person would want to read in a log: an election, an ISR change.
type DomainEvent struct {
	At   Time
	Host *Host // nil: nobody in particular
	Kind string
	Part string // partition, queue or group, "" if none
	Text string
}

// RoleChange starts a new stretch of a host's role lane.
type RoleChange struct {
	At   Time
	Host *Host
	Role string
}

// Emit records a domain event and tells those who wait for one (faults with when:, operations).
func (w *World) Emit(h *Host, kind, part, text string) {
	e := DomainEvent{At: w.Now(), Host: h, Kind: kind, Part: part, Text: text}
	t := &w.Trace
	t.Events = append(t.Events, e)
	w.foldString(kind)
	w.foldString(part)
	w.foldString(text)
	for _, f := range t.listeners {
		f(e)
	}
}

// OnEmit calls f for every later domain event, in order of registration.
func (w *World) OnEmit(f func(DomainEvent)) {
	w.Trace.listeners = append(w.Trace.listeners, f)
}

func (t *Trace) role(h *Host, role string) {
	if h.role == role {
		return
	}
	h.role = role
	t.Roles = append(t.Roles, RoleChange{At: t.w.Now(), Host: h, Role: role})
	t.w.foldString(role)
}

// probe counts that a rare branch of an engine was reached.
func (t *Trace) probe(name string) {
	if t.probes == nil {
		t.probes = map[string]int{}
	}
	if t.probes[name] == 0 {
		t.probeList = append(t.probeList, name)
	}
	t.probes[name]++
}

// Probes returns the rare branches that this run reached, in order of first visit, with counts.
func (t *Trace) Probes() (names []string, counts []int) {
	for _, n := range t.probeList {
		names, counts = append(names, n), append(counts, t.probes[n])
	}
	return names, counts
}

// foldString adds a text to the digest (FNV-1a, 64 bits).
func (w *World) foldString(s string) {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	w.K.Fold(h)
}
