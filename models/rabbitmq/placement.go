package rabbitmq

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// queue is one queue of a stream.
type queue struct {
	name      string
	stream    int
	partition int32
	home      int // index of the node that it is declared through
	acks      []ackSpan
}

// placeQueues lists the queues of all streams: queue i of the system has its home on node i, round
// robin, unless home: says otherwise.
func (c *Cluster) placeQueues() {
	homes := c.cfg.System.Homes
	for i := range c.cfg.Streams {
		s := &c.cfg.Streams[i]
		c.first = append(c.first, len(c.queues))
		for p := range s.Partitions {
			n := len(c.queues)
			q := &queue{name: fmt.Sprintf("%s-%d", s.Name, p), stream: i, partition: int32(p), home: n % len(c.nodes)}
			switch {
			case s.Home != "":
				q.home = c.nodeNamed(s.Home)
			case len(homes) > 0:
				q.home = c.nodeNamed(homes[n%len(homes)])
			}
			c.queues = append(c.queues, q)
		}
	}
}

// queueOf is the queue of a stream with that number.
func (c *Cluster) queueOf(stream int, partition int32) *queue {
	return c.queues[c.first[stream]+int(partition)]
}

// queueNamed is the queue with that name; a stream's name means its first queue. nil if there is none.
func (c *Cluster) queueNamed(name string) *queue {
	for _, q := range c.queues {
		if q.name == name || q.partition == 0 && c.cfg.Streams[q.stream].Name == name {
			return q
		}
	}
	return nil
}

func (c *Cluster) streamNamed(name string) int {
	for i := range c.cfg.Streams {
		if c.cfg.Streams[i].Name == name {
			return i
		}
	}
	return -1
}

// nodeNamed is the index of a node; the loader has checked the name.
func (c *Cluster) nodeNamed(name string) int {
	for i, n := range c.nodes {
		if n.host.Name == name {
			return i
		}
	}
	panic("rabbitmq: the loader let an unknown node pass: " + name)
}

func (c *Cluster) nodeOf(h *sim.Host) int {
	for i, n := range c.nodes {
		if n.host == h {
			return i
		}
	}
	return -1
}

// Partitions is the number of queues of a stream.
func (c *Cluster) Partitions(stream int) int { return c.cfg.Streams[stream].Partitions }

// PartitionName is the name of a queue: t0-0.
func (c *Cluster) PartitionName(stream int, partition int32) string {
	return c.queueOf(stream, partition).name
}

// policy is one policy with what it says. Of those that match a queue the one with the highest priority
// counts (parameters.md, policies); here a later one has the higher priority.
type policy struct {
	name       string
	pattern    string
	expr       *regexp.Regexp
	definition models.Settings
	cleared    bool
}

func newPolicy(name, pattern string, definition models.Settings) (policy, error) {
	expr, err := regexp.Compile(pattern)
	return policy{name: name, pattern: pattern, expr: expr, definition: definition}, err
}

func (p *policy) matches(queue string) bool { return p.expr.MatchString(queue) }

func (p *policy) get(key string) string {
	v, _ := p.definition.Get(key)
	return v
}

// ownPolicies are those that the system entry and its streams write: they are in force before the
// queues are declared.
func (c *Cluster) ownPolicies() error {
	add := func(name, pattern string, set *models.Resolved, def models.Settings) error {
		if len(def) == 0 {
			return nil
		}
		p, err := newPolicy(name, pattern, canonical(set, def))
		if err == nil {
			c.policies = append(c.policies, p)
		}
		return err
	}
	base := c.cfg.System.Sections[models.Policy]
	if err := add("policy", ".*", c.cfg.Set, base); err != nil {
		return err
	}
	for i := range c.cfg.Streams {
		s := &c.cfg.Streams[i]
		if len(s.Policy) == 0 {
			continue
		}
		if err := add("policy-"+s.Name, "^"+regexp.QuoteMeta(s.Name)+`-\d+$`, c.cfg.Set.ForStream(s), base.With(s.Policy)); err != nil {
			return err
		}
	}
	return nil
}

// canonical is a definition with its values in the form of the manual's table.
func canonical(set *models.Resolved, def models.Settings) models.Settings {
	out := make(models.Settings, 0, len(def))
	for _, e := range def {
		if set.Table().Find(models.Policy, e.Name) != nil {
			if text, _, err := set.Table().Find(models.Policy, e.Name).Parse(e.Value); err == nil {
				e.Value = text
			}
		}
		out = append(out, e)
	}
	return out
}

// decimal writes thousandths.
func decimal(milli int64) string {
	s := strconv.FormatInt(milli/1000, 10) + "." + fmt.Sprintf("%03d", milli%1000)
	return strings.TrimSuffix(s, ".000")
}
