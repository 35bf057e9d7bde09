package client

import (
	"math"
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/mqsim/mqsim/sim"
)

// netConfig is what NetworkClient and Metadata take from a client's settings.
type netConfig struct {
	client         string // client.id
	requestTimeout sim.Time
	metadataMaxAge sim.Time
	maxInFlight    int // per connection; the consumer's is 100
	retry          backoff
	reconnect      backoff
	setup          backoff
	retryHint      bool // KIP-951
	ownTimeout     bool // since 3.6 what the client's own timer ended is REQUEST_TIMED_OUT
}

// jitter is the random part of every back-off, in percent (CommonClientConfigs,
// ClusterConnectionStates).
const jitter = 20

// tcpConnect is longer than TCP tries: 127 s.
const tcpConnect = 130 * sim.Second

func readNet(r *models.Resolved, s models.Section, client string, maxInFlight int) netConfig {
	c := netConfig{
		client:         client,
		requestTimeout: r.Time(s, "request.timeout.ms"),
		metadataMaxAge: r.Time(s, "metadata.max.age.ms"),
		maxInFlight:    maxInFlight,
		retry:          backoff{first: r.Time(s, "retry.backoff.ms"), jitter: jitter},
		reconnect:      backoff{first: r.Time(s, "reconnect.backoff.ms"), most: r.Time(s, "reconnect.backoff.max.ms"), jitter: jitter},
		setup: backoff{first: r.Time(s, "socket.connection.setup.timeout.ms"),
			most: r.Time(s, "socket.connection.setup.timeout.max.ms"), jitter: jitter},
		retryHint:  r.AtLeast("3.7"),
		ownTimeout: r.AtLeast("3.6"),
	}
	if !r.AtLeast("2.7") { // KIP-601: before, an attempt to connect lasts as long as TCP's
		c.setup = backoff{first: tcpConnect, most: tcpConnect}
	}
	if !r.AtLeast("0.11.0") { // KIP-144: before, the pause was constant
		c.reconnect = backoff{first: c.reconnect.first, most: c.reconnect.first}
	}
	if r.Has(s, "retry.backoff.max.ms") {
		c.retry.most = r.Time(s, "retry.backoff.max.ms")
	} else {
		c.retry.most, c.retry.jitter = c.retry.first, 0 // constant before KIP-580
	}
	return c
}

// producerConfig is ProducerConfig.
type producerConfig struct {
	net             netConfig
	acks            int16
	idempotent      bool
	retries         int64
	deliveryTimeout sim.Time
	waitTimeout     sim.Time // before 2.1 (KIP-91): how long a batch may wait to be sent; 0 since
	linger          sim.Time
	batchSize       int
	bufferMemory    int64
	maxRequestSize  int
	adaptive        bool
	keyless         keyless
	maxBlock        sim.Time
	bumpsEpoch      bool // KIP-360: a producer that lost track bumps its epoch by itself
}

// keyless is how messages without a key find their partition.
type keyless uint8

const (
	keylessSticky     keyless = iota // BuiltInPartitioner, since 3.3 (KIP-794)
	keylessPerBatch                  // DefaultPartitioner with StickyPartitionCache, since 2.4 (KIP-480)
	keylessRoundRobin                // DefaultPartitioner before
)

func keylessOf(r *models.Resolved) keyless {
	switch {
	case r.AtLeast("3.3"):
		return keylessSticky
	case r.AtLeast("2.4"):
		return keylessPerBatch
	}
	return keylessRoundRobin
}

func readProducer(spec *models.ProducerSpec) producerConfig {
	const s = models.ProducerSection
	r := spec.Set
	c := producerConfig{
		net:             readNet(r, s, spec.Name, int(r.Int(s, "max.in.flight.requests.per.connection"))),
		retries:         r.Int(s, "retries"),
		deliveryTimeout: r.Time(s, "delivery.timeout.ms"),
		linger:          r.Time(s, "linger.ms"),
		batchSize:       int(r.Int(s, "batch.size")),
		bufferMemory:    r.Int(s, "buffer.memory"),
		maxRequestSize:  int(r.Int(s, "max.request.size")),
		adaptive:        r.Has(s, "partitioner.adaptive.partitioning.enable") && r.Bool(s, "partitioner.adaptive.partitioning.enable"),
		keyless:         keylessOf(r),
		maxBlock:        r.Time(s, "max.block.ms"),
		idempotent:      profile.Idempotent(r),
		bumpsEpoch:      r.AtLeast("2.6"),
	}
	switch r.Str(s, "acks") {
	case "0":
		c.acks = 0
	case "1":
		c.acks = 1
	default:
		c.acks = -1
	}
	if !r.AtLeast("2.1") {
		c.deliveryTimeout, c.waitTimeout = 1<<61, c.net.requestTimeout
	}
	return c
}

// consumerConfig is ConsumerConfig.
type consumerConfig struct {
	net             netConfig
	group           string
	ack             models.AckMode
	autoCommit      bool
	autoInterval    sim.Time
	sessionTimeout  sim.Time
	heartbeat       sim.Time
	maxPollInterval sim.Time
	maxPollRecords  int
	reset           string // auto.offset.reset
	minBytes        int32
	maxWait         sim.Time
	maxBytes        int32
	partitionBytes  int32
	checkCRCs       bool
	assignors       []*assignor
	cooperative     bool   // the rebalance protocol (KIP-429)
	instance        string // group.instance.id, "": a dynamic member
	rack            string // client.rack
	sessions        bool   // KIP-227: fetch sessions
	validate        bool   // KIP-320: positions are validated after a leader change
}

// consumerInFlight is what KafkaConsumer gives its NetworkClient; it is "a conservative default".
const consumerInFlight = 100

// AutoCommits says whether the library commits for the application. With enable.auto.commit, the
// manual's default, an application that works a poll's records off before it polls again commits
// after processing without doing anything (KafkaConsumer, "Automatic Offset Committing"): that is
// both ack: auto and ack: after. Only with enable.auto.commit=false does ack: after commit itself,
// after each poll.
func AutoCommits(ack models.AckMode, r *models.Resolved) bool {
	return ack != models.AckBefore && r.Bool(models.ConsumerSection, "enable.auto.commit")
}

func readConsumer(spec *models.ConsumerSpec) consumerConfig {
	const s = models.ConsumerSection
	r := spec.Set
	c := consumerConfig{
		net:             readNet(r, s, spec.Name, consumerInFlight),
		group:           spec.Group,
		ack:             spec.Ack,
		autoCommit:      AutoCommits(spec.Ack, r),
		autoInterval:    r.Time(s, "auto.commit.interval.ms"),
		sessionTimeout:  r.Time(s, "session.timeout.ms"),
		heartbeat:       r.Time(s, "heartbeat.interval.ms"),
		maxPollInterval: r.Time(s, "max.poll.interval.ms"),
		maxPollRecords:  int(r.Int(s, "max.poll.records")),
		reset:           r.Str(s, "auto.offset.reset"),
		minBytes:        int32(r.Int(s, "fetch.min.bytes")),
		maxWait:         r.Time(s, "fetch.max.wait.ms"),
		maxBytes:        int32(r.Int(s, "fetch.max.bytes")),
		partitionBytes:  int32(r.Int(s, "max.partition.fetch.bytes")),
		checkCRCs:       r.Bool(s, "check.crcs"),
		assignors:       assignorsOf(r.Str(s, "partition.assignment.strategy")),
		validate:        r.AtLeast("2.3"),
	}
	c.cooperative = cooperative(c.assignors)
	if id := r.Str(s, "group.instance.id"); id != "" {
		c.instance = id + "-" + strconv.Itoa(spec.Index)
	}
	c.rack = r.Str(s, "client.rack")
	c.sessions = r.AtLeast("1.1")
	if c.autoCommit {
		c.ack = models.AckAuto
	}
	if !r.Has(s, "max.poll.interval.ms") {
		c.maxPollInterval = c.sessionTimeout // before 0.10.1 (KIP-62) only poll() sent heartbeats
	}
	if !r.Has(s, "fetch.max.bytes") {
		c.maxBytes = math.MaxInt32 // before 0.10.1 (KIP-74) only partitions had a bound
	}
	if spec.Prefetch > 0 {
		c.maxPollRecords = spec.Prefetch // the nearest thing that Kafka has
	}
	return c
}

// backoff is ExponentialBackoff with base 2, and ClusterConnectionStates' use of it.
type backoff struct {
	first, most sim.Time
	jitter      int64 // percent, both ways; the result never exceeds most
}

// draw is the pause before the next try after so many failed ones (0: the first retry).
func (b backoff) draw(rnd *sim.Rand, failed int) sim.Time {
	d := b.first
	for ; failed > 0 && d < b.most; failed-- {
		d *= 2
	}
	d = min(d, max(b.most, b.first))
	if b.jitter > 0 && d > 0 {
		spread := d / 100 * sim.Time(b.jitter)
		d = min(rnd.Range(d-spread, d+spread), max(b.most, b.first))
	}
	return d
}
