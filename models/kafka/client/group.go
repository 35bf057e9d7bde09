package client

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// memberState is AbstractCoordinator.MemberState.
type memberState uint8

const (
	memberOut       memberState = iota // not in the group, or told to join again
	memberJoining                      // JoinGroup is in flight
	memberAssigning                    // this member leads the group and waits for metadata
	memberSyncing                      // SyncGroup is in flight
	memberStable
)

// membership is AbstractCoordinator with its heartbeat thread.
type membership struct {
	state      memberState
	link       *link // to the coordinator, a connection of its own
	finding    bool  // FindCoordinator is in flight
	reached    bool  // the connection to this coordinator has been up
	findFailed int
	retryAt    sim.Time // of FindCoordinator and JoinGroup
	joinFailed int
	rejoin     bool // somebody said that the group rebalances
	prepared   bool // what has to happen before JoinGroup has happened

	member     string
	generation int32
	protocol   string
	share      []int32                 // what the coordinator gave, until poll() takes it over
	given      bool                    // there is one
	last       ownership               // what the newest assignment gave (StickyAssignor remembers it by itself)
	response   *wire.JoinGroupResponse // the leader's, while it waits for metadata

	beating  bool
	beatAt   sim.Time // of the next heartbeat
	expireAt sim.Time // the coordinator counts as lost when no answer came until then
}

func (m *membership) init() { *m = membership{generation: -1, last: ownership{generation: -1}} }

// joins says that the member is between sending JoinGroup and having its share: it must not commit then
// (AbstractCoordinator.generationIfStable).
func (m *membership) joins() bool {
	return m.state == memberJoining || m.state == memberAssigning || m.state == memberSyncing
}

// beats says that heartbeats are sent: from the answer to JoinGroup until the next JoinGroup.
func (m *membership) beats() bool {
	return m.generation >= 0 && (m.state >= memberAssigning || m.state == memberOut && !m.prepared)
}

// coordinator is the connection to the group coordinator if a request can be sent; else what is
// missing is begun. The Java client gives the coordinator a connection of its own.
func (c *Consumer) coordinator() *link {
	g := &c.group
	c.checkCoordinator()
	if g.link == nil {
		c.findCoordinator()
		return nil
	}
	if c.net.reach(g.link) {
		return g.link
	}
	return nil
}

// checkCoordinator gives a coordinator up whose connection has failed
// (AbstractCoordinator.checkAndGetCoordinator). It is looked for again at once, or, when it was found
// and could not be reached at all, after a back-off (ensureCoordinatorReady).
func (c *Consumer) checkCoordinator() {
	g := &c.group
	if now := c.proc.Now(); g.link != nil && g.link.state == linkDown && now < g.link.retryAt {
		c.coordinatorLost(true)
		if g.reached {
			return
		}
		g.retryAt = now + c.cfg.net.retry.draw(c.net.rnd, g.findFailed)
		g.findFailed++
		c.net.need(g.retryAt)
	}
}

// findCoordinator asks any broker for the coordinator.
func (c *Consumer) findCoordinator() {
	g := &c.group
	now := c.proc.Now()
	if g.finding || !c.net.meta.known {
		return
	}
	if now < g.retryAt {
		c.net.need(g.retryAt)
		return
	}
	l := c.net.anyUsable(now)
	if l == nil {
		return
	}
	g.finding = true
	c.net.send(l, callFindCoordinator, &wire.FindCoordinatorRequest{ReqHeader: c.net.header(), Group: c.cfg.group}, c.cfg.net.requestTimeout)
}

// coordinatorIDs are set apart from brokers (AbstractCoordinator: Integer.MAX_VALUE - node id).
const coordinatorIDs = 1<<31 - 1

func (c *Consumer) foundCoordinator(resp wire.Response, err wire.Error) {
	g := &c.group
	g.finding = false
	if resp != nil {
		r := resp.(*wire.FindCoordinatorResponse)
		err = r.Err
		if h := c.proc.W.HostNamed(r.Node.Host); err == wire.None && h != nil {
			id := coordinatorIDs - r.Node.ID
			g.link = c.net.link(id)
			if g.link == nil {
				g.link = c.net.add(id, h)
			}
			g.link.listed = false // not for requests that any broker can answer
			g.expireAt = c.proc.Now() + c.cfg.sessionTimeout
			g.reached = c.net.reach(g.link)
			return
		}
	}
	c.net.wantMetadata()
	g.retryAt = c.proc.Now() + c.cfg.net.retry.draw(c.net.rnd, g.findFailed)
	g.findFailed++
	c.net.need(g.retryAt)
}

// coordinatorError says that an error means that the coordinator is somewhere else or unreachable.
func (c *Consumer) coordinatorError(e wire.Error, disconnected bool) bool {
	return disconnected || e == wire.NotCoordinator || e == wire.CoordinatorNotAvailable
}

// coordinatorLost is AbstractCoordinator.markCoordinatorUnknown.
func (c *Consumer) coordinatorLost(disconnected bool) {
	g := &c.group
	l := g.link
	if l == nil {
		return
	}
	g.link = nil
	if !disconnected && l.conn != nil {
		l.conn.Close()
		c.net.down(l, false)
	}
	c.net.need(c.proc.Now())
}

// takePart is ConsumerCoordinator.poll: join if need be. It reports whether the member is settled in its
// group.
func (c *Consumer) takePart(now sim.Time) bool {
	g := &c.group
	if g.state == memberStable && !g.rejoin {
		return true
	}
	if g.joins() {
		return false
	}
	if !c.net.meta.known || c.net.meta.topic(c.topic).parts == nil {
		return false // nothing to assign yet
	}
	l := c.coordinator()
	if l == nil {
		return false
	}
	if now < g.retryAt {
		c.net.need(g.retryAt)
		return false
	}
	if !g.prepared {
		// ConsumerCoordinator.onJoinPrepare: a member commits; an eager one then gives up all it has, a
		// cooperative one goes on reading it, unless the group has forgotten it.
		if !c.commitForRebalance(now) {
			return false
		}
		if !c.cfg.cooperative || g.generation < 0 || g.member == "" {
			c.revoke()
		}
		g.prepared = true
	}
	c.join(l)
	return false
}

// revoke gives up the assignment.
func (c *Consumer) revoke() {
	for _, p := range c.parts {
		p.gone = true
	}
	c.parts = c.parts[:0]
	c.assignment++
	c.dropBuffers()
	c.commits.dirty = false
}

func (c *Consumer) dropBuffers() {
	for i := c.head; i < len(c.buffers); i++ {
		c.buffers[i].p.buffered = false
		c.buffers[i] = buffer{}
	}
	c.buffers, c.head = c.buffers[:0], 0
}

// join sends JoinGroup; the coordinator may hold it for as long as a rebalance takes.
func (c *Consumer) join(l *link) {
	g := &c.group
	g.state, g.rejoin = memberJoining, false
	req := &wire.JoinGroupRequest{
		ReqHeader: c.net.header(), Group: c.cfg.group, Member: g.member, Instance: c.cfg.instance,
		SessionTimeoutMs:   int32(c.cfg.sessionTimeout / sim.Millisecond),
		RebalanceTimeoutMs: int32(c.cfg.maxPollInterval / sim.Millisecond),
	}
	own := c.owned()
	for _, a := range c.cfg.assignors {
		req.Protocols = append(req.Protocols, wire.Protocol{Name: a.name, Metadata: subscription(c.topic, a.userData(g.last), own, c.cfg.rack)})
	}
	c.net.send(l, callJoin, req, max(c.cfg.net.requestTimeout, c.cfg.maxPollInterval+5*sim.Second))
}

// owned is what the member has at this moment; an eager one has given it up before it joins.
func (c *Consumer) owned() ownership {
	own := ownership{generation: c.group.generation}
	for _, p := range c.parts {
		own.shares = add(own.shares, c.topic, p.index)
	}
	return own
}

// again leaves the present try to join: at once, or after a back-off.
func (c *Consumer) again(wait bool) {
	g := &c.group
	g.state, g.rejoin, g.response = memberOut, true, nil
	g.share, g.given = nil, false
	if wait {
		g.retryAt = c.proc.Now() + c.cfg.net.retry.draw(c.net.rnd, g.joinFailed)
		g.joinFailed++
		c.net.need(g.retryAt)
	}
}

// forgetGeneration is resetStateOnResponseError: the group knows this member no more.
func (c *Consumer) forgetGeneration(e wire.Error) {
	g := &c.group
	g.generation = -1
	if e != wire.IllegalGeneration {
		g.member = ""
	}
	if c.cfg.cooperative {
		g.prepared = false // what it still reads is lost to it
	}
}

// fatal: poll() throws, and the application cannot go on with this consumer
// (FencedInstanceIdException, InconsistentGroupProtocolException).
func (c *Consumer) fatal(e wire.Error) {
	c.proc.Probe("kafka-consumer-fatal")
	c.proc.Emit("consumer-stuck", c.topic, e.String())
	c.stopping = true
	c.revoke()
	c.net.close()
	c.proc.Exit()
}

// joined is JoinGroupResponseHandler.
func (c *Consumer) joined(resp wire.Response, err wire.Error) {
	g := &c.group
	if g.state != memberJoining {
		return
	}
	if resp == nil {
		c.coordinatorLost(true)
		c.again(true)
		return
	}
	r := resp.(*wire.JoinGroupResponse)
	switch r.Err {
	case wire.None:
	case wire.MemberIDRequired:
		g.member = r.Member // KIP-394: join again under the name that was given
		c.again(false)
		return
	case wire.UnknownMemberID, wire.IllegalGeneration:
		c.forgetGeneration(r.Err)
		c.again(false)
		return
	case wire.RebalanceInProgress:
		c.again(false)
		return
	case wire.FencedInstanceID, wire.InconsistentGroupProtocol:
		c.fatal(r.Err)
		return
	default:
		if c.coordinatorError(r.Err, false) {
			c.coordinatorLost(false)
		}
		c.again(true)
		return
	}
	now := c.proc.Now()
	g.member, g.generation, g.protocol = r.Member, r.Generation, r.Protocol
	g.joinFailed, g.beating = 0, false
	g.beatAt, g.expireAt = now+c.cfg.heartbeat, now+c.cfg.sessionTimeout
	c.net.need(g.beatAt)
	if r.Leader == r.Member && !r.SkipAssignment {
		g.state, g.response = memberAssigning, r
		c.finishAssigning()
		return
	}
	c.sync(nil)
}

// finishAssigning is onLeaderElected: the group's leader needs the metadata of every topic that some
// member reads before it can assign.
func (c *Consumer) finishAssigning() {
	g := &c.group
	if g.state != memberAssigning || g.response == nil {
		return
	}
	missing := false
	for i := range g.response.Members {
		for _, t := range subscribedTopics(g.response.Members[i].Metadata) {
			m := c.net.meta.topic(t)
			if m == nil {
				c.net.meta.topics = append(c.net.meta.topics, topicMeta{name: t})
				missing = true
			} else if m.parts == nil {
				missing = true
			}
		}
	}
	if missing {
		c.net.meta.equivalent = 0
		c.net.wantMetadata()
		return
	}
	members := g.response.Members
	g.response = nil
	a := assignorNamed(g.protocol)
	if a == nil {
		panic("kafka client: the coordinator chose an assignor that no member has named: " + g.protocol)
	}
	c.sync(assignAll(a, members, func(topic string) int { return len(c.net.meta.topic(topic).parts) }))
}

func (c *Consumer) sync(shares []wire.Assignment) {
	g := &c.group
	l := g.link
	if l == nil || !c.net.usable(l) {
		c.again(true)
		return
	}
	g.state = memberSyncing
	req := &wire.SyncGroupRequest{ReqHeader: c.net.header(), Group: c.cfg.group, Generation: g.generation,
		Member: g.member, Instance: c.cfg.instance, Protocol: g.protocol, Assignments: shares}
	call := c.net.send(l, callSync, req, c.cfg.net.requestTimeout)
	call.arg = int64(g.generation)
}

// synced is SyncGroupResponseHandler.
func (c *Consumer) synced(call *call, resp wire.Response, err wire.Error) {
	g := &c.group
	if g.state != memberSyncing || call.arg != int64(g.generation) {
		return
	}
	if resp == nil {
		c.coordinatorLost(true)
		c.again(true)
		return
	}
	r := resp.(*wire.SyncGroupResponse)
	switch r.Err {
	case wire.None:
	case wire.RebalanceInProgress:
		c.again(false)
		return
	case wire.UnknownMemberID, wire.IllegalGeneration:
		c.forgetGeneration(r.Err)
		c.again(false)
		return
	case wire.FencedInstanceID:
		c.fatal(r.Err)
		return
	default:
		if c.coordinatorError(r.Err, false) {
			c.coordinatorLost(false)
		}
		c.again(true)
		return
	}
	g.state, g.prepared = memberStable, false
	g.share, g.given = decodeAssignment(r.Data, c.topic), true // the next poll() takes it over
}

// assign takes over the share (ConsumerCoordinator.onJoinComplete, inside poll()). A cooperative member keeps reading
// what stays its own; if it has to give something up it does that now and joins again, so that the next
// rebalance can hand it on.
func (c *Consumer) assign() {
	parts, revoked := c.group.share, false
	c.group.share, c.group.given = nil, false
	for _, p := range c.parts {
		if !slices.Contains(parts, p.index) {
			revoked = true
		}
	}
	if revoked && !c.cfg.autoCommit && c.cfg.ack == models.AckAfter && c.uncommitted() {
		// commitSync in onPartitionsRevoked: this answer comes before anything that the coordinator says
		// to the next JoinGroup, which goes the same way, so that nobody needs to wait for it here.
		c.commit()
	}
	kept := c.parts
	c.parts = nil
	c.assignment++
	text := ""
	for i, index := range parts {
		p := keptPart(kept, index)
		if p == nil {
			p = &assigned{index: index, epoch: -1, leader: -1, leaderEpoch: -1, committed: -1}
		}
		p.asking = false // the answer is for the assignment before
		c.parts = append(c.parts, p)
		if i > 0 {
			text += ","
		}
		text += strconv.Itoa(int(index))
	}
	for _, p := range kept {
		p.gone = c.part(p.index) != p
	}
	c.group.last = ownership{generation: c.group.generation}
	for _, p := range c.parts {
		c.group.last.shares = add(c.group.last.shares, c.topic, p.index)
	}
	c.commits.nextAuto = c.proc.Now() + c.cfg.autoInterval
	c.proc.Emit("consumer-assigned", c.topic, "group "+c.cfg.group+" generation "+strconv.Itoa(int(c.group.generation))+
		": partitions ["+text+"]")
	if revoked {
		c.requestRejoin()
	}
}

func keptPart(list []*assigned, index int32) *assigned {
	for _, p := range list {
		if p.index == index {
			return p
		}
	}
	return nil
}

// beat is the heartbeat thread.
func (c *Consumer) beat(now sim.Time) {
	g := &c.group
	if !g.beats() {
		return
	}
	c.checkCoordinator()
	switch {
	case g.link == nil:
		c.findCoordinator()
		return
	case now >= g.expireAt:
		c.coordinatorLost(false) // no answer to heartbeats for session.timeout.ms
		return
	case c.outstanding > 0 && now >= c.lastPoll+c.cfg.maxPollInterval:
		c.proc.Probe("kafka-consumer-poll-timeout")
		c.leave()
		c.forgetGeneration(wire.UnknownMemberID)
		g.state, g.rejoin, g.prepared = memberOut, true, false
		return
	}
	c.net.need(g.expireAt)
	if c.outstanding > 0 {
		c.net.need(c.lastPoll + c.cfg.maxPollInterval)
	}
	if g.beating {
		return
	}
	if now < g.beatAt {
		c.net.need(g.beatAt)
		return
	}
	if !c.net.reach(g.link) {
		return // the alarm of the link's back-off or its answer comes back here
	}
	g.beating = true
	g.beatAt = now + c.cfg.heartbeat
	c.net.need(g.beatAt)
	call := c.net.send(g.link, callHeartbeat, &wire.HeartbeatRequest{ReqHeader: c.net.header(), Group: c.cfg.group,
		Generation: g.generation, Member: g.member, Instance: c.cfg.instance}, c.cfg.net.requestTimeout)
	call.arg = int64(g.generation)
}

// beaten is HeartbeatResponseHandler.
func (c *Consumer) beaten(call *call, resp wire.Response, err wire.Error) {
	g := &c.group
	g.beating = false
	if resp == nil {
		c.coordinatorLost(true)
		g.beatAt = c.proc.Now() + c.cfg.net.retry.first
		c.net.need(g.beatAt)
		return
	}
	c.net.need(g.beatAt)
	e := resp.(*wire.HeartbeatResponse).Err
	if call.arg != int64(g.generation) {
		return
	}
	switch {
	case e == wire.None:
		g.expireAt = c.proc.Now() + c.cfg.sessionTimeout
	case e == wire.RebalanceInProgress:
		g.expireAt = c.proc.Now() + c.cfg.sessionTimeout
		if g.state == memberStable {
			c.requestRejoin()
		}
	case e == wire.FencedInstanceID:
		c.fatal(e)
	case e == wire.IllegalGeneration || e == wire.UnknownMemberID:
		c.forgetGeneration(e)
		c.requestRejoin()
	case c.coordinatorError(e, false):
		c.coordinatorLost(false)
		g.beatAt = c.proc.Now() + c.cfg.net.retry.first
		c.net.need(g.beatAt)
	default:
		g.beatAt = c.proc.Now() + c.cfg.net.retry.first
		c.net.need(g.beatAt)
	}
}

// requestRejoin: the next poll joins again.
func (c *Consumer) requestRejoin() {
	g := &c.group
	if g.state == memberStable {
		g.state, g.prepared = memberOut, false
	}
	g.rejoin = true
	g.retryAt = 0
}

// leave is maybeLeaveGroup: nobody waits for the answer. A static member does not leave: its session
// may end, or it comes back before that and nothing has happened (KIP-345).
func (c *Consumer) leave() {
	g := &c.group
	if c.cfg.instance != "" || g.link == nil || g.member == "" || !c.net.usable(g.link) {
		return
	}
	c.net.send(g.link, callLeave, &wire.LeaveGroupRequest{ReqHeader: c.net.header(), Group: c.cfg.group, Member: g.member}, c.cfg.net.requestTimeout)
}
