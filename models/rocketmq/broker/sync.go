package broker

import (
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// syncWait is the time-out of each request of the metadata sync (BrokerOuterAPI: 3000 ms).
const syncWait = 3 * sim.Second

// syncFromMaster begins one round of SlaveSynchronize.syncAll: topics, consumer offsets, delay offsets,
// groups, one after the other; what fails ends nothing else.
func (b *Broker) syncFromMaster() {
	if b.phase != serving || b.masterAt == "" || b.masterAt == b.cfg.Host {
		return
	}
	if b.upstream == nil || b.upstream.host.Name != b.masterAt {
		if b.upstream != nil {
			b.upstream.req = nil
			b.upstream.close()
		}
		b.upstream = b.newLink(b.p.W.HostNamed(b.masterAt), wire.BrokerPort, syncWait)
	}
	b.syncStep(0)
}

func (b *Broker) syncStep(step int) {
	var m wire.Request
	switch step {
	case 0:
		m = &wire.AllTopicsRequest{}
	case 1:
		m = &wire.AllOffsetsRequest{}
	case 2:
		m = &wire.AllDelayOffsetsRequest{}
	case 3:
		m = &wire.AllGroupsRequest{}
	default:
		return
	}
	b.upstream.answer = func(r wire.Response) {
		b.synced(r)
		b.syncStep(step + 1)
	}
	b.upstream.failed = func() {
		b.p.Probe("rocketmq-metadata-sync-failed")
		b.syncStep(step + 1)
	}
	b.upstream.send(m)
}

// synced takes one table of the master. Topics and groups are replaced when their version differs;
// consumer offsets are put over the slave's own without a look, even when those are newer.
func (b *Broker) synced(m wire.Response) {
	switch m := m.(type) {
	case *wire.AllTopicsResponse:
		if m.Version != b.topics.version {
			b.topics.replace(m.Version, m.Topics)
			b.persistTopics()
		}
	case *wire.AllOffsetsResponse:
		for i := range m.Offsets {
			o := &m.Offsets[i]
			if mine, ok := b.offsets.get(o.Group, o.Queue); ok && mine > o.Offset && !b.cfg.OlderOffsets {
				continue
			}
			if b.offsets.put(o.Group, o.Queue, o.Offset) {
				b.p.Probe("rocketmq-sync-overwrote-newer-offset")
			}
		}
		b.persistOffsets()
	case *wire.AllDelayOffsetsResponse:
		b.delays.offsets = slices.Clone(m.Offsets)
		b.delays.dirty = true
		b.persistDelays()
	case *wire.AllGroupsResponse:
		if m.Version != b.groups.version {
			b.groups.names, b.groups.version, b.groups.dirty = slices.Clone(m.Groups), m.Version, true
			b.persistGroups()
		}
	}
}

// handleSync answers a slave.
func (b *Broker) handleSync(c *sim.Conn, m any) bool {
	switch m := m.(type) {
	case *wire.AllTopicsRequest:
		b.reply(c, &wire.AllTopicsResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Version: b.topics.version, Topics: b.topics.configs()})
	case *wire.AllOffsetsRequest:
		b.reply(c, &wire.AllOffsetsResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Offsets: b.offsets.all()})
	case *wire.AllDelayOffsetsRequest:
		b.reply(c, &wire.AllDelayOffsetsResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Offsets: slices.Clone(b.delays.offsets)})
	case *wire.AllGroupsRequest:
		b.reply(c, &wire.AllGroupsResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Version: b.groups.version, Groups: slices.Clone(b.groups.names)})
	case *wire.ExchangeHARequest:
		if b.cfg.Role == Slave {
			b.slave.SetMaster(m.Master)
		}
		b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}})
	default:
		return false
	}
	return true
}
