package raft

import (
	"encoding/json"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// stateFile is the quorum-state file in the metadata partition's directory (FileQuorumStateStore).
const stateFile = "quorum-state"

// stateJSON is its content, data version 0 (QuorumStateData.json; kraft.version 0, a static quorum).
type stateJSON struct {
	ClusterID     string       `json:"clusterId"`
	Leader        int32        `json:"leaderId"`
	Epoch         int32        `json:"leaderEpoch"`
	Voted         int32        `json:"votedId"`
	AppliedOffset int64        `json:"appliedOffset"`
	Voters        []votersJSON `json:"currentVoters"`
	Version       int          `json:"data_version"`
}

type votersJSON struct {
	ID int32 `json:"voterId"`
}

func (r *Replica) encodeState() []byte {
	j := stateJSON{Leader: r.election.Leader, Epoch: r.election.Epoch, Voted: r.election.Voted}
	for _, id := range r.cfg.Voters {
		j.Voters = append(j.Voters, votersJSON{id})
	}
	b, err := json.Marshal(&j)
	if err != nil {
		panic("kafka raft: " + err.Error())
	}
	return b
}

// store makes the election state durable: written, synced, renamed (FileQuorumStateStore.
// writeElectionStateToFile). It blocks.
func (r *Replica) store() bool {
	return !r.fail(r.dir.WriteText(r.log.Path(), stateFile, r.encodeState()))
}

// options are those of the metadata log (KafkaMetadataLog.apply): segments of 1 GiB, batches of 8 MiB.
func options() log.Options {
	opt := log.DefaultOptions()
	opt.SegmentBytes = 1 << 30
	opt.MaxMessageBytes = 8 << 20
	opt.ProducerIDMillis = 1<<63 - 1
	return opt
}

// Open reads the log directory and takes up the role that quorum-state tells (QuorumState.initialize):
// who led resigns, who stood is a candidate again, who followed waits for its leader. It says how many
// bytes were scanned. tag is that of log.OpenMetadata.
func (r *Replica) Open(fs *sim.FS, path string, tag uint32, onFail func(error)) (scanned int64, ok bool) {
	r.dir = log.OpenMetadata(fs, path, tag, log.DirOptions{OnFail: onFail, Point: r.cfg.point})
	l, rec, err := r.dir.Open(wire.MetadataTopic, 0, options(), r.env.Wall())
	if r.fail(err) {
		return 0, false
	}
	r.log = l
	if r.fail(r.loadSnapshot()) {
		return 0, false
	}
	b, err := r.dir.ReadText(l.Path(), stateFile)
	if r.fail(err) {
		return 0, false
	}
	var j stateJSON
	if b != nil {
		if json.Unmarshal(b, &j) != nil {
			r.fail(log.ErrMalformed)
			return 0, false
		}
		r.election = election{Epoch: j.Epoch, Leader: j.Leader, Voted: j.Voted}
	}
	// The log may know a later epoch than the file of a wiped or older disk.
	if e := l.LatestEpoch(); e > r.election.Epoch {
		r.election = election{Epoch: e, Leader: -1, Voted: -1}
	}
	return rec.Scanned, true
}

// Start begins to take part.
func (r *Replica) Start() {
	now := r.env.Now()
	switch {
	case !r.isVoter && r.election.Leader >= 0:
		r.role, r.deadline = Follower, now+r.cfg.FetchTimeout
	case !r.isVoter:
		r.role = Unattached
	case r.election.Leader == r.cfg.ID:
		r.role, r.deadline = Resigned, now+r.electionTimeout()
		r.resetVoters()
	case r.election.Voted == r.cfg.ID:
		r.role, r.deadline, r.retries = Candidate, now+r.electionTimeout(), 1
		r.resetVoters()
		r.maybeElected()
	case r.election.Leader >= 0:
		r.role, r.deadline = Follower, now+r.cfg.FetchTimeout
	default:
		r.role, r.deadline = Unattached, now+r.electionTimeout()
	}
	r.env.Led(r.election.Leader, r.election.Epoch)
	if r.isVoter && len(r.voters) == 0 && r.role != Candidate {
		r.candidate() // a quorum of one need not wait for anybody
	}
	r.poll()
}
