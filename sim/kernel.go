package sim

import "fmt"

// NodeID is a dense index of a node; 0 is nobody, and events for nobody are dropped.
type NodeID uint16

// Node is what events happen to.
type Node interface {
	Handle(e Event)
}

// Kernel owns the clock and the queue of one run and hands events to nodes, one at a time.
// The order is total: by time, then by insertion.
type Kernel struct {
	instant     Time   // of the last event
	instantFrom uint64 // events before that instant
	queue       wheel
	nodes       []Node
	digest      uint64
	events      uint64
	ties        *Rand // nil: ties go by insertion
}

// ShuffleTies draws the order of events of one instant from r. Events of one node keep their order: it
// may rely on it, as a connection does for its bytes.
func (k *Kernel) ShuffleTies(r *Rand) { k.ties = r }

// nobody stands in empty slots, so that dispatch needs no test.
type nobody struct{}

func (nobody) Handle(Event) {}

// NewKernel is a kernel at time 0 without nodes or events.
func NewKernel() *Kernel {
	k := new(Kernel)
	k.Reset()
	return k
}

// Reset makes k as new and keeps its memory: nodes, events, clock and digest are dropped.
func (k *Kernel) Reset() {
	k.queue.Reset()
	clear(k.nodes)
	k.nodes = append(k.nodes[:0], nobody{})
	k.digest, k.events = digestSeed, 0
	k.instant, k.instantFrom = 0, 0
	k.ties = nil
}

// AddNode gives n the next free id, from 1 on. A nil node drops its events.
func (k *Kernel) AddNode(n Node) NodeID {
	id := len(k.nodes)
	if id > int(^NodeID(0)) {
		panic("sim: more than 65535 nodes")
	}
	k.nodes = append(k.nodes, nobody{})
	k.Replace(NodeID(id), n)
	return NodeID(id)
}

// Replace puts n in the place of a node; pending events go to n, and nowhere if n is nil.
func (k *Kernel) Replace(id NodeID, n Node) {
	if id == 0 || int(id) >= len(k.nodes) {
		panic(fmt.Sprintf("sim: no node %d to replace", id))
	}
	if n == nil {
		n = nobody{}
	}
	k.nodes[id] = n
}

// At makes an event happen at t, after all events already due at t. It panics if t is in the past.
func (k *Kernel) At(t Time, node NodeID, kind uint16, arg uint32) {
	k.queue.Push(Event{At: t, Arg: arg, Node: node, Kind: kind})
}

// Now is the time of the event being handled, or where the last Run ended.
func (k *Kernel) Now() Time { return k.queue.now }

// Pending is the number of events that have not fired.
func (k *Kernel) Pending() int { return k.queue.Len() }

// Next is the time of the next event; false if there is none.
func (k *Kernel) Next() (Time, bool) { return k.queue.Peek() }

// Events is the number of events that have fired, those for nobody included.
func (k *Kernel) Events() uint64 { return k.events }

// Step lets the next event happen; false if there is none.
func (k *Kernel) Step() bool {
	e, ok := k.pop(horizon)
	if ok {
		k.fire(e)
	}
	return ok
}

func (k *Kernel) pop(until Time) (Event, bool) {
	if k.ties != nil {
		return k.queue.popTie(until, k.ties)
	}
	return k.queue.PopUntil(until)
}

// Run lets all events at or before until happen and then sets the clock to until.
func (k *Kernel) Run(until Time) {
	for {
		e, ok := k.pop(until)
		if !ok {
			break
		}
		k.fire(e)
	}
	k.advance(until)
}

// RunUntil is Run with an earlier end: it asks stop before the first and after every event, and
// when stop says yes it returns true at once, with the clock where it is.
func (k *Kernel) RunUntil(until Time, stop func() bool) bool {
	for !stop() {
		e, ok := k.pop(until)
		if !ok {
			k.advance(until)
			return false
		}
		k.fire(e)
	}
	return true
}

// livelock is how many events may fire at one instant. A resumed process has some ten thousand to
// catch up on; a program that re-arms a timer for now never lets time go on.
const livelock = 20_000_000

func (k *Kernel) fire(e Event) {
	if e.At != k.instant {
		k.instant, k.instantFrom = e.At, k.events
	} else if k.events-k.instantFrom > livelock {
		panic(fmt.Sprintf("sim: %d events at %v and no end: the last is kind %d of node %d", k.events-k.instantFrom, e.At, e.Kind, e.Node))
	}
	k.digest = mix(k.digest, uint64(e.At), uint64(e.Node)<<48|uint64(e.Kind)<<32|uint64(e.Arg))
	k.events++
	k.nodes[e.Node].Handle(e)
}

// advance moves an idle clock. Slots need no change: the wheel's base may lag behind now.
func (k *Kernel) advance(t Time) {
	k.queue.now = max(k.queue.now, t)
}

// Digest identifies what has happened so far: every event that fired and everything folded in.
func (k *Kernel) Digest() uint64 { return mix(k.digest, k.events, 0) }

// Fold adds to the digest what events do not show: a checksum of appended bytes, a drawn value.
func (k *Kernel) Fold(x uint64) { k.digest = mix(k.digest, x, foldMark) }

const (
	digestSeed = 0x6d7173696d207631 // "mqsim v1"
	// foldMark tells a folded value from an event: it is no event's second word, as it is one for
	// node 65535 of kind 65535, an id that AddNode would have to give last.
	foldMark = ^uint64(0)
)

// mix folds two words into h. For given words it is a bijection of h, so a difference between two
// runs never fades while equal events follow; the multiplications spread it over all bits.
func mix(h, a, b uint64) uint64 {
	h = (h ^ a) * 0xff51afd7ed558ccd
	h ^= h >> 32
	h = (h ^ b) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}
