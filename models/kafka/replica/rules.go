package replica

import "github.com/mqsim/mqsim/sim"

// Truncation is the era of the rule by which a follower finds out where its log and the leader's part.
type Truncation uint8

const (
	// TruncateOnFetch (inter-broker protocol 2.7): the follower names the epoch of its last record in each
	// fetch, and the leader says if the logs differ (KIP-595).
	TruncateOnFetch Truncation = iota
	// TruncateKIP279 (2.0): the follower asks for the end of its last epoch; the leader answers with the
	// largest epoch that it knows up to that one and its end, and they go on until they meet.
	TruncateKIP279
	// TruncateKIP101 (0.11): the leader's answer is only an offset, the start of its first later epoch.
	TruncateKIP101
	// TruncateToHW (up to 0.10): the follower cuts its log to its own high watermark before it asks anybody.
	TruncateToHW
)

func (t Truncation) String() string {
	return [...]string{"on-fetch", "kip279", "kip101", "hw"}[t]
}

// Rules are the behaviours in which versions differ. The zero value is what 3.9 does.
type Rules struct {
	Truncation Truncation

	NoEpochOnBecomeLeader bool // a leader notes its epoch with its first record, not before (until 2.0.1, KAFKA-7415)
	SkipSameLeader        bool // a follower whose leader is the same broker again goes on without truncating (until 2.1, KAFKA-7164)
	NoFetchEpochs         bool // requests between replicas carry no leader epoch (until 2.1, KIP-320)
	ExitWhenAhead         bool // a follower ahead of its leader ends its process (until 2.0.1, KAFKA-7414)
	ResetOnLeaderMove     bool // out of range and not ahead: start over at the leader's log start (until 0.10, KAFKA-2143)

	HWBeforeTruncate bool // a diverging answer's high watermark is applied before the cut (until 3.4.1, KAFKA-14704)
	HWIgnoresMinISR  bool // the high watermark moves whatever the size of the ISR (until 3.7, KAFKA-15583)
	HWByISROnly      bool // replicas outside the ISR never hold it back (until 0.10.2, KAFKA-4485)
	HWCountsFenced   bool // they do even if they may not join the ISR (until 3.6, KAFKA-15021)
	HWWakesFollowers bool // its moves complete followers' parked fetches (2.4 and 2.5, KIP-392; KAFKA-9952)
	HWNotSaved       bool // a replica whose leader was dead at boot has no checkpoint (until 0.8.2, KAFKA-1647)

	ExpandByHWOnly   bool // to enter the ISR the high watermark is enough (until 2.0.1, KAFKA-7128)
	ShrinkByTimeOnly bool // a replica that has everything can leave it by time (until 2.1, KAFKA-7152)
	ShrinkEveryLag   bool // the ISR is checked every replica.lag.time.max.ms, not twice as often (until 0.10.2)
	MinISRUncapped   bool // min.insync.replicas counts even above the replication factor (until 3.7)

	LatestAtOnce    bool // ListOffsets answers before the new leader's high watermark is known to be current (until 2.2, KIP-207)
	LeaderReadsOnly bool // consumers are served by leaders alone (until 2.4, KIP-392)
	NoLeaderHints   bool // errors do not name the new leader (until 3.7, KIP-951)
}

// ShrinkEvery is the period of the ISR check (ReplicaManager.startup).
func (c *Config) ShrinkEvery() sim.Time {
	if c.Rules.ShrinkEveryLag {
		return c.LagTimeMax
	}
	return c.LagTimeMax / 2
}

// hint is the leader that an error names (KIP-951).
func (p *Partition) hint() (leader, epoch int32) {
	if p.m.cfg.Rules.NoLeaderHints {
		return -1, -1
	}
	return p.leader, p.leaderEpoch
}

// fetchEpoch is the leader epoch that a request to the leader carries (KIP-320), -1 for none.
func (p *Partition) fetchEpoch() int32 {
	if p.m.cfg.Rules.NoFetchEpochs {
		return -1
	}
	return p.fetch.epoch
}
