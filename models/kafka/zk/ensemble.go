package zk

import (
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/mqsim/mqsim/sim"
)

// ServiceName is the name of the servers' program on their hosts.
const ServiceName = "zookeeper"

// Config is zoo.cfg as far as the model knows it.
type Config struct {
	// TickTime is the unit of all limits (tickTime; 2 s in zoo_sample.cfg, 3 s in the code and
	// so in Kafka's bundled zookeeper.properties).
	TickTime sim.Time
	// InitLimit is how many ticks a follower may take to connect and sync.
	InitLimit int
	// SyncLimit is how many ticks leader and follower may be silent to each other.
	SyncLimit int
	// Boot is the time from the start of the process to its service.
	Boot sim.Range
	// Disk is the host's disk that holds the transaction log.
	Disk int
}

// DefaultConfig is zoo_sample.cfg: ticks of 2 s, initLimit 10, syncLimit 5. The boot time is that
// of a small JVM (an assumption).
func DefaultConfig() Config {
	return Config{
		TickTime:  2 * sim.Second,
		InitLimit: 10,
		SyncLimit: 5,
		Boot:      sim.Range{Min: 800 * sim.Millisecond, Max: 1200 * sim.Millisecond},
	}
}

// Ensemble is a set of ZooKeeper servers. The handle lives outside the world: it installs the
// programs and looks at them; no server asks it for anything but its configuration.
type Ensemble struct {
	cfg   Config
	w     *sim.World
	hosts []*sim.Host

	// Elections counts leaders that were established, Expired the sessions that timed out.
	Elections int64
	Expired   int64

	clientOf map[int64]*sim.Host // where a session was created, for events
	decided  int64               // zxid of the last expiry that was told to the world
	agreed   []agreement         // what has been committed, in zxid order
}

// agreement is a committed transaction, for the check that all servers apply the same ones.
type agreement struct {
	zxid int64
	sum  uint32
}

// check is fed with what servers apply. ZooKeeper's promise (total order): all apply the same
// transactions in the same order. committed is false for a log that a follower takes over from a
// leader that may not be established yet.
func (e *Ensemble) check(h *sim.Host, x entry, committed bool) {
	b := e.w.Arena.Bytes(x.rec)
	a := agreement{x.t.zxid, binary.BigEndian.Uint32(b[4:])} // adler32 of the record
	n := len(e.agreed)
	if n == 0 || e.agreed[n-1].zxid < a.zxid {
		if committed {
			e.agreed = append(e.agreed, a)
		}
		return
	}
	i := sort.Search(n, func(i int) bool { return e.agreed[i].zxid >= a.zxid })
	if e.agreed[i] != a {
		e.w.Violate("zk-total-order", fmt.Sprintf("%s applies another transaction 0x%x than was committed", h.Name, a.zxid))
	}
}

// checkLeader: a new leader has everything that was committed before it, and what else its log
// holds is committed with its establishment.
func (e *Ensemble) checkLeader(s *server) {
	if n := len(e.agreed); n > 0 {
		last := e.agreed[n-1]
		i := s.log.find(last.zxid)
		if i == 0 || s.log.entries[i-1].t.zxid != last.zxid {
			e.w.Violate("zk-leader-completeness", fmt.Sprintf("%s leads without committed transaction 0x%x", s.p.Host.Name, last.zxid))
		}
	}
	for _, x := range s.log.entries {
		e.check(s.p.Host, x, true)
	}
}

// Install puts one server on each host, with ids 1..N in order. Nothing runs before Start.
func Install(w *sim.World, hosts []*sim.Host, cfg Config) *Ensemble {
	e := &Ensemble{cfg: cfg, w: w, hosts: hosts, clientOf: map[int64]*sim.Host{}}
	for i, h := range hosts {
		id := serverID(i + 1)
		h.Install(ServiceName, cfg.Boot, func() sim.Program { return newServer(e, id) })
	}
	return e
}

// Start boots all servers.
func (e *Ensemble) Start() {
	for _, h := range e.hosts {
		h.Service(ServiceName).Start()
	}
}

// Hosts are the servers' hosts in order of their ids, as NewClient wants them.
func (e *Ensemble) Hosts() []*sim.Host { return e.hosts }

// server is the running program of a host, nil if it is down or booting.
func (e *Ensemble) server(h *sim.Host) *server {
	s, _ := h.Service(ServiceName).Program().(*server)
	return s
}

// Serving says whether a host's server follows or leads and takes clients.
func (e *Ensemble) Serving(h *sim.Host) bool {
	s := e.server(h)
	return s != nil && s.serving
}

// leading is the serving leader of the newest epoch, nil without one.
func (e *Ensemble) leading() *server {
	var best *server
	for _, h := range e.hosts {
		s := e.server(h)
		if s != nil && s.serving && s.lead != nil && (best == nil || s.lead.epoch > best.lead.epoch) {
			best = s
		}
	}
	return best
}

// Leader is the host of the leader, nil without one. A leader that was cut off counts until it
// notices or another is established.
func (e *Ensemble) Leader() *sim.Host {
	if s := e.leading(); s != nil {
		return s.p.Host
	}
	return nil
}

// Ready says whether a leader and a majority serve; if not, why.
func (e *Ensemble) Ready() (bool, string) {
	if e.leading() == nil {
		return false, "zookeeper has no leader"
	}
	n := 0
	for _, h := range e.hosts {
		if e.Serving(h) {
			n++
		}
	}
	if n*2 <= len(e.hosts) {
		return false, fmt.Sprintf("%d of %d zookeeper servers serve", n, len(e.hosts))
	}
	return true, ""
}

// Settled says whether every server serves and all have applied the same transactions.
func (e *Ensemble) Settled() (bool, string) {
	lead := e.leading()
	if lead == nil {
		return false, "zookeeper has no leader"
	}
	for _, h := range e.hosts {
		if !e.Serving(h) {
			return false, h.Name + " does not serve"
		}
		if s := e.server(h); s.tree.lastZxid != lead.tree.lastZxid {
			return false, h.Name + " is behind the zookeeper leader"
		}
	}
	return true, ""
}

// Get reads a node at the leader, for snapshots and tests; false: there is no leader or no node.
func (e *Ensemble) Get(path string) (data []byte, stat Stat, ok bool) {
	s := e.leading()
	if s == nil || s.tree.nodes[path] == nil {
		return nil, Stat{}, false
	}
	n := s.tree.nodes[path]
	return n.data, n.copyStat(), true
}

// Fidelity lists what is assumed or left out.
func Fidelity() []string {
	return []string{
		"ZooKeeper: no snapshots: servers boot from the whole transaction log, and a follower is synced by difference",
		"ZooKeeper: no ACLs, authentication, observers, local sessions, reconfiguration, TTL or container nodes",
		"ZooKeeper: log files are appended to, not padded in advance; transaction digests are left out",
		"ZooKeeper: CPU times of servers and clients are assumptions",
	}
}
