package rocketmq

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/broker"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Do executes an operator's command. Starting and stopping hosts is not a command to the cluster; the
// injector does it.
func (c *Cluster) Do(op *models.Operation, done func(models.OpAnswer)) {
	switch op.Do {
	case "promote-slave":
		c.promote(op, done)
	case "wipe-write-perm":
		c.writePerm(op, false, done)
	case "add-write-perm":
		c.writePerm(op, true, done)
	case "host-settings":
		c.setHosts(op, "settings.", done)
	case "set-config":
		c.setConfig(op, done)
	default:
		done(models.OpAnswer{Text: fmt.Sprintf("refused: %s is not built for rocketmq", op.Do)})
	}
}

// serverOn is the broker on a host, nil if there is none.
func (c *Cluster) serverOn(h *sim.Host) *server {
	for _, s := range c.brokers {
		if s.host == h {
			return s
		}
	}
	return nil
}

// promote makes a slave a master, as docs/en/operation.md says: stop it, change brokerRole and brokerId in
// its file, start it. took is what the operator needs before he acts.
func (c *Cluster) promote(op *models.Operation, done func(models.OpAnswer)) {
	var s *server
	if len(op.Hosts) == 1 {
		s = c.serverOn(op.Hosts[0])
	}
	switch {
	case s == nil:
		done(models.OpAnswer{Text: "refused: promote-slave needs one broker"})
		return
	case s.isMaster():
		done(models.OpAnswer{Text: "refused: " + s.host.Name + " is a master"})
		return
	}
	took, _ := strconv.ParseInt(op.Args["took"], 10, 64)
	c.after(sim.Time(took), func() {
		s.svc.Stop()
		c.poll(func() bool { return !s.svc.Running() }, func() {
			s.cfg.Role = roleNamed(op.Args["role"])
			s.cfg.ID = 0
			s.svc.Start()
			c.poll(func() bool { return c.registered(s) }, func() {
				done(models.OpAnswer{OK: true, Text: s.host.Name + " is " + s.cfg.Role.String() + " of group " + c.names[s.group]})
			})
		})
	})
}

// operatorPoll is how often an operator who waits for something looks again.
const operatorPoll = 100 * sim.Millisecond

func (c *Cluster) after(d sim.Time, f func()) { c.operator.svc.Host.After(d, f) }

func (c *Cluster) poll(cond func() bool, then func()) {
	if cond() {
		then()
		return
	}
	c.after(operatorPoll, func() { c.poll(cond, then) })
}

// writePerm is mqadmin wipeWritePerm and addWritePerm, at every NameServer.
func (c *Cluster) writePerm(op *models.Operation, add bool, done func(models.OpAnswer)) {
	group := op.Args["group"]
	if group == "" && len(op.Hosts) > 0 {
		if s := c.serverOn(op.Hosts[0]); s != nil {
			group = c.names[s.group]
		}
	}
	if !slices.Contains(c.names, group) {
		done(models.OpAnswer{Text: "there is no broker group " + group})
		return
	}
	left, ok := len(c.namesrv), true
	var texts []string
	for _, h := range c.namesrv {
		c.operator.admin.Ask(h, &wire.WritePermRequest{Broker: group, Add: add}, func(resp wire.Response, err error) {
			left--
			switch m := resp.(type) {
			case *wire.WritePermResponse:
				texts = append(texts, fmt.Sprintf("%s: %d topics", h.Name, m.Topics))
			default:
				ok = false
				texts = append(texts, fmt.Sprintf("%s: %v", h.Name, err))
			}
			if left == 0 {
				done(models.OpAnswer{OK: ok, Text: strings.Join(texts, ", ")})
			}
		})
	}
}

// settingsOf are the settings of an operation, in order of name.
func settingsOf(op *models.Operation, prefix string) models.Settings {
	var names []string
	for k := range op.Args { //mqsim:unordered sorted below
		if name, ok := strings.CutPrefix(k, prefix); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var over models.Settings
	for _, n := range names {
		over = append(over, models.Entry{Name: n, Value: op.Args[prefix+n]})
	}
	return over
}

// setHosts gives the next incarnations of brokers other settings.
func (c *Cluster) setHosts(op *models.Operation, prefix string, done func(models.OpAnswer)) {
	over := settingsOf(op, prefix)
	for _, h := range op.Hosts {
		s := c.serverOn(h)
		if s == nil {
			continue
		}
		if text := c.configure(s, over); text != "" {
			done(models.OpAnswer{Text: h.Name + ": " + text})
			return
		}
	}
	done(models.OpAnswer{OK: true, Text: "the next start uses other settings"})
}

// setConfig is mqadmin updateBrokerConfig on running brokers: what the broker reads anew each time holds at
// once, what it read at its start (the store's settings) from the next start on.
func (c *Cluster) setConfig(op *models.Operation, done func(models.OpAnswer)) {
	hosts := op.Hosts
	if len(hosts) == 0 {
		for _, s := range c.brokers {
			hosts = append(hosts, s.host)
		}
	}
	c.setHosts(&models.Operation{Do: op.Do, Hosts: hosts, Args: op.Args}, "definition.", done)
}

// configure changes a broker's configuration file; text says why not.
func (c *Cluster) configure(s *server, over models.Settings) (text string) {
	role, id := s.cfg.Role, s.cfg.ID
	if v, ok := over.Get("brokerRole"); ok {
		switch now := roleNamed(v); {
		case now == role:
		case role == broker.Slave:
			return "brokerRole: a slave is made a master by promote-slave"
		case now == broker.Slave && s.svc.Running():
			return "brokerRole: " + s.host.Name + " runs; it becomes a slave when it is started with that role"
		case now == broker.Slave:
			id = c.freeID(s)
			role = now
		default:
			role = now
		}
	}
	set, problems := s.set.Check(models.Broker, over, "settings")
	for _, p := range problems {
		if !p.Warn {
			return p.Path + ": " + p.Text
		}
	}
	s.set = set
	s.cfg.Adopt(c.brokerConfig(s, role))
	s.cfg.ID = id
	return ""
}

// freeID is a brokerId for a master that is made a slave: the number of its host, or for the first host of
// a group one that no other has.
func (c *Cluster) freeID(s *server) int64 {
	if s.id > 0 {
		return int64(s.id)
	}
	id := 0
	for _, x := range c.brokers {
		if x.group == s.group {
			id = max(id, x.id)
		}
	}
	return int64(id) + 1
}
