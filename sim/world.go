package sim

import "fmt"

// World is everything that one run consists of: a clock with its queue of events, shared bytes,
// hosts with their disks, a network, and the record of what happened. It is used by one goroutine.
type World struct {
	K     *Kernel
	Arena Arena
	Seed  uint64
	Hosts []*Host
	Net   *Network

	// DataDir, when set before hosts are added, keeps files in a directory of real files
	// instead of memory. Results are equal.
	DataDir string
	// PlainReads makes the data directory's files be read and written by calls also where the system
	// could map them. Nothing a run reports depends on it.
	PlainReads bool

	Trace Trace

	rands     map[string]*Rand
	byName    map[string]*Host
	watch     map[MsgID]struct{}
	notes     []Note
	mutations map[string]bool
}

// NewWorld returns an empty world. Equal seeds and equal calls give equal runs.
func NewWorld(seed uint64, net NetSpec) *World {
	w := &World{
		K:      NewKernel(),
		Seed:   seed,
		rands:  map[string]*Rand{},
		byName: map[string]*Host{},
	}
	w.Trace.w = w
	w.Net = newNetwork(w, net)
	return w
}

// Now is the virtual time since the world began, setup included.
func (w *World) Now() Time { return w.K.Now() }

// Rand returns the random stream of a named consumer of randomness. The same name gives the same
// stream; a draw from one shifts nothing in another.
func (w *World) Rand(label string) *Rand {
	r := w.rands[label]
	if r == nil {
		r = NewRand(w.Seed, label)
		w.rands[label] = r
	}
	return r
}

// AddHost adds a machine that is switched on.
func (w *World) AddHost(name string, spec HostSpec) *Host {
	if w.byName[name] != nil {
		panic("sim: two hosts are named " + name)
	}
	h := newHost(w, HostID(len(w.Hosts)), name, spec)
	w.Hosts = append(w.Hosts, h)
	w.byName[name] = h
	return h
}

// HostNamed returns a host by its name, nil if there is none.
func (w *World) HostNamed(name string) *Host { return w.byName[name] }

// Violate records a broken invariant of an engine: a bug of ours, never a finding about a broker.
// Only the first 20 are kept.
func (w *World) Violate(invariant, detail string) {
	t := &w.Trace
	t.ViolationCount++
	if len(t.Violations) < 20 {
		t.Violations = append(t.Violations, Violation{At: w.Now(), Step: w.K.Events(), Invariant: invariant, Detail: detail})
	}
}

// Watch turns the run into a watched one: what happens to the bytes of these messages is noted.
// It must be called before the run begins and changes nothing else: the trace hash stays the same.
func (w *World) Watch(ids []MsgID) {
	w.watch = make(map[MsgID]struct{}, len(ids))
	for _, id := range ids {
		w.watch[id] = struct{}{}
	}
}

// Watching says whether this is a watched run.
func (w *World) Watching() bool { return w.watch != nil }

// Watched says whether the biography of id is wanted.
func (w *World) Watched(id MsgID) bool {
	_, ok := w.watch[id]
	return ok
}

// Note adds a line to the biography of a watched message; for others it does nothing.
func (w *World) Note(id MsgID, what string, h *Host, detail string) {
	if w.watch == nil || !w.Watched(id) {
		return
	}
	n := Note{At: w.Now(), ID: id, What: what, Detail: detail}
	if h != nil {
		n.Host = h.Name
	}
	w.notes = append(w.notes, n)
}

// Notes returns the biographies in the order in which things happened.
func (w *World) Notes() []Note { return w.notes }

// Body fills dst with the body of message id and, in a watched run, remembers where it lies.
func (w *World) Body(dst Ref, id MsgID) {
	FillBody(w.Arena.Bytes(dst), id)
	if w.watch != nil && w.Watched(id) {
		w.Arena.Mark(dst, id)
	}
}

// Mutate switches on a deliberate defect of an engine. Only tests call it: the suite must notice.
func (w *World) Mutate(name string) {
	if w.mutations == nil {
		w.mutations = map[string]bool{}
	}
	w.mutations[name] = true
}

// Mutated says whether a deliberate defect is on.
func (w *World) Mutated(name string) bool { return w.mutations != nil && w.mutations[name] }

// Note is one line of a biography.
type Note struct {
	At     Time
	ID     MsgID
	What   string // written, synced, removed, lost-in-power-loss, or a word of a model
	Host   string
	Detail string
}

// Violation is a broken invariant.
type Violation struct {
	At        Time
	Step      uint64
	Invariant string
	Detail    string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s at %s (event %d): %s", v.Invariant, v.At, v.Step, v.Detail)
}
