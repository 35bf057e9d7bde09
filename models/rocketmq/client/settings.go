package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// netConfig is what an instance is configured with.
type netConfig struct {
	namesrv   []*sim.Host // the first is the one that is tried first
	poll      sim.Time    // pollNameServerInterval
	heartbeat sim.Time    // heartbeatBrokerInterval
	connect   sim.Time    // connectTimeoutMillis
	slowFIN   bool        // fin-not-failed-fast
	greets    bool        // a heartbeat follows each new connection to a broker (#7324)
}

func readNet(cl *Cluster, r *models.Resolved, s models.Section, k int, at string, stay bool) netConfig {
	return netConfig{
		namesrv: nameservers(cl, k, at, stay), poll: r.Time(s, "pollNameServerInterval"),
		heartbeat: r.Time(s, "heartbeatBrokerInterval"), connect: r.Time(s, "connectTimeoutMillis"),
		slowFIN: r.Quirk("fin-not-failed-fast"), greets: r.AtLeast("5.1.4"),
	}
}

// nameservers is the list in the order in which client number k tries them: its own first (the Java
// client draws where it begins), or the one that the scenario names.
func nameservers(cl *Cluster, k int, at string, stay bool) []*sim.Host {
	n := len(cl.Namesrv)
	first := k % n
	for i, h := range cl.Namesrv {
		if h.Name == at {
			if stay {
				return []*sim.Host{h}
			}
			first = i
		}
	}
	return append(append([]*sim.Host(nil), cl.Namesrv[first:]...), cl.Namesrv[:first]...)
}

// producerConfig is DefaultMQProducer's.
type producerConfig struct {
	net           netConfig
	timeout       sim.Time // sendMsgTimeout
	perRequest    sim.Time // sendMsgMaxTimeoutPerRequest; 0: none
	retries       int      // retryTimesWhenSendFailed
	asyncRetries  int      // retryTimesWhenSendAsyncFailed
	retryNotOK    bool     // retryAnotherBrokerWhenNotStoreOK
	latencyFaults bool     // sendLatencyFaultEnable
	waitStore     bool     // property WAIT
	tags          string   // property TAGS
	maxSize       uint32   // maxMessageSize
	sync, oneWay  bool
	retryBusy     bool // SYSTEM_BUSY is among the codes that are retried
	isolation     *isolation
	batchSize     int      // messages of a send(Collection)
	autoBatch     bool     // autoBatch
	batchDelay    sim.Time // batchMaxDelayMs
	batchBytes    int64    // batchMaxBytes
}

func readProducer(cl *Cluster, spec *models.ProducerSpec) producerConfig {
	const s = models.ProducerSection
	r := spec.Set
	c := producerConfig{
		net:     readNet(cl, r, s, spec.Index, spec.At, spec.Stay),
		timeout: r.Time(s, "sendMsgTimeout"), retries: int(r.Int(s, "retryTimesWhenSendFailed")),
		asyncRetries: int(r.Int(s, "retryTimesWhenSendAsyncFailed")), retryNotOK: r.Bool(s, "retryAnotherBrokerWhenNotStoreOK"),
		latencyFaults: r.Bool(s, "sendLatencyFaultEnable"), waitStore: r.Bool(s, "waitStoreMsgOK"), tags: r.Str(s, "tags"),
		maxSize: uint32(r.Int(s, "maxMessageSize")), sync: spec.Sync, oneWay: spec.OneWay,
		retryBusy: !r.Quirk("busy-not-retried"), isolation: &slowIsolation,
	}
	if r.Has(s, "batchSize") {
		c.batchSize = int(r.Int(s, "batchSize"))
	}
	if r.Has(s, "autoBatch") {
		c.autoBatch, c.batchDelay, c.batchBytes = r.Bool(s, "autoBatch"), r.Time(s, "batchMaxDelayMs"), r.Int(s, "batchMaxBytes")
	}
	if r.AtLeast("5.1.4") {
		c.isolation = &quickIsolation
	}
	if r.Has(s, "sendMsgMaxTimeoutPerRequest") {
		c.perRequest = max(r.Time(s, "sendMsgMaxTimeoutPerRequest"), 0)
	}
	if !r.Quirk("timeout-eats-retries") && c.perRequest == 0 {
		c.perRequest = c.timeout / sim.Time(1+c.retries)
	}
	if spec.Heartbeat > 0 {
		c.net.heartbeat = spec.Heartbeat
	}
	return c
}

// consumerConfig is DefaultMQPushConsumer's.
type consumerConfig struct {
	net        netConfig
	ack        models.AckMode
	orderly    bool
	fromFirst  bool // consumeFromWhere
	batch      int32
	interval   sim.Time
	threshold  int
	sizeLimit  int64 // bytes
	span       int64
	exception  sim.Time
	suspend    int32 // ms
	timeout    sim.Time
	commit     sim.Time
	rebalance  sim.Time
	lockEvery  sim.Time
	lockLive   sim.Time
	lockMaster bool // only a master gives locks
	expression string
	tags       []string // of expression; none: all
	suspendFor sim.Time
	maxRetries int32
}

func readConsumer(cl *Cluster, spec *models.ConsumerSpec) consumerConfig {
	const s = models.ConsumerSection
	r := spec.Set
	return consumerConfig{
		net: readNet(cl, r, s, spec.Index, spec.At, spec.Stay), ack: spec.Ack, orderly: spec.Orderly,
		fromFirst: r.Str(s, "consumeFromWhere") == "CONSUME_FROM_FIRST_OFFSET", batch: int32(r.Int(s, "pullBatchSize")),
		interval: r.Time(s, "pullInterval"), threshold: int(r.Int(s, "pullThresholdForQueue")),
		sizeLimit: r.Int(s, "pullThresholdSizeForQueue") << 20, span: r.Int(s, "consumeConcurrentlyMaxSpan"),
		exception: r.Time(s, "pullTimeDelayMillsWhenException"), suspend: int32(r.Int(s, "brokerSuspendMaxTimeMillis")),
		timeout: r.Time(s, "consumerTimeoutMillisWhenSuspend"), commit: r.Time(s, "persistConsumerOffsetInterval"),
		rebalance: r.Time(s, "rebalanceWaitInterval"), lockEvery: r.Time(s, "rebalanceLockInterval"),
		lockLive: r.Time(s, "rebalanceLockMaxLiveTime"), suspendFor: r.Time(s, "suspendCurrentQueueTimeMillis"),
		maxRetries: int32(r.Int(s, "maxReconsumeTimes")), lockMaster: r.Quirk("orderly-needs-master"),
		expression: r.Str(s, "subExpression"), tags: wire.Tags(r.Str(s, "subExpression")),
	}
}
