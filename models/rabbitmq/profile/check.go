package profile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
)

// hosts names the nodes.
func hosts(r *models.Resolved) []string {
	var out []string
	for i := int64(1); i <= r.Int(models.Topology, "nodes"); i++ {
		out = append(out, "n"+strconv.FormatInt(i, 10))
	}
	return out
}

// nobody says why a role stays empty for the whole run. A policy can come later, by an operation: what
// has no mirrors now may still get some.
func nobody(r *models.Resolved, _ []models.Stream, role, _ string) string {
	if (role == "replica" || role == "mirror") && r.Int(models.Topology, "nodes") == 1 {
		return "there is only one node"
	}
	return ""
}

// check says what RabbitMQ itself refuses: policies that rabbit_mirror_queue_misc:validate_policy does
// not accept, arguments of queues that exclude each other.
func check(sys *models.System, r *models.Resolved, streams []models.Stream) []models.Problem {
	c := &checker{sys: sys, r: r}
	c.partitions()
	c.versions()
	c.policy(r, sys.Sections[models.Policy], "policy.")
	c.queue(r, sys.Sections[models.Queue], "queue.")
	for i := range streams {
		s := &streams[i]
		own := r.ForStream(s)
		if len(s.Policy) > 0 {
			c.policy(own, s.Policy, "streams["+s.Name+"].policy.")
		}
		if len(s.Queue) > 0 {
			c.queue(own, s.Queue, "streams["+s.Name+"].queue.")
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
			return
		}
	}
	c.out = append(c.out, p)
}

// place is where a key is written, or the entry itself.
func (c *checker) place(written models.Settings, key string) models.Pos {
	for i := len(written) - 1; i >= 0; i-- {
		if written[i].Name == key {
			return written[i].At
		}
	}
	return c.sys.Pos
}

// versions refuses what is not there: queues of version 1 in 4.x, which would silently be of version 2, and
// Khepri, the default of 4.2.
func (c *checker) versions() {
	const key = "khepri_db"
	if c.r.Bool(models.Broker, key) && !c.r.IsSet(models.Broker, key) {
		c.problem(c.sys.Pos, "broker."+key, "khepri is the default metadata store of %s and not built: write khepri_db: false for mnesia", c.r.Version())
	}
	if key := "classic_queue.default_version"; c.r.AtLeast("4.0") && c.r.Int(models.Broker, key) == 1 {
		c.problem(c.place(c.sys.Sections[models.Broker], key), "broker."+key, "%s", noVersion1)
	}
}

const noVersion1 = "4.0 and later have classic queues of version 2 only"

// partitions checks the nodes of pause_if_all_down.
func (c *checker) partitions() {
	const s, key, list = models.Broker, "cluster_partition_handling", "cluster_partition_handling.pause_if_all_down.nodes"
	written := c.sys.Sections[s]
	if c.r.Str(s, key) != "pause_if_all_down" {
		return
	}
	names, ok := Nodes(c.r.Str(s, list))
	if !ok {
		c.problem(c.place(written, key), "broker."+key, "pause_if_all_down needs %s: n1,n2", list)
	}
	for _, n := range names {
		if n < 1 || int64(n) > c.r.Int(models.Topology, "nodes") {
			c.problem(c.place(written, list), "broker."+list, "there is no node n%d", n)
		}
	}
}

// policy applies rabbit_mirror_queue_misc:validate_policy.
func (c *checker) policy(r *models.Resolved, written models.Settings, path string) {
	const s = models.Policy
	nodes := r.Int(models.Topology, "nodes")
	mode, params := r.Str(s, "ha-mode"), r.Str(s, "ha-params")
	complain := func(key, format string, args ...any) {
		c.problem(c.place(written, key), path+key, format, args...)
	}
	if r.AtLeast("4.0") && r.Int(s, "queue-version") == 1 {
		complain("queue-version", "%s", noVersion1)
	}
	switch mode {
	case "":
		for _, key := range []string{"ha-params", "ha-sync-mode", "ha-sync-batch-size", "ha-promote-on-failure", "ha-promote-on-shutdown"} {
			if r.IsSet(s, key) {
				complain(key, "rabbitmq refuses %s without ha-mode", key)
			}
		}
	case "all":
		if r.IsSet(s, "ha-params") {
			complain("ha-params", "rabbitmq refuses ha-params with ha-mode: all")
		}
	case "exactly":
		if n, err := strconv.ParseInt(params, 10, 32); err != nil || n < 1 {
			complain("ha-params", "ha-mode: exactly needs a number of copies in ha-params")
		}
	case "nodes":
		names, ok := Nodes(params)
		if !ok {
			complain("ha-params", "ha-mode: nodes needs a list of nodes in ha-params")
		}
		for _, n := range names {
			if n < 1 || int64(n) > nodes {
				complain("ha-params", "there is no node n%d", n)
			}
		}
	}
}

var nodeName = regexp.MustCompile(`^(?:rabbit@)?n([0-9]{1,3})$`)

// Nodes reads the ha-params of ha-mode: nodes, with or without brackets: the numbers of the nodes. ok is
// false if it names none, or something that is no node.
func Nodes(params string) (numbers []int, ok bool) {
	params = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(params), "["), "]")
	for _, word := range strings.FieldsFunc(params, func(r rune) bool { return r == ',' || r == ' ' }) {
		m := nodeName.FindStringSubmatch(strings.Trim(word, `"'`))
		if m == nil {
			return nil, false
		}
		n, _ := strconv.Atoi(m[1])
		numbers = append(numbers, n)
	}
	return numbers, len(numbers) > 0
}

// queue applies what rabbit_amqqueue:check_declare_arguments and the queue types refuse.
func (c *checker) queue(r *models.Resolved, written models.Settings, path string) {
	const s = models.Queue
	if r.AtLeast("4.0") && r.IsSet(s, "x-queue-version") && r.Int(s, "x-queue-version") == 1 {
		c.problem(c.place(written, "x-queue-version"), path+"x-queue-version", "%s", noVersion1)
	}
	if r.Str(s, "x-queue-type") != "classic" && !r.Bool(s, "durable") {
		c.problem(c.place(written, "durable"), path+"durable", "rabbitmq refuses a %s queue that is not durable", r.Str(s, "x-queue-type"))
	}
	if r.Str(s, "x-queue-type") == "quorum" {
		c.quorum(r, written, path)
	}
}

// quorum is what rabbit_quorum_queue refuses (check_invalid_arguments, check_exclusive, check_auto_delete);
// what its settings would do and is not built is said as well.
func (c *checker) quorum(r *models.Resolved, written models.Settings, path string) {
	const s = models.Queue
	for _, key := range []string{"exclusive", "auto-delete"} {
		if r.Bool(s, key) {
			c.problem(c.place(written, key), path+key, "rabbitmq refuses a quorum queue with %s", key)
		}
	}
	for _, key := range []string{"x-max-priority", "x-queue-mode", "x-queue-version"} {
		if _, ok := written.Get(key); ok {
			c.problem(c.place(written, key), path+key, "rabbitmq refuses %s for a quorum queue", key)
		}
	}
	if r.Str(s, "x-overflow") == "reject-publish" {
		c.problem(c.place(written, "x-overflow"), path+"x-overflow", "x-overflow: reject-publish is not built for quorum queues")
	}
	if _, ok := written.Get("x-message-ttl"); ok && !r.AtLeast("3.10") {
		c.problem(c.place(written, "x-message-ttl"), path+"x-message-ttl", "quorum queues know x-message-ttl from 3.10 on")
	}
}
