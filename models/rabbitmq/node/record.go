package node

import (
	"regexp"
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// Record is a queue in the tables that every node holds: rabbit_durable_queue and, if Routed, also
// rabbit_queue, the one that routing and channels consult (rabbit_amqqueue.erl).
type Record struct {
	Name       string
	Durable    bool
	AutoDelete bool
	Exclusive  wire.Pid // connection that owns it
	Args       wire.QueueArgs
	Master     wire.Pid
	Mirrors    []wire.Pid // slave_pids, oldest first
	Sync       []wire.Pid // sync_slave_pids: those with a full copy
	Ring       []wire.Pid // members of the GM group in ring order
	// Recoverable are nodes with a mirror, and stopped ones that had one when they were up
	// (recoverable_slaves): what may be promoted if the master's node is forgotten.
	Recoverable []uint16
	Routed      bool
	Stopped     bool // state: stopped by a clean stop of its node
	Refused     bool // a mirror refused its promotion: the queue waits for its old master
	Lossy       bool // a mirror without a full copy became master
	Promotions  uint32
	Members     []uint16 // nodes of a quorum queue's members, that of its founder first
	Deleted     bool     // in a change: the record goes
}

func (r *Record) clone() *Record {
	c := *r
	c.Mirrors, c.Sync, c.Ring = slices.Clone(r.Mirrors), slices.Clone(r.Sync), slices.Clone(r.Ring)
	c.Members = slices.Clone(r.Members)
	c.Recoverable = slices.Clone(r.Recoverable)
	return &c
}

// pids are the processes that a publish goes to.
func (r *Record) has(pid wire.Pid) bool { return r.Master == pid || slices.Contains(r.Mirrors, pid) }

// onNode is the queue's process on a node, zero if it has none.
func (r *Record) onNode(i uint16) wire.Pid {
	if r.Master.Node == i {
		return r.Master
	}
	for _, p := range r.Mirrors {
		if p.Node == i {
			return p
		}
	}
	return wire.Pid{}
}

// drop removes processes from every list.
func (r *Record) drop(dead func(wire.Pid) bool) {
	r.Mirrors = slices.DeleteFunc(r.Mirrors, dead)
	r.Sync = slices.DeleteFunc(r.Sync, dead)
	r.Ring = slices.DeleteFunc(r.Ring, dead)
}

// recoverable brings the list up to date (rabbit_mirror_queue_misc:update_recoverable): nodes with a mirror
// come in, running nodes without one go out.
func (r *Record) recoverable(running func(uint16) bool) {
	has := func(i uint16) bool {
		return slices.ContainsFunc(r.Mirrors, func(p wire.Pid) bool { return p.Node == i })
	}
	r.Recoverable = slices.DeleteFunc(r.Recoverable, func(i uint16) bool { return running(i) && !has(i) })
	for _, p := range r.Mirrors {
		if !slices.Contains(r.Recoverable, p.Node) {
			r.Recoverable = append(r.Recoverable, p.Node)
		}
	}
}

// forget is forget_node_for_queue: the first node that had a mirror and is stopped becomes the queue's home,
// with what its disk holds; without one the queue is gone [rule 89].
func (r *Record) forget(gone uint16, stopped func(uint16) bool) {
	for _, i := range r.Recoverable {
		if i != gone && stopped(i) {
			r.Master = wire.Pid{Node: i}
			r.Mirrors, r.Sync, r.Ring = nil, nil, nil
			r.Refused, r.Stopped = false, false
			return
		}
	}
	r.Deleted = true
}

// size is what the record takes as a term.
func (r *Record) size() int {
	return 180 + 8*len(r.Members) + 2*len(r.Name) + 15*(2+len(r.Mirrors)+len(r.Sync)+2*len(r.Ring))
}

// tables are a node's copy of the replicated metadata. Order keeps names in order of declaration.
type tables struct {
	Records  map[string]*Record
	Order    []string
	Policies []Policy
	Bindings []binding
	DB       []uint16 // the running nodes of this database, in order of their joining
	compiled map[string]*pattern

	rounds rounds
	disk   tableDisk
}

// binding of a queue to a declared exchange (fanout: the key plays no part).
type binding struct {
	Exchange string
	Queue    string
}

func (t *tables) get(name string) *Record { return t.Records[name] }

// put stores a changed record.
func (t *tables) put(r *Record) {
	if r.Deleted {
		if t.Records[r.Name] != nil {
			delete(t.Records, r.Name)
			t.Order = slices.DeleteFunc(t.Order, func(s string) bool { return s == r.Name })
			t.Bindings = slices.DeleteFunc(t.Bindings, func(b binding) bool { return b.Queue == r.Name })
		}
		return
	}
	if t.Records[r.Name] == nil {
		t.Order = append(t.Order, r.Name)
	}
	t.Records[r.Name] = r
}

// policy is the policy of a queue: the matching one with the highest priority. Exclusive queues are never
// mirrored (rule 5).
func (t *tables) policy(r *Record) *Policy {
	var best *Policy
	for i := range t.Policies {
		p := &t.Policies[i]
		if (best == nil || p.Priority > best.Priority) && t.pattern(p.Pattern).match(r.Name) {
			best = p
		}
	}
	if best == nil || (!r.Exclusive.IsZero() || r.Args.IsQuorum()) && best.HAMode != HANone {
		return &noPolicy
	}
	return best
}

// noPolicy is what a queue without a policy has.
var noPolicy Policy

// pattern is a policy's, with the names of queues that it was asked about.
type pattern struct {
	re    *regexp.Regexp
	known map[string]bool
}

func (p *pattern) match(name string) bool {
	ok, asked := p.known[name]
	if !asked {
		ok = p.re.MatchString(name)
		p.known[name] = ok
	}
	return ok
}

func (t *tables) pattern(s string) *pattern {
	p := t.compiled[s]
	if p == nil {
		re, err := regexp.Compile(s)
		if err != nil {
			re = regexp.MustCompile(`^$`)
		}
		p = &pattern{re: re, known: map[string]bool{}}
		t.compiled[s] = p
	}
	return p
}
