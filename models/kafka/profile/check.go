package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
)

// hosts names the servers: ZooKeeper or controllers first, as they boot first, then the brokers.
func hosts(r *models.Resolved) []string {
	var out []string
	add := func(prefix string, n int64) {
		for i := int64(1); i <= n; i++ {
			out = append(out, prefix+strconv.FormatInt(i, 10))
		}
	}
	switch r.Str(models.Topology, "coordination") {
	case "zookeeper":
		add("zk-", r.Int(models.Topology, "zookeepers"))
	case "kraft":
		if n, err := strconv.ParseInt(r.Str(models.Topology, "controllers"), 10, 16); err == nil {
			add("controller-", n)
		}
	}
	add("broker-", r.Int(models.Topology, "brokers"))
	return out
}

// nobody says why a role stays empty for the whole run.
func nobody(r *models.Resolved, streams []models.Stream, role, arg string) string {
	switch role {
	case "zookeeper":
		if r.Str(models.Topology, "coordination") != "zookeeper" {
			return "there is no ZooKeeper"
		}
	case "replica":
		for i := range streams {
			s := &streams[i]
			if arg != "" && arg != s.Name && !strings.HasPrefix(arg, s.Name+"-") {
				continue
			}
			copies := r.ForStream(s).Int(models.Topic, "replication.factor")
			if len(s.Assignment) > 0 {
				copies = int64(len(s.Assignment[0]))
			}
			if copies <= 1 {
				return s.Name + " has no replica beside its leader"
			}
			return "" // of the first partition that is meant
		}
	}
	return ""
}

// check says what Kafka itself refuses at start, and what mqsim's own keys cannot mean.
func check(sys *models.System, r *models.Resolved, streams []models.Stream) []models.Problem {
	c := &checker{sys: sys, r: r}
	c.coordination()
	brokers := r.Int(models.Topology, "brokers")
	if r.Int(models.Topology, "disks") > 1 && r.Str(models.Topology, "coordination") == "kraft" {
		c.problem(c.at("disks"), "disks", "several log directories are built with coordination: zookeeper only")
	}
	c.assignment(sys.Pos, "assignment", sys.Assignment, brokers)
	for i := range streams {
		s := &streams[i]
		path := "streams[" + s.Name + "]"
		own := r.ForStream(s)
		if rf := own.Int(models.Topic, "replication.factor"); rf > brokers && len(s.Assignment) == 0 && len(sys.Assignment) == 0 {
			at, where := c.setting(models.Topic, "replication.factor")
			c.problem(at, where, "%d replicas of %s do not fit on %d brokers", rf, s.Name, brokers)
		}
		c.assignment(s.Pos, path+".assignment", s.Assignment, brokers)
		for j := range s.Producers {
			c.producer(path, &s.Producers[j], own)
		}
		for j := range s.Consumers {
			c.consumer(path, &s.Consumers[j], own)
		}
	}
	return c.out
}

type checker struct {
	sys *models.System
	r   *models.Resolved
	out []models.Problem
}

func (c *checker) problem(at models.Pos, path, format string, args ...any) {
	p := models.Problem{Pos: at, Path: path, Text: fmt.Sprintf(format, args...)}
	for _, q := range c.out {
		if q == p {
			return // several streams share one setting
		}
	}
	c.out = append(c.out, p)
}

func (c *checker) at(key string) models.Pos {
	at, _ := c.setting(models.Topology, key)
	return at
}

// setting is where the entry writes a setting, or the entry itself, and its path.
func (c *checker) setting(s models.Section, name string) (models.Pos, string) {
	path := name
	if s != models.Topology {
		path = s.String() + "." + name
	}
	for _, e := range c.sys.Sections[s] {
		if e.Name == name {
			return e.At, path
		}
	}
	return c.sys.Pos, path
}

// coordination must be written where a version has both kinds; KIP-833 tells when which came and went.
func (c *checker) coordination() {
	kind := c.r.Str(models.Topology, "coordination")
	switch {
	case kind == "" && !c.badly("coordination"):
		c.problem(c.sys.Pos, "coordination", "kafka %s has both kinds: write coordination: zookeeper or kraft", c.r.Version())
	case kind == "kraft" && !c.r.AtLeast("2.8"):
		c.problem(c.at("coordination"), "coordination", "kraft is not in kafka %s: it came with 2.8", c.r.Version())
	case kind == "kraft" && !c.r.AtLeast("3.3"):
		c.problem(c.at("coordination"), "coordination", "kraft is a preview in kafka %s, without much of what it needs: it is fit for use since 3.3 (KIP-833)", c.r.Version())
	case kind == "zookeeper" && c.r.AtLeast("4.0"):
		c.problem(c.at("coordination"), "coordination", "zookeeper is not in kafka %s: it was removed in 4.0 (KIP-833)", c.r.Version())
	case kind == "zookeeper":
		for _, q := range c.sys.Quirks {
			if q.Name == "stale-alter-partition" && !q.On {
				c.problem(q.Pos, "quirks", "-stale-alter-partition needs broker epochs in AlterPartition, which only KRaft has (KIP-903)")
			}
		}
	case kind == "kraft":
		v := c.r.Str(models.Topology, "controllers")
		if n, err := strconv.ParseInt(v, 10, 16); v != "combined" && (err != nil || n < 1 || n > 9) {
			c.problem(c.at("controllers"), "controllers", "%q is neither a number from 1 to 9 nor combined", v)
		}
		if c.sys.Controller != "" {
			c.problem(c.sys.Pos, "controller", "the quorum elects its leader by itself; controller: names a broker of a cluster with zookeeper")
		}
	}
}

// badly says that the key was written, though without a value that counts.
func (c *checker) badly(key string) bool {
	_, written := c.sys.Sections[models.Topology].Get(key)
	return written
}

func (c *checker) assignment(at models.Pos, path string, lists [][]int, brokers int64) {
	for i, list := range lists {
		seen := map[int]bool{}
		for _, id := range list {
			switch {
			case id < 1 || int64(id) > brokers:
				c.problem(at, path, "partition %d names broker %d; there are brokers 1 to %d", i, id, brokers)
			case seen[id]:
				c.problem(at, path, "partition %d names broker %d twice", i, id)
			}
			seen[id] = true
		}
		if len(list) == 0 {
			c.problem(at, path, "partition %d has no replica", i)
		}
	}
}

// producer applies the rules of ProducerConfig.postProcessAndValidateIdempotenceConfigs and
// KafkaProducer.configureDeliveryTimeout.
func (c *checker) producer(stream string, g *models.ProducerGroup, own *models.Resolved) {
	const s = models.ProducerSection
	r := own.With(s, g.Settings)
	where := func(name string) (models.Pos, string) {
		for _, e := range g.Settings {
			if e.Name == name {
				return e.At, stream + ".producers." + name
			}
		}
		return c.setting(s, name)
	}
	at, path := where("transactional.id")
	c.transactions(r, at, path, "transactional.id")
	if r.Has(s, "enable.idempotence") && r.IsSet(s, "enable.idempotence") && r.Bool(s, "enable.idempotence") {
		at, path = where("enable.idempotence")
		if r.Str(s, "acks") != "all" {
			c.problem(at, path, "kafka refuses enable.idempotence: true with acks: %s", r.Str(s, "acks"))
		}
		if r.Int(s, "retries") == 0 {
			c.problem(at, path, "kafka refuses enable.idempotence: true with retries: 0")
		}
		if n := r.Int(s, "max.in.flight.requests.per.connection"); n > 5 {
			c.problem(at, path, "kafka refuses enable.idempotence: true with max.in.flight.requests.per.connection: %d (at most 5)", n)
		}
	} else if n := r.Int(s, "max.in.flight.requests.per.connection"); n > 5 && r.AtLeast("4.0") && r.Str(s, "acks") == "all" && !r.IsSet(s, "enable.idempotence") {
		at, path = where("max.in.flight.requests.per.connection")
		c.problem(at, path, "kafka %s refuses more than 5 unless enable.idempotence: false is written", r.Version())
	}
	least := r.Int(s, "linger.ms") + r.Int(s, "request.timeout.ms")
	if r.Has(s, "delivery.timeout.ms") && r.IsSet(s, "delivery.timeout.ms") && r.Int(s, "delivery.timeout.ms") < least {
		at, path = where("delivery.timeout.ms")
		c.problem(at, path, "kafka refuses less than linger.ms + request.timeout.ms (%d)", least)
	}
}

func (c *checker) consumer(stream string, g *models.ConsumerGroup, own *models.Resolved) {
	const s = models.ConsumerSection
	r := own.With(s, g.Settings)
	where := func(names ...string) (models.Pos, string) {
		for _, e := range g.Settings {
			if slices.Contains(names, e.Name) {
				return e.At, stream + ".consumers." + e.Name
			}
		}
		return c.setting(s, names[0])
	}
	at, path := where("partition.assignment.strategy")
	for _, word := range strings.Split(r.Str(s, "partition.assignment.strategy"), ",") {
		switch row := assignorNamed(word); {
		case row == nil:
			c.problem(at, path, "%q is no assignor: range, roundrobin, sticky or cooperative-sticky", strings.TrimSpace(word))
		case row.since != "" && !r.AtLeast(row.since):
			c.problem(at, path, "%s is not in kafka %s: it came with %s", row.name, r.Version(), row.since)
		}
	}
	at, path = where("isolation.level")
	c.transactions(r, at, path, "isolation.level")
	at, path = where("session.timeout.ms", "heartbeat.interval.ms")
	session := r.Int(s, "session.timeout.ms")
	if beat := r.Int(s, "heartbeat.interval.ms"); beat >= session {
		c.problem(at, path, "kafka refuses heartbeat.interval.ms (%d) that is not below session.timeout.ms (%d)", beat, session)
	}
	least, most := r.Int(models.Broker, "group.min.session.timeout.ms"), r.Int(models.Broker, "group.max.session.timeout.ms")
	if session < least || session > most {
		c.problem(at, path, "the broker refuses a session.timeout.ms outside of group.min and group.max.session.timeout.ms (%d to %d)", least, most)
	}
}

// transactions are not built: what asks for them says so rather than being taken without effect.
func (c *checker) transactions(r *models.Resolved, at models.Pos, path, name string) {
	s, off := models.ProducerSection, ""
	if name == "isolation.level" {
		s, off = models.ConsumerSection, "read_uncommitted"
	}
	if v := r.Str(s, name); v != "" && v != off {
		c.problem(at, path, "transactions are not built: %s: %s", name, v)
	}
}

// Idempotent says whether a producer with these settings is idempotent: switched on by default, it
// is silently off with acks other than all, without retries, or with more than five requests in
// flight, unless it was asked for (ProducerConfig.postProcessAndValidateIdempotenceConfigs).
func Idempotent(r *models.Resolved) bool {
	const s = models.ProducerSection
	if !r.Bool(s, "enable.idempotence") {
		return false
	}
	if r.IsSet(s, "enable.idempotence") {
		return true
	}
	return r.Str(s, "acks") == "all" && r.Int(s, "retries") > 0 && r.Int(s, "max.in.flight.requests.per.connection") <= 5 &&
		!r.Quirk("idempotence-not-effective")
}
