package client

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// assignor divides the partitions of the topics that a group reads among its members. It runs in the
// member that leads the group (ConsumerPartitionAssignor).
type assignor struct {
	name string
	// cooperative members keep what they own through a rebalance (KIP-429).
	cooperative bool
	// userData is what a member tells about itself beside its subscription.
	userData func(own ownership) []byte
	assign   func(members []subscriber, partitions func(topic string) int) [][]share
}

// assignors are Kafka's four, by their names on the wire.
var assignors = []assignor{
	{name: "range", userData: noUserData, assign: assignRange},
	{name: "roundrobin", userData: noUserData, assign: assignRoundRobin},
	{name: "sticky", userData: ownership.encode, assign: assignSticky},
	{name: "cooperative-sticky", cooperative: true, userData: ownership.encodeGeneration, assign: assignCooperative},
}

func noUserData(ownership) []byte { return nil }

func assignorNamed(name string) *assignor {
	for i := range assignors {
		if assignors[i].name == name {
			return &assignors[i]
		}
	}
	return nil
}

// assignorsOf reads partition.assignment.strategy; the loader has checked it.
func assignorsOf(list string) []*assignor {
	var out []*assignor
	for _, name := range profile.Assignors(list) {
		out = append(out, assignorNamed(name))
	}
	return out
}

// cooperative says which rebalance protocol a consumer speaks: the newest that all of its assignors
// support (ConsumerCoordinator's constructor), so that [range, cooperative-sticky] is eager.
func cooperative(list []*assignor) bool {
	for _, a := range list {
		if !a.cooperative {
			return false
		}
	}
	return true
}

// assignAll runs an assignor over the members as the coordinator lists them. Members are taken in order
// of MemberInfo: static ones first, by instance id, then the others by member id.
func assignAll(a *assignor, members []wire.GroupMember, partitions func(topic string) int) []wire.Assignment {
	list := make([]subscriber, len(members))
	for i := range members {
		list[i] = subscriberOf(a, &members[i])
	}
	slices.SortFunc(list, func(x, y subscriber) int {
		switch {
		case x.instance != "" && y.instance != "":
			return strings.Compare(x.instance, y.instance)
		case x.instance != "":
			return -1
		case y.instance != "":
			return 1
		}
		return strings.Compare(x.id, y.id)
	})
	shares := a.assign(list, partitions)
	out := make([]wire.Assignment, len(list))
	for i := range list {
		out[i] = wire.Assignment{Member: list[i].id, Data: encodeAssignment(shares[i])}
	}
	return out
}

// topicsOf are the topics that somebody reads, in order.
func topicsOf(members []subscriber) []string {
	var topics []string
	for i := range members {
		for _, t := range members[i].topics {
			if !slices.Contains(topics, t) {
				topics = append(topics, t)
			}
		}
	}
	slices.Sort(topics)
	return topics
}

// readersOf are the members that read a topic.
func readersOf(members []subscriber, topic string) []int {
	var out []int
	for i := range members {
		if slices.Contains(members[i].topics, topic) {
			out = append(out, i)
		}
	}
	return out
}

// assignRange is RangeAssignor: topic by topic, the members in order get runs of partitions in order,
// the first n mod m members one more.
func assignRange(members []subscriber, partitions func(topic string) int) [][]share {
	shares := make([][]share, len(members))
	for _, t := range topicsOf(members) {
		among := readersOf(members, t)
		n, m := partitions(t), len(among)
		next := int32(0)
		for k, i := range among {
			count := n / m
			if k < n%m {
				count++
			}
			for ; count > 0; count-- {
				shares[i] = add(shares[i], t, next)
				next++
			}
		}
	}
	return shares
}

// assignRoundRobin is RoundRobinAssignor: all partitions of all topics in order are dealt to the members
// in turn, passing over those who do not read the topic.
func assignRoundRobin(members []subscriber, partitions func(topic string) int) [][]share {
	shares := make([][]share, len(members))
	at := 0
	for _, t := range topicsOf(members) {
		for p := range partitions(t) {
			for !slices.Contains(members[at%len(members)].topics, t) {
				at++
			}
			shares[at%len(members)] = add(shares[at%len(members)], t, int32(p))
			at++
		}
	}
	return shares
}

// add puts a partition into a member's share.
func add(list []share, topic string, partition int32) []share {
	for i := range list {
		if list[i].topic == topic {
			list[i].parts = append(list[i].parts, partition)
			return list
		}
	}
	return append(list, share{topic: topic, parts: []int32{partition}})
}
