package kafka

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/replica"
)

// replicaRules are the replication rules of a version, with what the scenario switched.
func replicaRules(r *models.Resolved) replica.Rules {
	return replica.Rules{
		Truncation:            truncation(r),
		NoEpochOnBecomeLeader: r.Quirk("no-epoch-on-become-leader"),
		SkipSameLeader:        r.Quirk("skip-truncate-same-leader"),
		NoFetchEpochs:         r.Quirk("no-fetch-epoch-fencing"),
		ExitWhenAhead:         r.Quirk("exit-on-ahead"),
		ResetOnLeaderMove:     r.Quirk("offset-reset-on-leader-move"),

		HWBeforeTruncate: r.Quirk("hw-before-truncate"),
		HWIgnoresMinISR:  r.Quirk("hw-ignores-min-isr"),
		HWByISROnly:      !r.AtLeast("0.10.2"),
		HWCountsFenced:   r.Quirk("hw-counts-fenced"),
		HWWakesFollowers: r.AtLeast("2.4") && !r.AtLeast("2.6"),
		HWNotSaved:       r.Quirk("hw-checkpoint-lost"),

		ExpandByHWOnly:   r.Quirk("isr-expand-hw-only"),
		ShrinkByTimeOnly: r.Quirk("shrink-ignores-equal-leo"),
		ShrinkEveryLag:   !r.AtLeast("0.10.2"),
		MinISRUncapped:   !r.AtLeast("3.7"),

		LatestAtOnce:    !r.AtLeast("2.2"),
		LeaderReadsOnly: !r.AtLeast("2.4"),
		NoLeaderHints:   !r.AtLeast("3.7"),
	}
}

// truncation is the era of the rule: KIP-101 came with 0.11, KIP-279 with 2.0, truncation on fetch with
// the inter-broker protocol of 2.7.
func truncation(r *models.Resolved) replica.Truncation {
	switch {
	case r.Quirk("truncate-hw"):
		return replica.TruncateToHW
	case r.Quirk("truncate-kip101"):
		return replica.TruncateKIP101
	case !r.AtLeast("2.7"):
		return replica.TruncateKIP279
	}
	return replica.TruncateOnFetch
}

// controllerRules are the rules of a version's ZooKeeper controller.
func controllerRules(r *models.Resolved) controller.Rules {
	return controller.Rules{
		Unguarded:       r.Quirk("zombie-controller"),
		MissBounces:     r.Quirk("missed-bounce"),
		LeadersWriteISR: r.Quirk("zk-cached-version-loop"),
		Serial:          !r.AtLeast("1.1"),
		OneReassignment: !r.AtLeast("2.4"),
		NoRecoveryState: !r.AtLeast("3.2"),
	}
}
