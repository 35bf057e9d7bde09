package group

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Join is GroupCoordinator.handleJoinGroup. A first join without an id is answered with one
// (MEMBER_ID_REQUIRED, KIP-394), so that a client that gives up leaves no ghost behind.
func (k *Coordinator) Join(c *sim.Conn, req *wire.JoinGroupRequest) {
	fail := func(e wire.Error, id string) {
		k.env.Reply(c, &wire.JoinGroupResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Err: e, Generation: -1, Member: id})
	}
	if e := k.check(req.Group); e != wire.None {
		fail(e, req.Member)
		return
	}
	session := sim.Time(req.SessionTimeoutMs) * sim.Millisecond
	if session < k.cfg.MinSession || session > k.cfg.MaxSession {
		fail(wire.InvalidSessionTimeout, req.Member)
		return
	}
	g := k.get(req.Group)
	if req.Member == "" {
		if g == nil {
			g = k.create(req.Group)
		}
		k.joinFirst(g, c, req, session, fail)
		return
	}
	if g == nil {
		fail(wire.UnknownMemberID, req.Member)
		return
	}
	if m := g.pendingMember(req.Member); m != nil {
		if !g.supports(req.Protocols, nil) {
			fail(wire.InconsistentGroupProtocol, req.Member)
			return
		}
		g.pending = remove(g.pending, m)
		g.admit(m, c, req)
		return
	}
	m, e := g.identify(req.Member, req.Instance)
	switch {
	case e != wire.None:
		fail(e, req.Member)
	case !g.supports(req.Protocols, m):
		fail(wire.InconsistentGroupProtocol, req.Member)
	default:
		g.rejoin(m, c, req)
	}
}

// joinFirst is a join without a member id (doNewMemberJoinGroup): a static member that is known takes
// its old place; a dynamic one is told its id first.
func (k *Coordinator) joinFirst(g *group, c *sim.Conn, req *wire.JoinGroupRequest, session sim.Time, fail func(wire.Error, string)) {
	old := g.static(req.Instance)
	if !g.supports(req.Protocols, old) {
		fail(wire.InconsistentGroupProtocol, "")
		return
	}
	if old != nil {
		g.replace(old, c, req)
		return
	}
	m := &member{g: g, instance: req.Instance, client: req.Client, session: session, isNew: true}
	k.track(m)
	if req.Instance != "" {
		m.id = k.newMemberID(req.Instance)
		g.admit(m, c, req)
		return
	}
	m.id = k.newMemberID(req.Client)
	if k.cfg.NoMemberIDs {
		g.admit(m, c, req)
		return
	}
	g.pending = append(g.pending, m)
	m.touch()
	fail(wire.MemberIDRequired, m.id)
}

// replace gives a static member that came back a new id in its old place
// (updateStaticMemberAndRebalance): a stable group goes on as it was; whoever still uses the old id is
// fenced.
func (g *group) replace(m *member, c *sim.Conn, req *wire.JoinGroupRequest) {
	k := g.k
	m.answerJoin(&wire.JoinGroupResponse{Err: wire.FencedInstanceID, Generation: -1, Member: m.id})
	m.answerSync(&wire.SyncGroupResponse{Err: wire.FencedInstanceID})
	id := k.newMemberID(req.Instance)
	if g.leader == m.id {
		g.leader = id
	}
	m.id, m.client = id, req.Client
	m.take(c, req)
	m.touch()
	k.env.Probe("kafka-group-static-member-returned")
	switch {
	case g.state == stable && g.vote() == g.protocol:
		k.store(g, func(e wire.Error) {
			if g.state != stable || m.id != id {
				return
			}
			if e != wire.None {
				m.answerJoin(&wire.JoinGroupResponse{Err: e, Generation: -1})
				return
			}
			r := g.joined(m)
			r.SkipAssignment = m.id == g.leader
			m.answerJoin(r)
		})
	case g.state == preparing:
		g.tryJoin()
	default:
		g.prepare()
	}
}

// identify finds the member of a request (validateCurrentMember): an id that is not the one that now
// stands for its group.instance.id is fenced.
func (g *group) identify(id, instance string) (*member, wire.Error) {
	if s := g.static(instance); s != nil && s.id != id {
		return nil, wire.FencedInstanceID
	}
	if m := g.member(id); m != nil {
		return m, wire.None
	}
	return nil, wire.UnknownMemberID
}

// admit adds a new member and rebalances (addMemberAndRebalance).
func (g *group) admit(m *member, c *sim.Conn, req *wire.JoinGroupRequest) {
	m.take(c, req)
	g.members = append(g.members, m)
	if g.leader == "" {
		g.leader = m.id
	}
	if g.state == preparing && g.initial {
		g.memberAdded = true
	}
	m.expireIn(newMemberTimeout)
	if g.state == preparing {
		g.tryJoin()
		return
	}
	g.prepare()
}

func (m *member) take(c *sim.Conn, req *wire.JoinGroupRequest) {
	m.answerJoin(&wire.JoinGroupResponse{Err: wire.UnknownMemberID, Generation: -1, Member: m.id}) // a stale join of its own
	m.joinConn, m.joinCorr = c, req.Corr
	m.session = sim.Time(req.SessionTimeoutMs) * sim.Millisecond
	m.rebalance = sim.Time(req.RebalanceTimeoutMs) * sim.Millisecond
	m.protocols = req.Protocols
}

// rejoin is a known member's join (doCurrentMemberJoinGroup): it begins a rebalance if the member's
// subscription changed or it is the leader of a stable group; else it just repeats the answer.
func (g *group) rejoin(m *member, c *sim.Conn, req *wire.JoinGroupRequest) {
	again := false
	switch g.state {
	case completing:
		again = m.same(req.Protocols)
	case stable:
		again = m.same(req.Protocols) && m.id != g.leader
	}
	m.take(c, req)
	if again {
		m.touch()
		m.answerJoin(g.joined(m))
		return
	}
	if g.state == preparing {
		g.tryJoin()
		return
	}
	g.prepare()
}

// Sync is GroupCoordinator.handleSyncGroup: the leader's assignment is stored before anybody gets it.
func (k *Coordinator) Sync(c *sim.Conn, req *wire.SyncGroupRequest) {
	fail := func(e wire.Error) {
		k.env.Reply(c, &wire.SyncGroupResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Err: e})
	}
	g, m, e := k.find(req.Group, req.Member, req.Instance, req.Generation)
	if e != wire.None {
		fail(e)
		return
	}
	switch g.state {
	case preparing:
		fail(wire.RebalanceInProgress)
	case stable:
		m.touch()
		k.env.Reply(c, &wire.SyncGroupResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Protocol: g.protocol, Data: m.assigned})
	case completing:
		m.syncConn, m.syncCorr, m.synced = c, req.Corr, true
		if m.id == g.leader && !g.storing {
			g.assign(req.Assignments)
		}
	default:
		fail(wire.UnknownMemberID)
	}
}

func (g *group) assign(list []wire.Assignment) {
	k, generation := g.k, g.generation
	g.storing = true
	shares := make([][]byte, len(g.members))
	for i, m := range g.members {
		for j := range list {
			if list[j].Member == m.id {
				shares[i] = list[j].Data
			}
		}
		m.assigned = shares[i]
	}
	k.store(g, func(e wire.Error) {
		if g.state != completing || g.generation != generation {
			return
		}
		g.storing = false
		if e != wire.None {
			for _, m := range g.members {
				m.assigned = nil
				m.answerSync(&wire.SyncGroupResponse{Err: e})
			}
			g.prepare()
			return
		}
		g.state, g.syncing = stable, false
		for _, m := range append([]*member(nil), g.members...) {
			m.touch()
			m.answerSync(&wire.SyncGroupResponse{Protocol: g.protocol, Data: m.assigned})
		}
	})
}

// find locates a member at its generation.
func (k *Coordinator) find(name, id, instance string, generation int32) (*group, *member, wire.Error) {
	if e := k.check(name); e != wire.None {
		return nil, nil, e
	}
	g := k.get(name)
	if g == nil {
		return nil, nil, wire.UnknownMemberID
	}
	m, e := g.identify(id, instance)
	if e == wire.None && generation != g.generation {
		e = wire.IllegalGeneration
	}
	return g, m, e
}

// Heartbeat is GroupCoordinator.handleHeartbeat.
func (k *Coordinator) Heartbeat(c *sim.Conn, req *wire.HeartbeatRequest) {
	g, m, e := k.find(req.Group, req.Member, req.Instance, req.Generation)
	if e == wire.None {
		m.touch()
		switch g.state {
		case preparing:
			e = wire.RebalanceInProgress
		case empty, dead:
			e = wire.UnknownMemberID
		}
	}
	k.env.Reply(c, &wire.HeartbeatResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Err: e})
}

// Leave is GroupCoordinator.handleLeaveGroup.
func (k *Coordinator) Leave(c *sim.Conn, req *wire.LeaveGroupRequest) {
	r := &wire.LeaveGroupResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Member: req.Member}
	r.Err = k.check(req.Group)
	if r.Err == wire.None {
		g := k.get(req.Group)
		switch {
		case g == nil:
			r.Err = wire.UnknownMemberID
		case g.pendingMember(req.Member) != nil:
			m := g.pendingMember(req.Member)
			g.pending = remove(g.pending, m)
			k.forget(m)
			g.tryJoin()
		case g.member(req.Member) != nil:
			m := g.member(req.Member)
			k.env.Emit("group-member-left", g.name, m.client)
			g.drop(m)
		default:
			r.Err = wire.UnknownMemberID
		}
	}
	k.env.Reply(c, r)
}

// Commit is GroupCoordinator.handleCommitOffsets. A commit of the present generation is taken even
// while the group prepares a rebalance; it counts as a heartbeat.
func (k *Coordinator) Commit(c *sim.Conn, req *wire.OffsetCommitRequest) {
	g := k.get(req.Group)
	m, e := k.mayCommit(g, req)
	if e != wire.None {
		k.env.Reply(c, committed(req, e))
		return
	}
	if g == nil {
		g = k.create(req.Group)
	}
	if m != nil {
		m.touch()
	}
	s := k.takeStoring()
	s.g, s.conn, s.req = g, c, req
	k.storeOffsets(s)
}

// stored ends a commit: the offsets count now, and the client is told.
func (k *Coordinator) stored(s *storing, e wire.Error) {
	if e == wire.None && s.g.state != dead {
		now := k.env.Wall()
		for i := range s.req.Parts {
			p := &s.req.Parts[i]
			s.g.offsets[p.TopicPartition] = commit{p.Offset, p.LeaderEpoch, now}
		}
	}
	k.env.Reply(s.conn, committed(s.req, e))
}

// mayCommit judges a commit to g, which is nil if there is no such group, and finds its member.
func (k *Coordinator) mayCommit(g *group, req *wire.OffsetCommitRequest) (*member, wire.Error) {
	if e := k.check(req.Group); e != wire.None {
		return nil, e
	}
	switch {
	case g == nil && req.Generation < 0:
		return nil, wire.None // a consumer that only stores offsets here
	case g == nil:
		return nil, wire.IllegalGeneration
	}
	m, e := g.identify(req.Member, req.Instance)
	switch {
	case g.state == empty && req.Generation < 0:
		return m, wire.None
	case e != wire.None:
		return nil, e
	case req.Generation != g.generation:
		return m, wire.IllegalGeneration
	case g.state == completing:
		return m, wire.RebalanceInProgress
	}
	return m, wire.None
}

func committed(req *wire.OffsetCommitRequest, e wire.Error) *wire.OffsetCommitResponse {
	r := req.Room
	if r == nil {
		r = &wire.OffsetCommitResponse{}
	}
	r.Corr, r.Parts = req.Corr, r.Parts[:0]
	for i := range req.Parts {
		r.Parts = append(r.Parts, wire.PartError{TopicPartition: req.Parts[i].TopicPartition, Err: e})
	}
	return r
}

// FetchOffsets is GroupCoordinator.handleFetchOffsets; -1 stands for no committed offset.
func (k *Coordinator) FetchOffsets(c *sim.Conn, req *wire.OffsetFetchRequest) {
	r := &wire.OffsetFetchResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Group: req.Group}
	r.Err = k.check(req.Group)
	if r.Err == wire.None {
		g := k.get(req.Group)
		r.Parts = make([]wire.OffsetFetchResult, len(req.Parts))
		for i, tp := range req.Parts {
			r.Parts[i] = wire.OffsetFetchResult{TopicPartition: tp, Offset: -1, LeaderEpoch: -1}
			if g == nil {
				continue
			}
			if o, ok := g.offsets[tp]; ok {
				r.Parts[i].Offset, r.Parts[i].LeaderEpoch = o.offset, o.epoch
			}
		}
	}
	k.env.Reply(c, r)
}
