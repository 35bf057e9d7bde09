package broker

import "github.com/mqsim/mqsim/models/rocketmq/wire"

// register sends this broker with all its topics to every NameServer (registerBrokerAll). A slave
// learns from the first answer of a round where its master is.
func (b *Broker) register() {
	if b.isolated {
		return
	}
	b.round++
	round := b.round
	for _, l := range b.registry {
		m := &wire.RegisterBrokerRequest{Cluster: b.cfg.Cluster, Broker: b.cfg.Name, ID: b.cfg.ID, Addr: b.cfg.Host,
			Version: b.topics.version, Acting: b.cfg.Acting}
		if b.cfg.isMaster() || b.cfg.Acting {
			m.Topics = b.topics.configs()
		}
		l.answer = func(m wire.Response) { b.registered(round, m) }
		l.send(m)
	}
}

func (b *Broker) registered(round uint32, m wire.Response) {
	r, ok := m.(*wire.RegisterBrokerResponse)
	if !ok || round <= b.learned {
		return
	}
	b.learned = round
	b.masterAt = r.MasterAddr
	if b.cfg.Role == Slave && r.MasterAddr != "" && b.cfg.MasterHost == "" {
		// A known address is kept when the answer names none (doRegisterBrokerAll).
		b.slave.SetMaster(r.MasterAddr)
	}
}
