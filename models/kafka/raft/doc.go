// Package raft is KRaft, the replication of Kafka's metadata log (KIP-595): voters elect a leader by
// epoch, everybody else copies the leader's log by fetching from it, and what a majority of voters has
// is committed. It follows branch 3.9: raft/src/main/java/org/apache/kafka/raft/KafkaRaftClient.java,
// QuorumState.java, LeaderState.java, CandidateState.java, FollowerState.java and FileQuorumStateStore.java,
// with the pre-vote of KIP-996 where the version has it (ProspectiveState.java, 4.0).
//
// A [Replica] is a state machine. It owns the log of __cluster_metadata-0 and the file quorum-state
// below one log directory; messages, answers and one timer come in by method calls, and what goes out
// goes through [Env]. A voter's log is on the platter before the voter says so: a follower syncs before
// it fetches on, and a vote is durable before it is sent. Observers, which are the brokers, do not sync.
//
//	raft.go       the replica: configuration, environment, what it knows
//	state.go      the transitions between roles, each durable before it shows
//	poll.go       what each role does when time has passed
//	vote.go       votes and pre-votes
//	leader.go     taking office, appending, resigning, the high watermark
//	serve.go      fetches of others
//	follow.go     fetching from the leader, truncating where logs part
//	snapshot.go   snapshots of the metadata, and copying one
//	store.go      quorum-state
//
// Left out: dynamic voter sets (KIP-853), observers that become voters, compression.
package raft
