package raft

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// fetchWait is how long a leader parks a fetch that finds nothing (KafkaRaftClient.MAX_FETCH_WAIT_MS).
const fetchWait = 500 * sim.Millisecond

// backoffBase is the unit of the pause after a lost election (KafkaRaftClient.RETRY_BACKOFF_BASE_MS).
const backoffBase = 100 * sim.Millisecond

// Config holds the settings of a replica.
type Config struct {
	ID     int32
	Voters []int32 // controller.quorum.voters, ascending

	ElectionTimeout sim.Time // controller.quorum.election.timeout.ms
	FetchTimeout    sim.Time // controller.quorum.fetch.timeout.ms
	BackoffMax      sim.Time // controller.quorum.election.backoff.max.ms
	Linger          sim.Time // controller.quorum.append.linger.ms
	RetryBackoff    sim.Time // controller.quorum.retry.backoff.ms
	SnapshotBytes   int64    // metadata.log.max.record.bytes.between.snapshots

	CheckQuorum bool   // a leader that a majority does not fetch from resigns (3.7, KAFKA-15489)
	RepeatBegin bool   // a leader presents itself again to voters that do not fetch (3.9, KAFKA-16926)
	PreVote     bool   // a voter asks whether it could win before it raises the epoch (4.0, KIP-996)
	point       func() // tests: called before every call that changes the disk

	FetchWakesHW bool // a high watermark that moved ends parked fetches (4.1, KIP-1166)
}

// DefaultConfig is 3.9's (QuorumConfig).
func DefaultConfig(id int32, voters []int32) Config {
	return Config{
		ID: id, Voters: voters, ElectionTimeout: sim.Second, FetchTimeout: 2 * sim.Second, BackoffMax: sim.Second,
		Linger: 25 * sim.Millisecond, RetryBackoff: 20 * sim.Millisecond, SnapshotBytes: 20 << 20,
		CheckQuorum: true, RepeatBegin: true,
	}
}

// Env is what a replica sees of its process.
type Env interface {
	Now() sim.Time
	Wall() int64
	// At arms Replica.Timer.
	At(t sim.Time)
	// Below draws from [0, n).
	Below(n uint64) uint64
	// Send sends a request to a voter, connecting first if need be. Exactly one of Replica.Answered and
	// Replica.Failed follows, the latter after controller.quorum.request.timeout.ms at the latest.
	Send(to int32, m wire.Request)
	// Reply answers a request that came in on c.
	Reply(c *sim.Conn, m wire.Response)
	// Apply hands over one committed record of the state machine, in order of offsets.
	Apply(offset int64, epoch int32, value []byte)
	// Applied ends a run of Apply: everything below next is committed and has been handed over.
	Applied(next int64)
	// Restore replaces the state machine by the records of a snapshot that ends at next.
	Restore(records [][]byte, next int64)
	// Records is the state machine at the last Applied as records: the content of a snapshot.
	Records() [][]byte
	// Led tells that another leader or epoch is known; leader -1: none.
	Led(leader, epoch int32)
	// Claimed tells that this replica leads and has handed over everything before its own epoch.
	Claimed(epoch int32)
	// Renounced tells that a replica that had claimed leads no more.
	Renounced()
	// Fail ends the process: its log directory does not work.
	Fail(err error)

	Probe(name string)
	Violate(invariant, detail string)
}

// Role is what a replica is in its epoch.
type Role uint8

// Roles of QuorumState. Observers are Unattached or Followers.
const (
	Unattached  Role = iota // no leader known; may have voted
	Prospective             // asks for pre-votes (4.0)
	Candidate
	Follower
	Leader
	Resigned // was leader of this epoch
)

func (r Role) String() string {
	return [...]string{"unattached", "prospective", "candidate", "follower", "leader", "resigned"}[r]
}

// election is the durable part of a replica's state, the content of quorum-state.
type election struct {
	Epoch  int32
	Leader int32 // -1: none known
	Voted  int32 // -1: nobody
}

// voter is what a replica knows of another voter.
type voter struct {
	id       int32
	inFlight wire.Request // one request at a time to a node (RequestManager)
	readyAt  sim.Time     // end of the back-off

	answered bool // votes: recorded in this election
	granted  bool

	end       int64 // leader: log end from its last fetch, -1: unknown
	lastFetch sim.Time
	present   bool // leader: it has acknowledged this leader
	beganAt   sim.Time
	counted   bool // leader: it fetched since the check of the quorum began
	told      bool // resigned: it knows
}

// Replica is one replica of the metadata log: a voter or an observer.
type Replica struct {
	cfg   Config
	env   Env
	w     *sim.World
	dir   *log.Dir
	log   *log.Log
	build *log.Builder

	election
	role     Role
	moves    uint32 // transitions so far
	isVoter  bool
	deadline sim.Time // of the election, the fetches or the check of the quorum
	armed    sim.Time // the timer's instant, 0: none
	stopping bool

	voters []voter // all others, ascending

	retries    int // of candidacies
	backingOff bool
	fetched    bool // a follower that has fetched from this leader

	hw      int64 // -1: not known
	applied int64 // next offset to hand over
	claimed bool
	starts  int64 // leader: start of its epoch in the log
	succ    []int32

	pending  int      // records in the accumulator
	lingerAt sim.Time // when they are written

	parked []parkedFetch
	refs   []sim.Ref
	snap   snapshots
}

// New makes a replica over the log directory at path; Open reads it.
func New(cfg Config, env Env, w *sim.World) *Replica {
	r := &Replica{cfg: cfg, env: env, w: w, build: log.NewBuilder(w), hw: -1, starts: -1}
	r.isVoter = slices.Contains(cfg.Voters, cfg.ID)
	for _, id := range cfg.Voters {
		if id != cfg.ID {
			r.voters = append(r.voters, voter{id: id, end: -1, lastFetch: -1})
		}
	}
	r.election = election{Epoch: 0, Leader: -1, Voted: -1}
	return r
}

// Leader is the leader of the present epoch, -1 if none is known.
func (r *Replica) Leader() int32 { return r.election.Leader }

// Epoch is the present epoch.
func (r *Replica) Epoch() int32 { return r.election.Epoch }

// Role is what the replica is now.
func (r *Replica) Role() Role { return r.role }

// Leads says whether the replica is leader and has handed over the log before its epoch.
func (r *Replica) Leads() bool { return r.claimed }

// HW is the high watermark, -1 if it is not known.
func (r *Replica) HW() int64 { return r.hw }

// End is the log end offset.
func (r *Replica) End() int64 { return r.log.End() }

// Log is the metadata log.
func (r *Replica) Log() *log.Log { return r.log }

// Dir is its directory.
func (r *Replica) Dir() *log.Dir { return r.dir }

func (r *Replica) voter(id int32) *voter {
	for i := range r.voters {
		if r.voters[i].id == id {
			return &r.voters[i]
		}
	}
	return nil
}

// majority is the number of voters that make one, this replica included.
func (r *Replica) majority() int { return len(r.cfg.Voters)/2 + 1 }

// electionTimeout is QuorumState.randomElectionTimeoutMs: once to twice the setting.
func (r *Replica) electionTimeout() sim.Time {
	return r.cfg.ElectionTimeout + sim.Time(r.env.Below(uint64(r.cfg.ElectionTimeout)))
}

// Timer is the timer that Env.At armed.
func (r *Replica) Timer() {
	if r.armed == 0 || r.env.Now() < r.armed {
		return // an earlier instant was armed since, and has fired
	}
	r.armed = 0
	r.poll()
}

// wake arms the timer at t unless it fires before.
func (r *Replica) wake(t sim.Time) {
	if r.armed == 0 || t < r.armed {
		r.armed = t
		r.env.At(t)
	}
}

// Answered is an answer to a request that Env.Send sent.
func (r *Replica) Answered(from int32, m wire.Response) {
	v := r.voter(from)
	req := v.inFlight
	v.inFlight, v.readyAt = nil, 0
	if r.dir.Offline() != nil {
		return
	}
	switch m := m.(type) {
	case *wire.VoteResponse:
		r.voted(v, req.(*wire.VoteRequest), m)
	case *wire.QuorumEpochResponse:
		r.epochAnswered(v, req, m)
	case *wire.QuorumFetchResponse:
		r.fetchAnswered(v, req.(*wire.QuorumFetchRequest), m)
	case *wire.FetchSnapshotResponse:
		r.snapshotAnswered(v, req.(*wire.FetchSnapshotRequest), m)
	}
	r.poll()
}

// Failed ends a request that got no answer: the connection ended or the request timed out. The next
// one waits for controller.quorum.retry.backoff.ms.
func (r *Replica) Failed(to int32) {
	v := r.voter(to)
	v.inFlight = nil
	v.readyAt = r.env.Now() + r.cfg.RetryBackoff
	r.poll()
}

// trySend sends a request to a voter unless one is under way or it backs off; else it wakes for it.
func (r *Replica) trySend(v *voter, m func() wire.Request) bool {
	switch {
	case v.inFlight != nil:
		return false
	case r.env.Now() < v.readyAt:
		r.wake(v.readyAt)
		return false
	}
	v.inFlight = m()
	r.env.Send(v.id, v.inFlight)
	return true
}

// fail ends the process after an error of the disk.
func (r *Replica) fail(err error) bool {
	if err != nil {
		r.env.Fail(err)
		return true
	}
	return false
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
