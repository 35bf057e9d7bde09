package scenarios

import (
	"path"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// newFault is a fault with the defaults of all keys.
func newFault() faults.Spec {
	return faults.Spec{Process: "server", Crash: "typical", Direction: "both", Port: "all", Style: "drop", Clients: "reach-all",
		PPM: -1, Factor: -1, Fill: -1, Free: -1, Error: "EIO", What: "flip", Offset: -1, Bytes: 1, Disk: -1}
}

// keys reads what belongs to the action.
func (c *schedule) keys(o *object, f *faults.Spec, a *action) {
	for _, key := range a.keys {
		if read := keyReaders[key]; read != nil {
			read(c, o, f)
		}
	}
	switch f.Action {
	case "delay":
		c.delay(o, f)
	case "disk-slow":
		if !o.has("factor") && !o.has("latency") {
			f.Factor = 10_000
		}
	case "cpu":
		if !o.has("factor") {
			f.Factor = 10_000
		}
	case "disk-error":
		if !o.has("percent") {
			f.PPM = 1_000_000
		}
	case "disk-full":
		switch {
		case o.has("fill") && o.has("free"):
			o.fail("free", "stands beside fill; only one of them says how full the disk gets")
		case !o.has("fill") && !o.has("free"):
			o.require("fill", "how full the disk gets (fill: 91%, or free: 40MB)")
		}
	}
	for _, key := range a.needs {
		o.require(key, neededKeys[key])
	}
	if a.once {
		for _, key := range []string{"duration", "permanent"} {
			if o.has(key) {
				o.fail(key, "%s happens at once and is never undone", a.name)
			}
		}
	}
}

// neededKeys say what a key without a default is for.
var neededKeys = map[string]string{
	"percent": "the share of segments that is lost (percent: 5)",
	"rate":    "what the way lets through (rate: 10MB)",
	"used":    "the share of the host's memory that is taken (used: 45%)",
	"by":      "how far the clock jumps (by: -5s)",
	"ppm":     "the error of the clock's rate in millionths (ppm: 200)",
}

// keyReaders read the keys of actions.
var keyReaders = map[string]func(*schedule, *object, *faults.Spec){
	"process": (*schedule).process,
	"clients": (*schedule).clients,
	"disk":    (*schedule).diskNumber,
	"crash":   func(_ *schedule, o *object, f *faults.Spec) { f.Crash = o.word("crash", f.Crash, crashWords...) },
	"direction": func(_ *schedule, o *object, f *faults.Spec) {
		f.Direction = o.word("direction", f.Direction, directionWords...)
	},
	"port":    func(_ *schedule, o *object, f *faults.Spec) { f.Port = o.word("port", f.Port, portWords...) },
	"style":   func(_ *schedule, o *object, f *faults.Spec) { f.Style = o.word("style", f.Style, styleWords...) },
	"latency": latencyKey,
	"jitter":  func(_ *schedule, o *object, f *faults.Spec) { f.Jitter = o.span("jitter", 0) },
	"percent": func(_ *schedule, o *object, f *faults.Spec) { f.PPM = o.percent("percent", -1) },
	"rate":    bandwidthKey,
	"ops":     opsKey,
	"path":    globKey,
	"factor":  factorKey,
	"error":   func(_ *schedule, o *object, f *faults.Spec) { f.Error = o.word("error", f.Error, "EIO") },
	"fill":    func(_ *schedule, o *object, f *faults.Spec) { f.Fill = o.filled("fill") },
	"free":    func(_ *schedule, o *object, f *faults.Spec) { f.Free = o.size("free", -1) },
	"used":    func(_ *schedule, o *object, f *faults.Spec) { f.Fill = o.filled("used") },
	"what":    func(_ *schedule, o *object, f *faults.Spec) { f.What = o.word("what", f.What, damageWords...) },
	"offset":  offsetKey,
	"bytes":   func(_ *schedule, o *object, f *faults.Spec) { f.Bytes = o.count("bytes", 1, 1, 1<<30) },
	"by":      byKey,
	"ppm":     ppmKey,
}

var (
	crashWords     = []string{"typical", "none", "all", "prefix", "pages"}
	directionWords = []string{"both", "to", "from"}
	portWords      = []string{"all", "client", "replication", "coordination", "metadata"}
	styleWords     = []string{"drop", "reset"}
	damageWords    = []string{"flip", "zero", "truncate", "delete"}
	opWords        = []string{"read", "write", "sync"}
	clientWords    = []string{"reach-all", "majority"}
	waitWords      = []string{"ready", "synced", "in-sync", "none"}
	shapeWords     = []string{"halves", "bridge", "ring"}
)

func latencyKey(_ *schedule, o *object, f *faults.Spec) {
	if t := o.positive("latency", sim.Nanosecond); o.has("latency") {
		f.Latency = t
	}
}

func (c *schedule) delay(o *object, f *faults.Spec) {
	switch {
	case !o.has("latency") && !o.has("jitter"):
		o.require("latency", "how much later packets arrive")
	case f.Jitter > f.Latency:
		o.fail("jitter", "must not be above latency (%s)", f.Latency)
	}
}

func bandwidthKey(_ *schedule, o *object, f *faults.Spec) {
	f.Rate = o.bandwidth("rate", 0)
	if o.has("rate") && f.Rate > 0 && f.Rate < 1000 {
		o.fail("rate", "must be at least 1kB; a way that lets nothing through is a partition")
	}
}

func opsKey(c *schedule, o *object, f *faults.Spec) {
	texts, nodes := o.words("ops")
	for i, t := range texts {
		at := index(join(o.path, "ops"), i)
		switch {
		case !contains(opWords, t):
			c.d.failHint(nodes[i].at, at, models.Nearest(t, opWords), "%s is none of %s", quoted(t), strings.Join(opWords, ", "))
		case slices.Contains(f.Ops, t):
			c.d.fail(nodes[i].at, at, "%s stands there twice", t)
		default:
			f.Ops = append(f.Ops, t)
		}
	}
	if o.has("ops") && len(nodes) == 0 && o.n.get("ops").kind == list {
		o.fail("ops", "names no call (read, write, sync)")
	}
}

func globKey(c *schedule, o *object, f *faults.Spec) {
	n := o.scalar("path", "a path or a pattern (*.log)")
	if n == nil {
		return
	}
	if _, err := path.Match(n.text, ""); err != nil || n.text == "" {
		c.d.fail(n.at, join(o.path, "path"), "%s is no pattern for the names of files (*.log, t0-0/*)", quoted(n.text))
		return
	}
	f.Path = n.text
}

func factorKey(c *schedule, o *object, f *faults.Spec) {
	n := o.scalar("factor", "a number (10)")
	if n == nil {
		return
	}
	at := join(o.path, "factor")
	milli, ok := models.ParseMilli(n.text)
	switch {
	case !ok:
		c.d.fail(n.at, at, "must be a number (10, 1.5), not %s", quoted(n.text))
	case milli <= 1000:
		c.d.fail(n.at, at, "must be above 1: how many times as long it takes")
	case milli > 1_000_000_000:
		c.d.fail(n.at, at, "must be at most 1000000")
	default:
		f.Factor = milli
	}
}

func offsetKey(_ *schedule, o *object, f *faults.Spec) {
	if n := o.field("offset"); n != nil && n.kind == scalar && n.text == "random" {
		return
	}
	f.Offset = o.count("offset", -1, 0, maxBytes)
}

func byKey(c *schedule, o *object, f *faults.Spec) {
	n := o.field("by")
	if n == nil {
		return
	}
	t, ok := c.d.signedSpan(n, join(o.path, "by"))
	if ok && t == 0 {
		o.fail("by", "a clock that jumps by nothing stays where it is")
	}
	f.By = t
}

func ppmKey(_ *schedule, o *object, f *faults.Spec) {
	before := len(o.d.problems)
	if f.PPM = o.count("ppm", 0, -500_000, 500_000); o.has("ppm") && f.PPM == 0 && len(o.d.problems) == before {
		o.fail("ppm", "a clock that drifts by nothing runs well")
	}
}

// percent is a number of percent, with the sign or without, in millionths.
func (o *object) percent(key string, def int64) int64 {
	n := o.scalar(key, "a number of percent (5)")
	if n == nil {
		return def
	}
	milli, ok := models.ParseMilli(strings.TrimSuffix(n.text, "%"))
	if !ok || milli <= 0 || milli > 100_000 {
		o.d.fail(n.at, join(o.path, key), "must be above 0 and at most 100 percent, not %s", quoted(n.text))
		return def
	}
	return 10 * milli
}

// filled is a share above nothing.
func (o *object) filled(key string) int64 {
	v := o.share(key, -1)
	if v == 0 {
		o.fail(key, "must be above 0%%")
	}
	return v
}

// diskNumber reads which disk is meant and asks every system whether its servers have it.
func (c *schedule) diskNumber(o *object, f *faults.Spec) {
	f.Disk = int(o.count("disk", -1, 0, 15))
	if f.Disk < 1 {
		return
	}
	for _, s := range c.concerned(f.Systems) {
		if n := s.disks(); f.Disk >= n {
			o.fail("disk", "the servers of %s have %d, numbered from 0 (disks: in the entry of the system)", s.Name, n)
		}
	}
}

// disks is how many disks a server of the system has.
func (s *System) disks() int {
	if s.Table.Find(models.Topology, "disks") == nil {
		return 1
	}
	return int(s.Set.Int(models.Topology, "disks"))
}

// process reads which program of a host is meant.
func (c *schedule) process(o *object, f *faults.Spec) {
	n := o.scalar("process", "a process (server)")
	if n == nil {
		return
	}
	f.Process = n.text
	if word, arg, call := strings.Cut(n.text, "("); call {
		f.Process, f.ProcArg = word, strings.TrimSuffix(arg, ")")
	}
	if f.Process == "server" && f.ProcArg == "" {
		return
	}
	path := join(o.path, "process")
	for _, s := range c.concerned(f.Systems) {
		words, found := []string{"server"}, false
		for _, p := range s.Table.Processes {
			words = append(words, p.Name)
			if p.Name != f.Process {
				continue
			}
			found = true
			if p.NotBuilt {
				c.d.fail(n.at, path, "process %s is not built yet", p.Name)
			}
		}
		if !found && !f.Optional {
			c.d.failHint(n.at, path, models.Nearest(f.Process, words), "%s has no process %s", s.Name, quoted(n.text))
		}
	}
}

// clients reads who reaches a side that is cut off.
func (c *schedule) clients(o *object, f *faults.Spec) {
	n := o.field("clients")
	if n == nil {
		return
	}
	if n.kind != list {
		f.Clients = c.d.wordOf(n, join(o.path, "clients"), f.Clients, clientWords)
		return
	}
	f.Clients = "list"
	texts, nodes := o.words("clients")
	f.ClientSet = texts
	for i, t := range texts {
		for _, s := range c.concerned(f.Systems) {
			if is, has := s.isClient(t); !is {
				c.d.fail(nodes[i].at, index(join(o.path, "clients"), i), "%s is no client; write producer-0 or consumer-0", quoted(t))
			} else if !has && !f.Optional {
				c.d.fail(nodes[i].at, index(join(o.path, "clients"), i), "%s has no client %s", s.Name, t)
			}
		}
	}
}
