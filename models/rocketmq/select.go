package rocketmq

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/sim"
)

// master is who leads a group now: a broker that serves in a master's role. If there are two, the one that
// the first NameServer names; nil if there is none.
func (c *Cluster) master(group int) *server {
	var found *server
	for _, s := range c.brokers {
		if s.group != group || !s.isMaster() || !s.serves() {
			continue
		}
		if found == nil || c.named(group) == s.host.Name {
			found = s
		}
	}
	return found
}

// named is the address of id 0 that the first running NameServer gives for a group.
func (c *Cluster) named(group int) string {
	for _, h := range c.namesrv {
		if n, ok := h.Service(namesrv.ServiceName).Program().(*namesrv.Server); ok {
			return n.Master(c.names[group])
		}
	}
	return ""
}

// Select resolves a role of this moment.
func (c *Cluster) Select(role, arg string, all bool) []*sim.Host {
	var out []*sim.Host
	switch role {
	case "primary", "master":
		for _, g := range c.groupsOf(arg, all) {
			if m := c.master(g); m != nil {
				out = append(out, m.host)
			}
		}
	case "replica", "slave":
		for _, g := range c.groupsOf(arg, false) {
			for _, s := range c.brokers {
				if s.group == g && !s.isMaster() && s.svc.Running() {
					out = append(out, s.host)
				}
			}
		}
	case "coordinator", "namesrv":
		out = append(out, c.namesrv...)
	}
	if len(out) > 1 && !all {
		return out[:1]
	}
	return out
}

// groupsOf is the group that arg names (b, b/t0-2), else the first one, or with all every one.
func (c *Cluster) groupsOf(arg string, all bool) []int {
	head, _, _ := strings.Cut(arg, "/")
	if i := slices.Index(c.names, head); i >= 0 {
		return []int{i}
	}
	if !all || arg != "" {
		return []int{0}
	}
	var out []int
	for i := range c.names {
		out = append(out, i)
	}
	return out
}
