package client

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// partMeta is what a client believes about a partition.
type partMeta struct {
	leader int32 // -1: none
	epoch  int32
}

// topicMeta is a topic that a client is interested in.
type topicMeta struct {
	name  string
	parts []partMeta
}

// metadata is Metadata with DefaultMetadataUpdater: refreshed by error and by age, from whichever
// broker is least loaded; a broker's answer may be stale, so an older leader epoch never replaces a
// newer one.
type metadata struct {
	topics     []topicMeta
	known      bool // a response has replaced the bootstrap addresses
	need       bool // an update was asked for
	inFlight   bool
	refreshed  sim.Time // last response or failure
	succeeded  sim.Time
	attempts   int      // failures in a row
	equivalent int      // responses in a row that changed nothing
	allowAt    sim.Time // end of the refresh back-off
	controller int32
	version    int // counts responses that were taken over
}

func (m *metadata) init(topics []string) {
	m.need, m.controller = true, -1
	for _, t := range topics {
		m.topics = append(m.topics, topicMeta{name: t})
	}
}

// topic is what is known of a topic of interest.
func (m *metadata) topic(name string) *topicMeta {
	for i := range m.topics {
		if m.topics[i].name == name {
			return &m.topics[i]
		}
	}
	return nil
}

// part is a partition's leader and epoch; leader -1 if unknown.
func (t *topicMeta) part(i int32) partMeta {
	if t == nil || int(i) >= len(t.parts) || i < 0 {
		return partMeta{-1, -1}
	}
	return t.parts[i]
}

// backoffNow draws the refresh back-off after a response or a failure (Metadata.timeToAllowUpdate):
// by the failures in a row, or by the responses in a row that brought nothing new (KIP-580).
func (m *metadata) backoffNow(now sim.Time, n *network) {
	m.refreshed = now
	wait := n.cfg.retry.draw(n.rnd, max(m.attempts-1, 0))
	if m.equivalent > 1 {
		wait = max(wait, n.cfg.retry.draw(n.rnd, m.equivalent-1))
	}
	m.allowAt = now + wait
}

func (m *metadata) failed(now sim.Time, n *network) {
	m.inFlight = false
	m.attempts++
	m.backoffNow(now, n)
	n.need(m.allowAt)
}

// updateMetadata sends a metadata request if one is due and can be sent
// (NetworkClient.DefaultMetadataUpdater.maybeUpdate).
func (n *network) updateMetadata(now sim.Time) {
	m := &n.meta
	if m.inFlight {
		return
	}
	due := m.succeeded + n.cfg.metadataMaxAge
	if m.need {
		due = 0
	}
	due = max(due, m.allowAt)
	if now < due {
		n.need(due)
		return
	}
	if now >= m.succeeded+n.cfg.metadataMaxAge {
		m.equivalent = 0
	}
	l := n.anyUsable(now)
	if l == nil {
		return
	}
	req := &wire.MetadataRequest{ReqHeader: n.header()}
	for i := range m.topics {
		req.Topics = append(req.Topics, m.topics[i].name)
	}
	m.inFlight = true
	n.send(l, callMetadata, req, n.cfg.requestTimeout)
}

// wantMetadata asks for an update (Metadata.requestUpdate).
func (n *network) wantMetadata() {
	n.meta.need = true
	n.updateMetadata(n.p.Now())
}

// takeMetadata is Metadata.update.
func (n *network) takeMetadata(resp *wire.MetadataResponse) {
	m := &n.meta
	now := n.p.Now()
	if len(resp.Brokers) == 0 {
		// A broker that knows of nobody: keep what is known (DefaultMetadataUpdater.handleSuccessfulResponse).
		m.failed(now, n)
		return
	}
	m.inFlight, m.attempts, m.need = false, 0, false
	m.equivalent++
	m.version++
	m.succeeded = now
	m.controller = resp.Controller
	n.takeBrokers(resp.Brokers)
	for i := range resp.Topics {
		n.takeTopic(&resp.Topics[i])
	}
	m.known = true
	m.backoffNow(now, n)
	if m.need {
		n.need(m.allowAt)
	} else {
		n.need(now + n.cfg.metadataMaxAge)
	}
	n.lib.metadataChanged()
}

// takeBrokers replaces the list of brokers. The bootstrap addresses serve only until the first answer;
// a connection to one of them is closed with it, as nothing uses it any more.
func (n *network) takeBrokers(brokers []wire.Node) {
	for _, l := range n.links {
		l.listed = false
	}
	for _, b := range brokers {
		h := n.p.W.HostNamed(b.Host)
		if h == nil {
			continue
		}
		l := n.byID[b.ID]
		if l == nil {
			l = n.add(b.ID, h)
			n.meta.equivalent = 0
		}
		l.listed = true
	}
	if n.meta.known {
		return
	}
	kept := n.links[:0]
	for _, l := range n.links {
		if l.id >= 0 {
			kept = append(kept, l)
			continue
		}
		delete(n.byID, l.id)
		n.near[uint32(l.id)%nearLinks] = nil
		if l.conn != nil && len(l.calls) == 0 {
			l.conn.Close()
			l.conn = nil
		}
	}
	n.links = kept
}

func (n *network) takeTopic(t *wire.TopicMetadata) {
	m := &n.meta
	topic := m.topic(t.Topic)
	if topic == nil {
		return
	}
	if t.Err != wire.None {
		if t.Err.InvalidMetadata() {
			m.need = true
		}
		return
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		for int(p.Partition) >= len(topic.parts) {
			topic.parts = append(topic.parts, partMeta{-1, -1})
			m.equivalent = 0
		}
		if p.Err.InvalidMetadata() || p.Leader < 0 {
			m.need = true
		}
		at := &topic.parts[p.Partition]
		fresh := partMeta{p.Leader, p.LeaderEpoch}
		if fresh.epoch >= 0 && fresh.epoch < at.epoch {
			continue // from a broker that lags behind
		}
		if *at != fresh {
			*at = fresh
			m.equivalent = 0
		}
	}
}

// hint is Metadata.updatePartitionLeadership (KIP-951): an error answer named the new leader.
func (n *network) hint(tp wire.TopicPartition, leader, epoch int32, nodes []wire.Node) bool {
	if leader < 0 || epoch < 0 || !n.cfg.retryHint {
		return false
	}
	topic := n.meta.topic(tp.Topic)
	if topic == nil || int(tp.Partition) >= len(topic.parts) || epoch <= topic.parts[tp.Partition].epoch {
		return false
	}
	if n.byID[leader] == nil {
		for _, b := range nodes {
			if h := n.p.W.HostNamed(b.Host); b.ID == leader && h != nil {
				n.add(leader, h)
			}
		}
	}
	if n.byID[leader] == nil {
		return false
	}
	topic.parts[tp.Partition] = partMeta{leader, epoch}
	return true
}
