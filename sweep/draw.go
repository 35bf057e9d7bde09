package sweep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
)

// Drawing says what may be drawn.
type Drawing struct {
	Model string
	Sets  []string // PATH=VALUE, fixed in every schedule
	// Unbounded lets more servers fall at the same time than leave a majority.
	Unbounded bool
	// Faults are the actions to draw from; empty: all that a cluster must survive.
	Faults []string
}

// Models that schedules can be drawn for.
var Models = []string{"kafka", "rocketmq", "rabbitmq"}

// survivable are the actions that take no acknowledged byte from a disk but what power loss does.
var survivable = []string{"kill", "stop", "pause", "power-loss", "partition", "delay", "loss", "bandwidth", "reset", "disk-slow", "disk-stall", "cpu", "clock-jump", "client-crash"}

// destructive are drawn only when asked for.
var destructive = []string{"wipe", "disk-error", "disk-full"}

// Actions lists what --faults takes.
func Actions() []string { return append(slices.Clone(survivable), destructive...) }

// Random is the source of drawn schedules, one for each seed.
func Random(d Drawing, seeds []uint64, seedText string) (Source, error) {
	if _, err := Draw(d, 1); err != nil {
		return Source{}, err
	}
	what := fmt.Sprintf("%s of %s, seeds %s", RandomPrefix, d.Model, seedText)
	for _, set := range d.Sets {
		what += ", " + set
	}
	if d.Unbounded {
		what += ", unbounded"
	}
	if len(d.Faults) > 0 {
		what += ", faults " + strings.Join(d.Faults, " ")
	}
	return Source{
		Len:  len(seeds),
		Key:  func(i int) (string, uint64) { return (&Plan{Model: d.Model, Seed: seeds[i]}).Name(), seeds[i] },
		What: what,
		Make: func(i int) (Unit, error) {
			p, err := Draw(d, seeds[i])
			if err != nil {
				return Unit{}, err
			}
			sc, err := p.Scenario()
			if err != nil {
				return Unit{}, fmt.Errorf("%s does not load: %w\n%s", p.Name(), err, p.YAML())
			}
			return Unit{Scenario: sc, Seed: p.Seed, Random: true}, nil
		},
	}, nil
}

// artist draws one plan.
type artist struct {
	*sim.Rand
	p       *Plan
	d       Drawing
	servers []string
	// limit is how many of a group may be down at the same time.
	limit map[string]int
	coord []string
}

func (a *artist) chance(num, den uint64) bool { return a.Below(den) < num }

func (a *artist) pick(words ...string) string { return words[a.Below(uint64(len(words)))] }

// between draws from a range in which short spans are as likely as long ones: an order of magnitude first.
func (a *artist) between(low, high int64) int64 {
	top := low
	for top*3 < high && a.chance(2, 3) {
		top *= 3
	}
	return low + int64(a.Below(uint64(min(high, top*3)-low+1)))
}

// Draw draws the schedule of a seed, swarm style (Groce and others, 2012): first which features are on at
// all, then how often, so that rare combinations are not drowned by frequent ones.
func Draw(d Drawing, seed uint64) (*Plan, error) {
	if !slices.Contains(Models, d.Model) {
		return nil, fmt.Errorf("no model %q: %s", d.Model, strings.Join(Models, ", "))
	}
	for _, f := range d.Faults {
		if !slices.Contains(Actions(), f) {
			return nil, fmt.Errorf("no fault %q to draw: %s", f, strings.Join(Actions(), ", "))
		}
	}
	p := &Plan{Model: d.Model, Seed: seed}
	a := &artist{Rand: sim.NewRand(seed, "schedule/"+d.Model), p: p, d: d, limit: map[string]int{}}
	p.Duration = int64(30+a.Below(31)) * 1000
	if a.chance(1, 4) {
		p.Hardware = a.pick("nvme", "cross-zone", "hdd")
	}
	p.Load = []Pair{
		{"topics", "1"},
		{"partitionsPerTopic", strconv.FormatUint(1+a.Below(3), 10)},
		{"messageSize", a.pick("100B", "300B", "1KiB", "4KiB")},
		{"producersPerTopic", strconv.FormatUint(1+a.Below(2), 10)},
		{"producerRate", strconv.FormatInt(a.between(20, 120), 10)},
		// Without a consumer nothing is received before it can be lost, and the audit reads what is left.
		{"consumersPerTopic", a.pick("0", "0", "1", "2")},
	}
	version := ""
	for _, set := range d.Sets {
		if path, value, _ := strings.Cut(set, "="); path == d.Model+".version" || path == "*.version" {
			version = strings.Trim(value, `"' `)
		}
	}
	switch d.Model {
	case "kafka":
		a.kafka(version)
	case "rocketmq":
		a.rocketmq(version)
	default:
		a.rabbitmq(version)
	}
	for _, set := range d.Sets {
		path, value, ok := strings.Cut(set, "=")
		if !ok {
			return nil, fmt.Errorf("--set %s: want PATH=VALUE", set)
		}
		if err := p.set(path, value); err != nil {
			return nil, err
		}
	}
	a.topology()
	a.faults()
	return p, nil
}

func quote(s string) string { return `"` + s + `"` }

// atLeast compares versions by their first two numbers.
func atLeast(version string, major, minor int) bool {
	parts := strings.Split(version+".0", ".")
	a, _ := strconv.Atoi(parts[0])
	b, _ := strconv.Atoi(parts[1])
	return a > major || a == major && b >= minor
}

func (a *artist) kafka(version string) {
	p := a.p
	if version == "" {
		version = "3.9"
	}
	p.put("", "version", quote(version))
	p.put("", "brokers", a.pick("3", "3", "4", "5"))
	kraft := a.chance(1, 2)
	switch {
	case atLeast(version, 4, 0):
	case atLeast(version, 3, 3) && kraft:
		p.put("", "coordination", "kraft")
	default:
		p.put("", "coordination", "zookeeper")
	}
	p.put("topic", "replication.factor", "3")
	p.put("topic", "min.insync.replicas", a.pick("1", "2", "2"))
	if a.chance(1, 8) {
		p.put("topic", "unclean.leader.election.enable", "true")
	}
	p.put("producer", "acks", a.pick("all", "all", "all", "1"))
	if a.chance(1, 3) {
		p.put("producer", "delivery.timeout.ms", "15000")
		p.put("producer", "request.timeout.ms", "5000")
	}
}

func (a *artist) rocketmq(version string) {
	p := a.p
	if version == "" {
		version = a.pick("4.9", "5.3")
	}
	p.put("", "version", quote(version))
	p.put("", "brokerGroups", a.pick("1", "2"))
	p.put("", "slaves", a.pick("1", "1", "2"))
	p.put("broker", "brokerRole", a.pick("SYNC_MASTER", "ASYNC_MASTER"))
	p.put("broker", "flushDiskType", a.pick("SYNC_FLUSH", "ASYNC_FLUSH"))
}

func (a *artist) rabbitmq(version string) {
	p := a.p
	if version == "" {
		version = a.pick("3.12", "3.12", "3.13")
	}
	p.put("", "version", quote(version))
	p.put("", "nodes", a.pick("3", "3", "5"))
	p.put("queue", "durable", "true")
	if a.chance(7, 8) {
		if a.chance(1, 4) {
			p.put("policy", "ha-mode", "exactly")
			p.put("policy", "ha-params", "2")
		} else {
			p.put("policy", "ha-mode", "all")
		}
		p.put("policy", "ha-sync-mode", a.pick("automatic", "automatic", "manual"))
		if atLeast(version, 3, 7) && a.chance(1, 3) {
			p.put("policy", "ha-promote-on-failure", "when-synced")
		}
	}
	p.put("broker", "cluster_partition_handling", a.pick("ignore", "pause_minority", "pause_minority", "autoheal"))
	if a.chance(1, 3) {
		p.put("broker", "net_ticktime", "10")
	}
	p.put("producer", "confirms", "true")
	p.put("producer", "delivery_mode", a.pick("2", "2", "2", "1"))
}

// topology lists the hosts that faults can name and how many of them may be down.
func (a *artist) topology() {
	n := func(name string, otherwise int) int {
		if v, err := strconv.Atoi(a.p.setting("", name)); err == nil {
			return v
		}
		return otherwise
	}
	add := func(format string, count int) (out []string) {
		for i := range count {
			out = append(out, fmt.Sprintf(format, i+1))
		}
		return out
	}
	switch a.p.Model {
	case "kafka":
		a.servers = add("broker-%d", n("brokers", 3))
		a.limit["server"] = 1 // of three replicas a partition keeps two
		if a.p.setting("", "coordination") == "zookeeper" {
			a.coord = add("zk-%d", n("zookeepers", 3))
		} else if a.p.setting("", "controllers") != "combined" {
			a.coord = add("controller-%d", n("controllers", 3))
		}
		a.limit["coordinator"] = (len(a.coord) - 1) / 2
	case "rocketmq":
		for g := range n("brokerGroups", 1) {
			for i := range n("slaves", 1) + 1 {
				a.servers = append(a.servers, fmt.Sprintf("broker-%c-%d", 'a'+g, i))
			}
		}
		a.limit["server"] = 1
		a.coord = add("namesrv-%d", n("nameservers", 2))
		a.limit["coordinator"] = len(a.coord) - 1
	default:
		a.servers = add("n%d", n("nodes", 3))
		a.limit["server"] = (len(a.servers) - 1) / 2
	}
}

// faults draws the schedule.
func (a *artist) faults() {
	menu := a.d.Faults
	if len(menu) == 0 {
		menu = survivable
	}
	var on []string
	for len(on) == 0 {
		for _, action := range menu {
			if len(menu) < 4 || a.chance(1, 3) {
				on = append(on, action)
			}
		}
	}
	for range 1 + a.Below(10) {
		for range 10 {
			f := a.fault(on[a.Below(uint64(len(on)))])
			if a.d.Unbounded || a.fits(&f) {
				a.p.Faults = append(a.p.Faults, f)
				break
			}
		}
	}
	slices.SortStableFunc(a.p.Faults, func(x, y Fault) int { return int(x.At - y.At) })
}

// fits says whether a majority is left with one more fault.
func (a *artist) fits(f *Fault) bool {
	if f.down == "" {
		return true
	}
	together := 1
	for i := range a.p.Faults {
		if g := &a.p.Faults[i]; g.down == f.down && g.At < f.end() && f.At < g.end() {
			together++
		}
	}
	return together <= a.limit[f.down]
}

// fault draws one fault of an action.
func (a *artist) fault(action string) Fault {
	f := Fault{Action: action}
	f.At = 2000 + int64(a.Below(uint64(a.p.Duration-7000)))
	if n := len(a.p.Faults); n > 0 && a.chance(1, 2) {
		// Right after another one: what recovers is hit again, and whoever took over is hit next.
		last := a.p.Faults[a.Below(uint64(n))]
		f.At = min(last.end()+a.between(1, 4000), a.p.Duration-5000)
	}
	f.Length = min(a.between(100, 30_000), a.p.Duration-f.At)
	key := func(k, v string) { f.Keys = append(f.Keys, Pair{k, v}) }
	switch action {
	case "kill", "stop", "pause", "power-loss", "wipe":
		f.down = "server"
		if len(a.coord) > 0 && a.chance(1, 5) {
			f.down = "coordinator"
			key("selector", a.pick(a.coord...))
		} else {
			key("selector", a.server())
		}
		if action == "power-loss" && a.chance(1, 2) {
			key("crash", a.pick("all", "prefix", "pages"))
		}
	case "partition":
		f.down = "server"
		a.cut(key)
	case "delay":
		a.link(key)
		latency := a.between(1, 800)
		key("latency", fmt.Sprintf("%dms", latency))
		key("jitter", fmt.Sprintf("%dms", a.Below(uint64(latency)+1)))
	case "loss":
		a.link(key)
		key("percent", a.pick("1", "5", "20", "60"))
	case "bandwidth":
		a.link(key)
		key("rate", a.pick("20KB", "200KB", "2MB"))
	case "reset":
		key("selector", a.server())
		f.Length = min(f.Length, 3000)
	case "disk-slow":
		key("selector", a.server())
		key("factor", a.pick("5", "20", "200"))
	case "disk-stall":
		f.down = "server"
		key("selector", a.server())
	case "disk-error":
		f.down = "server"
		key("selector", a.server())
		key("ops", a.pick("[write]", "[sync]", "[read]"))
		key("error", "EIO")
	case "disk-full":
		f.down = "server"
		key("selector", a.server())
		key("fill", a.pick("80%", "91%", "100%"))
	case "cpu":
		key("selector", a.server())
		key("factor", a.pick("5", "50", "500"))
	case "clock-jump":
		key("selector", a.server())
		key("by", a.pick("-30s", "-1s", "1s", "30s"))
	case "client-crash":
		key("selector", a.pick("producer-0", "consumer-0"))
	}
	return f
}

// server is one server: by its role at the moment, or by its name.
func (a *artist) server() string {
	if a.chance(1, 2) {
		return a.pick("primary", "primary", "replica")
	}
	return a.pick(a.servers...)
}

// cut draws a partition that takes at most one server from the others.
func (a *artist) cut(key func(k, v string)) {
	if len(a.servers) > 2 && a.chance(1, 3) {
		i := a.Below(uint64(len(a.servers)))
		j := (i + 1 + a.Below(uint64(len(a.servers)-1))) % uint64(len(a.servers))
		key("between", fmt.Sprintf("[%s, %s]", a.servers[i], a.servers[j]))
	} else {
		key("selector", a.server())
	}
	if a.chance(1, 3) {
		key("direction", a.pick("to", "from"))
	}
	if a.chance(1, 4) {
		key("port", a.pick("replication", "client"))
	}
	if a.chance(1, 4) {
		key("style", "reset")
	}
	if a.chance(1, 4) {
		key("clients", "majority")
	}
}

// link draws whose packets suffer.
func (a *artist) link(key func(k, v string)) {
	key("selector", a.server())
	if a.chance(1, 3) {
		key("direction", a.pick("to", "from"))
	}
}

// Header of a source's results.
func (s Source) Header() Header { return Header{Schema, result.Version, s.What} }
