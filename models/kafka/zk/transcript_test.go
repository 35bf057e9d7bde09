package zk

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/mqsim/mqsim/sim"
)

// TestTranscripts runs the stories in testdata: commands against a small world, what clients and
// the world said in answer. Regenerate with -rewrite, then read the diff.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &story{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.d = d
			return s.command()
		})
	})
}

// story is one transcript.
type story struct {
	t *testing.T
	d *datadriven.TestData
	w *testWorld
}

func (s *story) command() string {
	switch s.d.Cmd {
	case "world":
		return s.world()
	case "run":
		s.w.run(s.duration("for", 0))
	case "settle":
		if !s.w.settle(s.duration("for", 60*sim.Second)) {
			_, why := s.w.ens.Settled()
			s.w.say("not settled: %s", why)
		} else {
			s.w.say("settled")
		}
	case "client":
		s.client()
	case "do":
		s.do()
	case "kill", "start", "stop", "pause", "resume", "power-off", "power-on":
		s.host(s.d.Cmd)
	case "cut":
		s.cut()
	case "heal":
		s.w.heal()
	case "tree":
		return s.tree()
	case "roles":
		return s.roles()
	case "probes":
		names, _ := s.w.Trace.Probes()
		sort.Strings(names)
		return strings.Join(names, "\n")
	default:
		s.t.Fatalf("%s: no command %q", s.d.Pos, s.d.Cmd)
	}
	return s.w.drain()
}

func (s *story) duration(key string, def sim.Time) sim.Time {
	var text string
	s.d.MaybeScanArgs(s.t, key, &text)
	if text == "" {
		return def
	}
	unit, n := sim.Second, strings.TrimSuffix(text, "s")
	if ms, ok := strings.CutSuffix(text, "ms"); ok {
		unit, n = sim.Millisecond, ms
	}
	v, err := strconv.Atoi(n)
	if err != nil {
		s.t.Fatalf("%s: no duration %q", s.d.Pos, text)
	}
	return sim.Time(v) * unit
}

// world seed=1 servers=3 timeout=18s
//
// Boots an ensemble; its clock starts when all servers serve.
func (s *story) world() string {
	seed, servers := uint64(1), 3
	s.d.MaybeScanArgs(s.t, "seed", &seed)
	s.d.MaybeScanArgs(s.t, "servers", &servers)
	s.w = newTestWorld(seed, servers, s.duration("timeout", 18*sim.Second))
	s.w.boot()
	s.w.zero = s.w.Now()
	s.w.drain()
	return s.roles()
}

// client c1 [reopen]
func (s *story) client() {
	name := s.d.CmdArgs[0].Key
	c := s.w.addClient(name)
	c.reopen = s.d.HasArg("reopen")
}

// do c1 [nowait]
// create /a data ephemeral
// get /a watch
//
// Issues all requests at once, in order, and waits for the answers (nowait: for nothing).
func (s *story) do() {
	c := s.w.clients[s.d.CmdArgs[0].Key]
	open := 0
	for _, line := range strings.Split(s.d.Input, "\n") {
		open++
		req := s.request(strings.Fields(line))
		done := func(r Response) {
			open--
			c.say("%s -> %s", line, describe(r))
		}
		switch {
		case line == "close":
			c.zk.Close(done)
		case s.d.HasArg("retry"):
			c.zk.Retry(req, done)
		default:
			c.zk.Do(req, done)
		}
	}
	if !s.d.HasArg("nowait") {
		s.w.K.RunUntil(s.w.Now()+60*sim.Second, func() bool { return open == 0 })
	}
}

func (s *story) request(f []string) Request {
	arg := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	has := func(word string) bool {
		for _, x := range f {
			if x == word {
				return true
			}
		}
		return false
	}
	version := AnyVersion
	for _, x := range f {
		if v, ok := strings.CutPrefix(x, "version="); ok {
			fmt.Sscan(v, &version)
		}
	}
	mode := Persistent
	if has("ephemeral") {
		mode |= Ephemeral
	}
	if has("sequential") {
		mode |= PersistentSequential
	}
	switch arg(0) {
	case "create":
		return CreateRequest(arg(1), []byte(arg(2)), mode)
	case "delete":
		return DeleteRequest(arg(1), version)
	case "set":
		return SetDataRequest(arg(1), []byte(arg(2)), version)
	case "check":
		return Request{Op: CheckOp(arg(1), version)}
	case "exists":
		return ExistsRequest(arg(1), has("watch"))
	case "get":
		return GetDataRequest(arg(1), has("watch"))
	case "children":
		return GetChildrenRequest(arg(1), has("watch"))
	case "multi": // multi create /a x ; set /b y version=0
		var ops []Op
		for _, part := range strings.Split(strings.Join(f[1:], " "), ";") {
			ops = append(ops, s.request(strings.Fields(part)).Op)
		}
		return MultiRequest(ops)
	case "close":
		return Request{}
	}
	s.t.Fatalf("%s: no request %q", s.d.Pos, f)
	return Request{}
}

// describe is an answer as the transcripts show it.
func describe(r Response) string {
	var b strings.Builder
	b.WriteString(r.Code.String())
	for _, o := range r.Results {
		fmt.Fprintf(&b, " [%s %s %s]", o.Type, o.Code, o.Path)
	}
	if r.Code != OK {
		return b.String()
	}
	switch r.Op {
	case OpCreate:
		fmt.Fprintf(&b, " %s", r.Path)
	case OpGetData:
		fmt.Fprintf(&b, " %q version %d", r.Data, r.Stat.Version)
	case OpGetChildren:
		fmt.Fprintf(&b, " %v", r.Children)
	case OpSetData, OpExists:
		fmt.Fprintf(&b, " version %d", r.Stat.Version)
	}
	return b.String()
}

// kill HOST, start HOST, ... : "leader" and "follower" name the servers of the moment.
func (s *story) host(what string) {
	for _, a := range s.d.CmdArgs {
		h := s.hostNamed(a.Key)
		s.w.say("%s %s", what, h.Name)
		svc := h.Services()[0]
		switch what {
		case "kill":
			svc.Kill()
		case "start":
			svc.Start()
		case "stop":
			svc.Stop()
		case "pause":
			svc.Pause()
		case "resume":
			svc.Resume()
		case "power-off":
			h.PowerOff(sim.CrashAll)
		case "power-on":
			h.PowerOn(sim.Second)
		}
	}
}

func (s *story) hostNamed(name string) *sim.Host {
	switch name {
	case "leader":
		return s.w.ens.Leader()
	case "follower":
		for _, h := range s.w.servers {
			if h != s.w.ens.Leader() && s.w.ens.Serving(h) {
				return h
			}
		}
	}
	if c, ok := strings.CutPrefix(name, "server-of-"); ok {
		return s.w.clients[c].zk.Server()
	}
	h := s.w.HostNamed(name)
	if h == nil {
		s.t.Fatalf("%s: no host %q", s.d.Pos, name)
	}
	return h
}

// cut a b c : host a against the hosts b and c, or against all other servers (b: others).
func (s *story) cut() {
	a := s.hostNamed(s.d.CmdArgs[0].Key)
	var others []*sim.Host
	for _, x := range s.d.CmdArgs[1:] {
		if x.Key == "others" {
			for _, h := range s.w.servers {
				if h != a {
					others = append(others, h)
				}
			}
			continue
		}
		others = append(others, s.hostNamed(x.Key))
	}
	s.w.say("cut %s", a.Name)
	s.w.cut([]*sim.Host{a}, others)
}

func (s *story) tree() string {
	var first string
	for _, h := range s.w.servers {
		srv := s.w.ens.server(h)
		if srv == nil || !srv.serving {
			continue
		}
		d := dump(srv.tree)
		if first == "" {
			first = d
		} else if d != first {
			return "servers differ:\n" + first + "---- " + h.Name + "\n" + d
		}
	}
	return first
}

func (s *story) roles() string {
	var b strings.Builder
	for _, h := range s.w.servers {
		role := "down"
		if srv := s.w.ens.server(h); srv != nil {
			role = srv.state.String()
			if !srv.serving {
				role += ", not serving"
			}
		}
		fmt.Fprintf(&b, "%s %s\n", h.Name, role)
	}
	return b.String()
}
