package broker

import (
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// consumers is ConsumerManager: who is in which group, by heartbeats.
type consumers struct {
	groups map[string]*group
	names  []string // in order of first heartbeat
}

// group is ConsumerGroupInfo.
type group struct {
	name       string
	members    []member // in order of arrival
	topics     []string
	expression string
	match      func(tagsCode int64) bool // of expression; nil takes all
}

type member struct {
	c    *sim.Conn
	id   string
	last sim.Time
}

func (g *consumers) get(name string) *group { return g.groups[name] }

// subscribed says whether a member's heartbeat named the topic; the group's retry topic goes without saying.
func (g *consumers) subscribed(name, topic string) bool {
	x := g.groups[name]
	return x != nil && (slices.Contains(x.topics, topic) || topic == RetryTopic(name))
}

// heartbeat registers the groups of a client (ClientManageProcessor.heartBeat). A new member makes the
// broker tell all members; the group's retry topic is made on the way, on slaves too.
func (b *Broker) heartbeat(c *sim.Conn, m *wire.HeartbeatRequest) {
	for i := range m.Consumers {
		d := &m.Consumers[i]
		b.retryTopic(RetryTopic(d.Group))
		g := b.consumers.get(d.Group)
		if g == nil {
			g = &group{name: d.Group}
			if b.consumers.groups == nil {
				b.consumers.groups = map[string]*group{}
			}
			b.consumers.groups[d.Group] = g
			b.consumers.names = append(b.consumers.names, d.Group)
			b.groups.add(d.Group)
		}
		changed := !slices.Equal(g.topics, d.Topics) || g.expression != d.Expression
		if g.expression != d.Expression {
			g.expression, g.match = d.Expression, tagMatch(d.Expression)
		}
		g.topics = d.Topics
		k := slices.IndexFunc(g.members, func(x member) bool { return x.c == c })
		if k < 0 {
			g.members = append(g.members, member{c: c, id: m.ClientID})
			k = len(g.members) - 1
			changed = true
		}
		g.members[k].last = b.p.Now()
		if changed {
			b.notifyGroup(g)
		}
	}
	if !m.Oneway {
		b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}})
	}
}

// tagMatch is codeSet of SubscriptionData: the queue holds hashes of tags, and the client compares the tags
// themselves (FilterAPI.buildSubscriptionData, ExpressionMessageFilter.isMatchedByConsumeQueue).
func tagMatch(expression string) func(int64) bool {
	tags := wire.Tags(expression)
	if len(tags) == 0 {
		return nil
	}
	codes := make([]int64, len(tags))
	for i, t := range tags {
		codes[i] = store.TagsCode([]byte(t))
	}
	return func(code int64) bool { return slices.Contains(codes, code) }
}

// filter is what a group's subscription to a topic lets pass, nil for everything.
func (g *consumers) filter(name, topic string) func(int64) bool {
	if x := g.groups[name]; x != nil && x.match != nil && topic != RetryTopic(name) {
		return x.match
	}
	return nil
}

// notifyGroup tells every member that the list changed (DefaultConsumerIdsChangeListener).
func (b *Broker) notifyGroup(g *group) {
	for i := range g.members {
		n := &wire.NotifyConsumerIdsChanged{Header: wire.Header{Oneway: true}, Group: g.name}
		g.members[i].c.Send(n, n.Size())
	}
}

func (b *Broker) unregisterClient(c *sim.Conn, m *wire.UnregisterClientRequest) {
	if g := b.consumers.get(m.Consumer); g != nil {
		b.leave(g, func(x member) bool { return x.c == c })
	}
	b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}})
}

func (b *Broker) leave(g *group, gone func(member) bool) {
	n := len(g.members)
	g.members = slices.DeleteFunc(g.members, gone)
	if len(g.members) == n {
		return
	}
	if len(g.members) == 0 {
		delete(b.consumers.groups, g.name)
		b.consumers.names = slices.DeleteFunc(b.consumers.names, func(s string) bool { return s == g.name })
		return
	}
	b.notifyGroup(g)
}

// clientGone removes a closed connection from all groups (ClientHousekeepingService).
func (b *Broker) clientGone(c *sim.Conn) {
	for _, name := range slices.Clone(b.consumers.names) {
		b.leave(b.consumers.groups[name], func(x member) bool { return x.c == c })
	}
}

// scanClients drops members whose heartbeats stopped (ConsumerManager.scanNotActiveChannel).
func (b *Broker) scanClients() {
	before := b.p.Now() - b.cfg.ClientExpiry
	for _, name := range slices.Clone(b.consumers.names) {
		g := b.consumers.groups[name]
		for _, x := range slices.Clone(g.members) {
			if x.last < before {
				b.p.Probe("rocketmq-client-expired")
				x.c.Close()
				b.peerClosed(x.c)
			}
		}
	}
}

func (b *Broker) consumerList(c *sim.Conn, m *wire.ConsumerListRequest) {
	r := &wire.ConsumerListResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}}
	if g := b.consumers.get(m.Group); g != nil {
		for i := range g.members {
			r.IDs = append(r.IDs, g.members[i].id)
		}
	} else {
		r.Code, r.Remark = wire.SystemError, "no consumer for this group, "+m.Group
	}
	b.reply(c, r)
}

// groups is SubscriptionGroupManager: which groups the broker ever saw (autoCreateSubscriptionGroup).
type groups struct {
	names   []string // sorted
	version wire.DataVersion
	dirty   bool
}

func (g *groups) add(name string) {
	i, found := slices.BinarySearch(g.names, name)
	if !found {
		g.names = slices.Insert(g.names, i, name)
		g.version.Counter++
		g.dirty = true
	}
}

// queueLock is one entry of RebalanceLockManager: in memory only.
type queueLock struct {
	client string
	last   sim.Time
}

type lockKey struct {
	group string
	queue wire.Queue
}

// lock executes LOCK_BATCH_MQ and UNLOCK_BATCH_MQ.
func (b *Broker) lock(c *sim.Conn, m *wire.LockRequest) {
	if m.Unlock {
		for _, q := range m.Queues {
			k := lockKey{m.Group, q}
			if b.locks[k].client == m.ClientID {
				delete(b.locks, k)
			}
		}
		b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}})
		return
	}
	r := &wire.LockResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Broker: m.Broker}
	now := b.p.Now()
	for _, q := range m.Queues {
		k := lockKey{m.Group, q}
		l, found := b.locks[k]
		if found && l.client != m.ClientID && now-l.last <= b.cfg.LockExpiry {
			continue
		}
		b.locks[k] = queueLock{client: m.ClientID, last: now}
		r.Queues = append(r.Queues, q)
	}
	b.reply(c, r)
}
