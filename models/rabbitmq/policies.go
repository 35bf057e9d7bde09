package rabbitmq

import (
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/models/rabbitmq/profile"
)

// policyOf is the policy that holds for a queue now: of those that match, the one set last.
func (c *Cluster) policyOf(queue string) *policy {
	for i := len(c.policies) - 1; i >= 0; i-- {
		if p := &c.policies[i]; !p.cleared && p.matches(queue) {
			return p
		}
	}
	return nil
}

// mirrorsWanted is how many mirrors a policy asks for, in a cluster of any size.
func (c *Cluster) mirrorsWanted(p *policy) int {
	if p == nil {
		return 0
	}
	switch p.get("ha-mode") {
	case "all":
		return len(c.nodes) - 1
	case "exactly":
		n, _ := strconv.Atoi(p.get("ha-params"))
		return max(n-1, 0)
	case "nodes":
		return max(len(c.listedNodes(p))-1, 0)
	}
	return 0
}

// listedNodes are the nodes of ha-params as a list: n1,n2.
func (c *Cluster) listedNodes(p *policy) []uint16 {
	numbers, _ := profile.Nodes(p.get("ha-params"))
	var out []uint16
	for _, n := range numbers {
		if n >= 1 && n <= len(c.nodes) {
			out = append(out, uint16(n-1))
		}
	}
	return out
}

// nodePolicy is policy i as the nodes take it.
func (c *Cluster) nodePolicy(i int) node.Policy {
	p := &c.policies[i]
	out := node.Policy{Name: p.name, Pattern: p.pattern, Priority: i, OnShutdown: node.WhenSynced}
	if !c.cfg.Set.AtLeast("3.4.0") {
		out.OnShutdown = node.Always // before the key there was (release notes of 3.4.0)
	}
	out.HAMode = p.get("ha-mode")
	switch out.HAMode {
	case node.HAExactly:
		out.HACount, _ = strconv.Atoi(p.get("ha-params"))
	case node.HANodes:
		out.HANodes = c.listedNodes(p)
	}
	out.AutoSync = p.get("ha-sync-mode") == "automatic"
	out.SyncBatch = int(c.cfg.Set.Int(models.Broker, "mirroring_sync_batch_size"))
	if n, err := strconv.Atoi(p.get("ha-sync-batch-size")); err == nil {
		out.SyncBatch = n
	}
	if p.get("ha-promote-on-failure") == "when-synced" {
		out.OnFailure = node.WhenSynced
	}
	if p.get("ha-promote-on-shutdown") == "always" {
		out.OnShutdown = node.Always
	}
	out.Version, _ = strconv.Atoi(p.get("queue-version"))
	out.MaxLength, _ = strconv.ParseInt(p.get("max-length"), 10, 64)
	out.RejectAtMax = p.get("overflow") == "reject-publish"
	return out
}
