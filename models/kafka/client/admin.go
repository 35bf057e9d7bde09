package client

import (
	"errors"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// adminTimeout is default.api.timeout.ms of the admin client.
const adminTimeout = 60 * sim.Second

// adminRequestTimeout is its request.timeout.ms.
const adminRequestTimeout = 30 * sim.Second

// ErrAdminTimeout ends an operation that found no broker to answer it within default.api.timeout.ms.
var ErrAdminTimeout = errors.New("TimeoutException: no answer within default.api.timeout.ms (60 s)")

// Admin is the admin client of an operator: it does one operation after the other, at the controller or
// at a group's coordinator, and retries what is retriable (KafkaAdminClient).
type Admin struct {
	cluster *Cluster
	proc    *sim.Proc
	net     network
	cfg     netConfig
	queue   []*task
}

// task is one operation.
type task struct {
	group    string // at this group's coordinator; "": at the controller
	build    func(h wire.ReqHeader) wire.Request
	done     func(resp wire.Response, err error)
	outcome  func(resp wire.Response) wire.Error // what the answer says of the whole
	link     *link                               // the coordinator, once found
	begun    sim.Time
	inFlight bool
	failed   int
	retryAt  sim.Time
}

// NewAdmin makes an admin client.
func NewAdmin(c *Cluster, name string) *Admin {
	return &Admin{cluster: c, cfg: netConfig{
		client: name, requestTimeout: adminRequestTimeout, metadataMaxAge: 5 * sim.Minute, maxInFlight: 1,
		retry:     backoff{first: 100 * sim.Millisecond, most: sim.Second, jitter: jitter},
		reconnect: backoff{first: 50 * sim.Millisecond, most: sim.Second, jitter: jitter},
		setup:     backoff{first: 10 * sim.Second, most: 30 * sim.Second, jitter: jitter},
	}}
}

// Boot starts the library.
func (a *Admin) Boot(p *sim.Proc) {
	a.proc = p
	a.net.boot(p, &a.cfg, a, a.cluster.bootstrap(0, "", false), nil)
}

// Ready says that the client knows the controller.
func (a *Admin) Ready() bool { return a.net.meta.known && a.net.link(a.net.meta.controller) != nil }

// Brokers is the number of live brokers that the newest metadata lists; asking refreshes it.
func (a *Admin) Brokers() int {
	n := 0
	for _, l := range a.net.links {
		if l.listed && l.id >= 0 {
			n++
		}
	}
	a.net.wantMetadata()
	return n
}

// CreateTopics creates topics at the controller.
func (a *Admin) CreateTopics(topics []wire.NewTopic, done func(error)) {
	a.add(&task{
		build: func(h wire.ReqHeader) wire.Request {
			return &wire.CreateTopicsRequest{ReqHeader: h, TimeoutMs: int32(adminRequestTimeout / sim.Millisecond), Topics: topics}
		},
		outcome: func(resp wire.Response) wire.Error {
			for _, t := range resp.(*wire.CreateTopicsResponse).Topics {
				if t.Err != wire.None && t.Err != wire.TopicAlreadyExists {
					return t.Err
				}
			}
			return wire.None
		},
		done: func(_ wire.Response, err error) { done(err) },
	})
}

// Commit commits offsets for a group that has no members (alterConsumerGroupOffsets).
func (a *Admin) Commit(group string, parts []wire.CommitPart, done func(error)) {
	a.add(&task{
		group: group,
		build: func(h wire.ReqHeader) wire.Request {
			return &wire.OffsetCommitRequest{ReqHeader: h, Group: group, Generation: -1, Parts: append([]wire.CommitPart(nil), parts...)}
		},
		outcome: func(resp wire.Response) wire.Error {
			for _, p := range resp.(*wire.OffsetCommitResponse).Parts {
				if p.Err != wire.None {
					return p.Err
				}
			}
			return wire.None
		},
		done: func(_ wire.Response, err error) { done(err) },
	})
}

// ElectLeaders runs a preferred or unclean election; nil parts mean every partition. done gets the
// answer of each partition.
func (a *Admin) ElectLeaders(kind int8, parts []wire.TopicPartition, done func([]wire.PartError, error)) {
	a.add(&task{
		build: func(h wire.ReqHeader) wire.Request {
			return &wire.ElectLeadersRequest{ReqHeader: h, Type: kind, TimeoutMs: int32(adminTimeout / sim.Millisecond),
				All: parts == nil, Parts: append([]wire.TopicPartition(nil), parts...)}
		},
		outcome: func(resp wire.Response) wire.Error { return resp.(*wire.ElectLeadersResponse).Err },
		done: func(resp wire.Response, err error) {
			if err != nil {
				done(nil, err)
				return
			}
			done(resp.(*wire.ElectLeadersResponse).Parts, nil)
		},
	})
}

// AlterConfigs changes settings of a topic, or with topic "" of a broker, -1 for all of them.
func (a *Admin) AlterConfigs(topic string, broker int32, settings []wire.Setting, done func(error)) {
	a.add(&task{
		build: func(h wire.ReqHeader) wire.Request {
			return &wire.AlterConfigsRequest{ReqHeader: h, Topic: topic, Broker: broker, Configs: settings}
		},
		outcome: func(resp wire.Response) wire.Error { return resp.(*wire.AlterConfigsResponse).Err },
		done:    func(_ wire.Response, err error) { done(err) },
	})
}

// Reassign gives a partition other replicas (kafka-reassign-partitions --execute); done is told when the
// controller has begun.
func (a *Admin) Reassign(tp wire.TopicPartition, replicas []int32, done func(error)) {
	a.add(&task{
		build: func(h wire.ReqHeader) wire.Request {
			return &wire.AlterReassignmentsRequest{ReqHeader: h, TimeoutMs: int32(adminTimeout / sim.Millisecond),
				Parts: []wire.Reassignment{{TopicPartition: tp, Replicas: replicas}}}
		},
		outcome: func(resp wire.Response) wire.Error {
			r := resp.(*wire.AlterReassignmentsResponse)
			if r.Err != wire.None {
				return r.Err
			}
			return r.Parts[0].Err
		},
		done: func(_ wire.Response, err error) { done(err) },
	})
}

func (a *Admin) add(t *task) {
	t.begun = a.proc.Now()
	a.queue = append(a.queue, t)
	a.net.need(a.proc.Now())
	a.net.need(t.begun + adminTimeout)
}

// step goes on with the operation at the head of the queue.
func (a *Admin) step() {
	for len(a.queue) > 0 {
		t := a.queue[0]
		now := a.proc.Now()
		if now >= t.begun+adminTimeout {
			a.finish(t, nil, ErrAdminTimeout)
			continue
		}
		a.net.need(t.begun + adminTimeout)
		if t.inFlight || !a.net.meta.known {
			return
		}
		if now < t.retryAt {
			a.net.need(t.retryAt)
			return
		}
		a.try(t, now)
		return
	}
}

// try sends the head's request, or what it needs first.
func (a *Admin) try(t *task, now sim.Time) {
	if t.group == "" {
		l := a.net.link(a.net.meta.controller)
		if l == nil || !l.listed {
			a.retry(t)
			return
		}
		if a.net.reach(l) {
			t.inFlight = true
			a.net.send(l, callAdmin, t.build(a.net.header()), adminRequestTimeout)
		}
		return
	}
	if t.link == nil {
		if l := a.net.anyUsable(now); l != nil {
			t.inFlight = true
			a.net.send(l, callFindCoordinator, &wire.FindCoordinatorRequest{ReqHeader: a.net.header(), Group: t.group}, adminRequestTimeout)
		}
		return
	}
	if a.net.reach(t.link) {
		t.inFlight = true
		a.net.send(t.link, callAdmin, t.build(a.net.header()), adminRequestTimeout)
	}
}

// retry tries the head again after a back-off, with fresh metadata.
func (a *Admin) retry(t *task) {
	t.inFlight, t.link = false, nil
	t.retryAt = a.proc.Now() + a.cfg.retry.draw(a.net.rnd, t.failed)
	t.failed++
	a.net.need(t.retryAt)
	a.net.wantMetadata()
}

func (a *Admin) finish(t *task, resp wire.Response, err error) {
	a.queue = a.queue[1:]
	t.done(resp, err)
}

func (a *Admin) answered(l *link, c *call, resp wire.Response, err wire.Error) {
	if len(a.queue) == 0 || !a.queue[0].inFlight {
		return
	}
	t := a.queue[0]
	t.inFlight = false
	switch {
	case resp == nil:
		a.retry(t)
	case c.kind == callFindCoordinator:
		r := resp.(*wire.FindCoordinatorResponse)
		if r.Err != wire.None || a.net.link(r.Node.ID) == nil {
			a.retry(t)
			break
		}
		t.link = a.net.link(r.Node.ID)
	default:
		e := t.outcome(resp)
		switch {
		case e == wire.None:
			a.finish(t, resp, nil)
		case e.Retriable():
			a.retry(t)
		default:
			a.finish(t, resp, errors.New(e.String()))
		}
	}
	a.step()
}

func (a *Admin) metadataChanged()      { a.step() }
func (a *Admin) connected(l *link)     { a.step() }
func (a *Admin) deadline(now sim.Time) { a.step() }

// Timer runs the alarm.
func (a *Admin) Timer(kind uint16, arg uint32) {
	if kind == timerAlarm {
		a.net.alarmed()
	}
}

// Accept is never called: clients do not listen.
func (a *Admin) Accept(*sim.Conn) {}

// Connected is the answer to Dial.
func (a *Admin) Connected(c *sim.Conn, err error) { a.net.connectedTo(c, err) }

// Receive takes an answer.
func (a *Admin) Receive(c *sim.Conn, m any) { a.net.receive(c, m) }

// Closed is the end of a connection.
func (a *Admin) Closed(c *sim.Conn, why sim.CloseReason) { a.net.closed(c) }

// Synced is never called: clients have no files.
func (a *Admin) Synced(uint32, error) {}

// Stop ends the client.
func (a *Admin) Stop() { a.proc.Exit() }
