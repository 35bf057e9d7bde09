package rocketmq

import (
	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/broker"
	"github.com/mqsim/mqsim/models/rocketmq/dledger"
	"github.com/mqsim/mqsim/models/rocketmq/profile"
	"github.com/mqsim/mqsim/sim"
)

// mode is how groups choose their master.
func (c *Cluster) mode() string { return c.cfg.Set.Str(models.Topology, "mode") }

// switching says whether brokers choose their master by themselves.
func (c *Cluster) switching() bool { return c.mode() == "dledger" }

// ledgerConfig makes a broker a member of its group's DLedger. SlaveSynchronize runs every 12 s in 5.x, as
// a slave of DLedger does it (BrokerController.handleSlaveSynchronize).
func (c *Cluster) ledgerConfig(conf *broker.Config, s *server) {
	if c.mode() != "dledger" {
		return
	}
	// broker.conf reaches none of DLedgerConfig's timers (DLedgerCommitLog's constructor).
	l := &broker.LedgerConfig{Config: dledger.DefaultConfig(), BusyWhenFull: s.set.AtLeast("5.0")}
	l.Self = consensus.Member(s.id + 1)
	if s.set.AtLeast("5.0") {
		conf.SyncFirst, conf.SyncPeriod, conf.SyncLook = 12*sim.Second, 12*sim.Second, 0
	}
	for id := range int(c.cfg.Set.Int(models.Topology, "slaves")) + 1 {
		l.Members = append(l.Members, consensus.Member(id+1))
		l.Hosts = append(l.Hosts, c.w.HostNamed(profile.BrokerHost(conf.Name, id)))
	}
	conf.Ledger = l
}

// linkLedgers gives members the hosts of those that were made after them.
func (c *Cluster) linkLedgers() {
	for _, s := range c.brokers {
		if s.cfg.Ledger != nil {
			for id := range s.cfg.Ledger.Hosts {
				s.cfg.Ledger.Hosts[id] = c.w.HostNamed(profile.BrokerHost(s.cfg.Name, id))
			}
		}
	}
}

// ledgersAgree says whether every group has a master and every member that runs has its entries.
func (c *Cluster) ledgersAgree() (bool, string) {
	for g, name := range c.names {
		alive := 0
		for _, s := range c.brokers {
			if s.group == g && s.serves() {
				alive++
			}
		}
		m := c.master(g)
		if m == nil {
			if 2*alive > int(c.cfg.Set.Int(models.Topology, "slaves"))+1 {
				return false, "group " + name + " has no master"
			}
			continue // no majority runs
		}
		lead := m.program().Ledger()
		for _, s := range c.brokers {
			if s.group != g || !s.serves() {
				continue
			}
			if l := s.program().Ledger(); l.Last() != lead.Last() || l.Commit() != lead.Commit() {
				return false, s.host.Name + " does not have what " + m.host.Name + " has"
			}
		}
	}
	return true, ""
}

// ledgerPromises: an answer says that a majority has the message in its page caches.
func (c *Cluster) ledgerPromises(t *terms, line promiseLine) {
	const why = "A majority has the entry in its page caches; the files are flushed every 10 ms, whatever flushDiskType says (DLedgerMmapFileStore.FlushDataService)."
	if t.oneWay {
		for _, cause := range []string{"process-buffer", "unreplicated-tail", "stranded", "truncated-by-new-leader", "disk-lost"} {
			line(models.Allowed, cause, "send: oneway", "sendOneway hears nothing of the broker (DefaultMQProducer.sendOneway).")
		}
	}
	for _, cause := range []string{"unsynced-page-cache", "truncated-by-new-leader", "stranded"} {
		line(models.Allowed, cause, "mode=dledger", why)
	}
	line(models.Known, "inconsistent-offset", "#8539", "Queue offsets of a lost tail are given out again (DefaultMessageStore.recoverTopicQueueTable).")
	line(models.Known, "offset-backwards", "#7790", "A new master may have older consumer offsets than the one before (SlaveSynchronize.java).")
}
