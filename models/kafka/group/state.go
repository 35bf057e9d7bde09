package group

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

type state uint8

const (
	empty state = iota
	preparing
	completing
	stable
	dead
)

// group is GroupMetadata.
type group struct {
	k          *Coordinator
	name       string
	partition  int32  // of Topic
	id         uint32 // for timers
	state      state
	generation int32
	protocol   string
	leader     string
	members    []*member // in order of joining
	pending    []*member // have an id, have not joined with it yet
	offsets    map[wire.TopicPartition]commit
	since      int64 // broker's clock in ms when the state was stored last

	// the rebalance under way
	initial     bool // the group was empty: InitialDelayedJoin
	remaining   sim.Time
	memberAdded bool
	deadline    sim.Time
	armed       bool
	armedAt     sim.Time
	storing     bool // the leader's assignment is being written
	syncing     bool // deadline is that of DelayedSync
}

// commit is a committed position.
type commit struct {
	offset int64
	epoch  int32
	at     int64 // broker's clock in ms
}

// member is MemberMetadata.
type member struct {
	g         *group
	index     uint32
	id        string
	instance  string // group.instance.id, "" of a dynamic member
	client    string
	session   sim.Time
	rebalance sim.Time
	protocols []wire.Protocol
	assigned  []byte
	isNew     bool
	gone      bool
	synced    bool // has sent SyncGroup in this generation

	deadline sim.Time
	armed    bool
	armedAt  sim.Time

	joinConn, syncConn *sim.Conn // requests that wait for an answer
	joinCorr, syncCorr int32
}

func (g *group) member(id string) *member {
	for _, m := range g.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// static is the member of a group.instance.id, nil if there is none.
func (g *group) static(instance string) *member {
	for _, m := range g.members {
		if instance != "" && m.instance == instance {
			return m
		}
	}
	return nil
}

func (g *group) pendingMember(id string) *member {
	for _, m := range g.pending {
		if m.id == id {
			return m
		}
	}
	return nil
}

func remove(list []*member, m *member) []*member {
	for i := range list {
		if list[i] == m {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

func (m *member) answerJoin(r *wire.JoinGroupResponse) {
	if c := m.joinConn; c != nil {
		m.joinConn = nil
		r.Corr = m.joinCorr
		m.g.k.env.Reply(c, r)
	}
}

func (m *member) answerSync(r *wire.SyncGroupResponse) {
	if c := m.syncConn; c != nil {
		m.syncConn = nil
		r.Corr = m.syncCorr
		m.g.k.env.Reply(c, r)
	}
}

// same says whether the member already supports exactly these protocols with these subscriptions.
func (m *member) same(p []wire.Protocol) bool {
	if len(p) != len(m.protocols) {
		return false
	}
	for i := range p {
		if p[i].Name != m.protocols[i].Name || string(p[i].Metadata) != string(m.protocols[i].Metadata) {
			return false
		}
	}
	return true
}

func (m *member) metadata(protocol string) []byte {
	for i := range m.protocols {
		if m.protocols[i].Name == protocol {
			return m.protocols[i].Metadata
		}
	}
	return nil
}

// touch restarts the member's session.
func (m *member) touch() { m.expireIn(m.session) }

func (m *member) expireIn(d sim.Time) {
	m.deadline = m.g.k.env.Now() + d
	if !m.armed || m.deadline < m.armedAt {
		m.armed, m.armedAt = true, m.deadline
		m.g.k.env.After(d, timerMember, m.index)
	}
}

// memberTimer ends a session that was not touched in time. A member that waits for an answer of ours
// is alive, except a new one, whose join may take newMemberTimeout at most
// (MemberMetadata.hasSatisfiedHeartbeat).
func (k *Coordinator) memberTimer(m *member) {
	now := k.env.Now()
	if !m.armed || now < m.armedAt {
		return // a timer that an earlier one has replaced
	}
	m.armed = false
	switch {
	case m.gone:
		k.members[m.index] = nil
	case m.deadline > now:
		m.expireIn(m.deadline - now)
	case !m.isNew && (m.joinConn != nil || m.syncConn != nil):
		m.touch()
	default:
		g := m.g
		k.env.Probe("kafka-group-session-expired")
		if g.pendingMember(m.id) == m {
			g.pending = remove(g.pending, m)
			k.forget(m)
			g.tryJoin()
			return
		}
		k.env.Emit("group-member-expired", g.name, m.client)
		g.drop(m)
	}
}

// drop removes a member and rebalances (removeMemberAndUpdateGroup).
func (g *group) drop(m *member) {
	m.answerJoin(&wire.JoinGroupResponse{Err: wire.UnknownMemberID, Generation: -1, Member: m.id})
	m.answerSync(&wire.SyncGroupResponse{Err: wire.UnknownMemberID})
	g.members = remove(g.members, m)
	g.k.forget(m)
	if g.leader == m.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
	switch g.state {
	case stable, completing:
		g.prepare()
	case preparing:
		g.tryJoin()
	}
}

// prepare begins a rebalance (prepareRebalance).
func (g *group) prepare() {
	if g.state == preparing || g.state == dead {
		return
	}
	if g.state == completing {
		for _, m := range g.members {
			m.assigned = nil
			m.answerSync(&wire.SyncGroupResponse{Err: wire.RebalanceInProgress})
		}
	}
	now := g.k.env.Now()
	g.initial = g.state == empty
	g.syncing, g.storing = false, false
	g.state = preparing
	if g.initial {
		d := min(g.k.cfg.InitialDelay, g.rebalanceTimeout())
		g.remaining = max(g.rebalanceTimeout()-d, 0)
		g.memberAdded = false
		g.deadline = now + d
	} else {
		g.deadline = now + g.rebalanceTimeout()
	}
	g.arm()
	g.tryJoin()
}

func (g *group) rebalanceTimeout() sim.Time {
	t := sim.Time(0)
	for _, m := range g.members {
		t = max(t, m.rebalance)
	}
	return t
}

func (g *group) arm() {
	if !g.armed || g.deadline < g.armedAt {
		g.armed, g.armedAt = true, g.deadline
		g.k.env.After(max(g.deadline-g.k.env.Now(), 0), timerGroup, g.id)
	}
}

// groupTimer ends a rebalance that has waited long enough.
func (k *Coordinator) groupTimer(id uint32) {
	for _, g := range k.order {
		if g.id != id {
			continue
		}
		if !g.armed || k.env.Now() < g.armedAt {
			return // a timer that an earlier one has replaced
		}
		g.armed = false
		if g.state != preparing && !(g.state == completing && g.syncing) {
			return
		}
		if g.deadline > k.env.Now() {
			g.arm()
			return
		}
		if g.state == completing {
			g.expireSync()
			return
		}
		g.expireJoin()
		return
	}
}

// tryJoin is DelayedJoin.tryComplete; the first rebalance of an empty group always waits.
func (g *group) tryJoin() {
	if g.state != preparing || g.initial || len(g.pending) > 0 {
		return
	}
	for _, m := range g.members {
		if m.joinConn == nil {
			return
		}
	}
	g.nextGeneration()
}

// expireJoin is the end of the time to join. The first rebalance goes on as long as members come
// (InitialDelayedJoin.onComplete).
func (g *group) expireJoin() {
	if g.initial && g.memberAdded && g.remaining > 0 {
		d := min(g.k.cfg.InitialDelay, g.remaining)
		g.remaining -= d
		g.memberAdded = false
		g.deadline = g.k.env.Now() + d
		g.arm()
		return
	}
	g.nextGeneration()
}

// nextGeneration is GroupCoordinator.onCompleteJoin: who has not rejoined is out, except static members,
// which stay until their session ends. If nobody else is there, the rebalance waits on.
func (g *group) nextGeneration() {
	k := g.k
	kept := g.members[:0]
	for _, m := range g.members {
		if m.joinConn != nil || m.instance != "" {
			kept = append(kept, m)
			continue
		}
		k.env.Emit("group-member-expired", g.name, m.client+" did not rejoin")
		k.forget(m)
	}
	clear(g.members[len(kept):])
	g.members = kept
	if len(g.members) > 0 && !g.electJoined() {
		g.deadline = k.env.Now() + g.rebalanceTimeout()
		g.arm()
		return
	}
	g.generation++
	g.initial = false
	if len(g.members) == 0 {
		g.state, g.leader, g.protocol = empty, "", ""
		k.store(g, nil)
		return
	}
	g.state = completing
	g.protocol = g.vote()
	g.syncing, g.deadline = true, k.env.Now()+g.rebalanceTimeout()
	g.arm()
	k.env.Emit("group-rebalance", g.name, "generation "+itoa(int64(g.generation))+", "+itoa(int64(len(g.members)))+" members")
	for _, m := range append([]*member(nil), g.members...) {
		m.isNew, m.synced = false, false
		m.touch()
		m.answerJoin(g.joined(m))
	}
}

// electJoined makes a member that has joined the leader, unless the leader is one
// (GroupMetadata.maybeElectNewJoinedLeader). It reports whether there is any.
func (g *group) electJoined() bool {
	if m := g.member(g.leader); m != nil && m.joinConn != nil {
		return true
	}
	for _, m := range g.members {
		if m.joinConn != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

// joined is the answer to a member that is in the present generation.
func (g *group) joined(m *member) *wire.JoinGroupResponse {
	r := &wire.JoinGroupResponse{Generation: g.generation, Protocol: g.protocol, Leader: g.leader, Member: m.id}
	if m.id == g.leader {
		for _, o := range g.members {
			r.Members = append(r.Members, wire.GroupMember{Member: o.id, Instance: o.instance, Metadata: o.metadata(g.protocol)})
		}
	}
	return r
}

// vote selects a protocol that all members support: each votes for its first such (selectProtocol).
func (g *group) vote() string {
	supported := func(name string) bool {
		for _, m := range g.members {
			if m.metadata(name) == nil {
				return false
			}
		}
		return true
	}
	names, votes := []string(nil), []int(nil)
	for _, m := range g.members {
		for i := range m.protocols {
			name := m.protocols[i].Name
			if !supported(name) {
				continue
			}
			at := -1
			for j := range names {
				if names[j] == name {
					at = j
				}
			}
			if at < 0 {
				names, votes = append(names, name), append(votes, 0)
				at = len(names) - 1
			}
			votes[at]++
			break
		}
	}
	best := 0
	for i := range votes {
		if votes[i] > votes[best] {
			best = i
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[best]
}

// supports says whether a member with these protocols can live with the others
// (GroupMetadata.supportsProtocols).
func (g *group) supports(p []wire.Protocol, but *member) bool {
	alone := true
	for i := range p {
		all := true
		for _, m := range g.members {
			if m != but {
				alone, all = false, all && m.metadata(p[i].Name) != nil
			}
		}
		if all {
			return true
		}
	}
	return alone && len(p) > 0
}

// expireSync removes members that got their generation and did not sync in time (DelayedSync).
func (g *group) expireSync() {
	g.syncing = false
	for _, m := range append([]*member(nil), g.members...) {
		if !m.synced {
			g.k.env.Emit("group-member-expired", g.name, m.client+" did not sync")
			g.members = remove(g.members, m)
			g.k.forget(m)
		}
	}
	g.prepare()
}
