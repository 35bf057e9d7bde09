package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Timer kinds of a consumer.
const (
	timerRebalance = timerLibrary + iota // RebalanceService.run
	timerCommit                          // persistAllConsumerOffset
	timerLock                            // lockMQPeriodically of an orderly consumer
	timerPull                            // executePullRequestLater
	timerFix                             // a queue whose offset was illegal is released
	timerResume                          // an orderly queue tries again
	timerBack                            // a failed message is processed again
)

// Pauses of DefaultMQPushConsumerImpl.java and its consume services.
const (
	flowControlPause = 50 * sim.Millisecond // PULL_TIME_DELAY_MILLS_WHEN_CACHE_FLOW_CONTROL
	illegalPause     = 10 * sim.Second
	pullExpiry       = 120 * sim.Second // ProcessQueue.PULL_MAX_IDLE_TIME
	backTimeout      = 5 * sim.Second   // of CONSUMER_SEND_MSG_BACK
	backAgain        = 5 * sim.Second   // submitConsumeRequestLater
	relockPause      = 3 * sim.Second   // tryLockLaterAndReconsume after a lock that failed
)

// RetryTopic is where a group's failed messages go (MixAll.getRetryTopic).
func RetryTopic(group string) string { return "%RETRY%" + group }

// Topics of a consumer's instance.
const (
	ownTopic = iota
	retryTopic
)

// Consumer is one incarnation of a Java push consumer: DefaultMQPushConsumerImpl with RebalancePushImpl,
// RemoteBrokerOffsetStore and a consume service.
type Consumer struct {
	cluster *Cluster
	spec    *models.ConsumerSpec
	sink    models.ConsumerSink
	cfg     consumerConfig
	proc    *sim.Proc
	net     instance

	queues   []*queue // by slot; nil: released
	balance  rebalance
	starting int // answers to the first heartbeats that are still to come
	begun    bool

	token   uint64
	given   []given // handed over and not processed, in order
	head    int
	cursor  store.Cursor
	bodies  []sim.Ref
	failed  []failedMessage // by slot
	freeOut []uint32
}

// given is a message that the application has.
type given struct {
	token   uint64
	q       *queue
	offset  int64
	record  int64 // physical offset of its record
	size    uint32
	retries int32
	body    sim.Ref
}

// failedMessage is a message that the application could not process and that no broker has taken back.
type failedMessage struct {
	g    given
	live bool
}

// NewConsumer makes a consumer that joins its group when it boots.
func NewConsumer(c *Cluster, spec *models.ConsumerSpec, sink models.ConsumerSink) *Consumer {
	return &Consumer{cluster: c, spec: spec, sink: sink, cfg: readConsumer(c, spec)}
}

// Boot starts the library: routes, then a heartbeat to every broker, then the first rebalance
// (DefaultMQPushConsumerImpl.start).
func (c *Consumer) Boot(p *sim.Proc) {
	c.proc = p
	c.net.group, c.net.filter = c.spec.Group, c.cfg.expression
	c.net.boot(p, c.cluster, &c.cfg.net, c, []string{c.cluster.Topics[c.spec.Stream], RetryTopic(c.spec.Group)})
	p.Every(c.cfg.rebalance, timerRebalance, 0)
	p.Every(c.cfg.commit, timerCommit, 0)
	if c.cfg.orderly {
		p.Every(c.cfg.lockEvery, timerLock, 0)
	}
}

// Ready says that the consumer has its assignment and knows where to read.
func (c *Consumer) Ready() bool { return c.balance.done && !c.balance.running }

// Timer runs the library.
func (c *Consumer) Timer(kind uint16, arg uint32) {
	if c.net.timer(kind) {
		return
	}
	switch kind {
	case timerRebalance:
		c.rebalance()
	case timerCommit:
		c.commitAll()
	case timerLock:
		c.lockAll()
	case timerPull:
		if q := c.queues[arg]; q != nil {
			c.pull(q)
		}
	case timerFix:
		c.fixOffset(arg)
	case timerResume:
		if q := c.queues[arg]; q != nil {
			c.goOn(q)
		}
	case timerBack:
		c.redo(arg)
	}
}

// Accept is never called: clients do not listen.
func (c *Consumer) Accept(*sim.Conn) {}

// Connected is the answer to Dial.
func (c *Consumer) Connected(conn *sim.Conn, err error) { c.net.connectedTo(conn, err) }

// Receive takes an answer or a notice.
func (c *Consumer) Receive(conn *sim.Conn, m any) { c.net.receive(conn, m) }

// Closed is the end of a connection.
func (c *Consumer) Closed(conn *sim.Conn, why sim.CloseReason) { c.net.closed(conn, why) }

// Synced is never called: clients have no files.
func (c *Consumer) Synced(uint32, error) {}

// Stop is shutdown: offsets are committed, locks given back, and the brokers told.
func (c *Consumer) Stop() {
	c.commitAll()
	for _, q := range c.queues {
		if q != nil && q.locked {
			c.unlock(q)
		}
	}
	c.net.close()
	c.proc.Exit()
}

// notified: rebalanceImmediately.
func (c *Consumer) notified() { c.rebalance() }

// connected: MQClientInstance.onChannelActive@5.1.4 greets a broker as soon as a connection stands, so
// that one which was started anew knows the group before its next pull. Earlier clients leave that to the
// heartbeat, every 30 s.
func (c *Consumer) connected(r *remote) {
	if c.cfg.net.greets && c.begun && c.starting == 0 && c.net.addressed(r.host.Name) {
		c.net.greet(r, greeting)
	}
}

// greeting marks the answer to such a heartbeat, which begins a rebalance.
const greeting = 1

func (c *Consumer) wantsRoute(int) bool { return false }

// routeTaken: when every topic was asked for once, the client greets the brokers. The retry topic may
// not exist before that.
func (c *Consumer) routeTaken(t int, known, changed bool) {
	if c.begun || c.net.topics[ownTopic].route == nil || c.net.topics[retryTopic].asking {
		return
	}
	c.begun = true
	if c.starting = c.net.heartbeat(); c.starting == 0 {
		c.rebalance()
	}
}

// ended dispatches the ends of calls.
func (c *Consumer) ended(r *remote, k call, resp wire.Response, how failure) {
	switch k.kind {
	case callHeartbeat:
		if k.arg == greeting {
			if how == answered {
				c.rebalance()
			}
			return
		}
		if c.starting > 0 {
			if c.starting--; c.starting == 0 {
				c.rebalance()
			}
		}
	case callConsumerList:
		c.gotMembers(int(k.arg), resp)
	case callQueryOffset:
		c.gotOffset(c.queues[k.arg], resp)
	case callMaxOffset:
		c.gotMaxOffset(c.queues[k.arg], resp)
	case callLock:
		c.gotLock(k, resp)
	case callPull:
		c.pulled(c.queues[k.arg], resp, how)
	case callSendBack:
		c.sentBack(k, resp)
	case callSend:
		c.resent(k, resp)
	}
}
