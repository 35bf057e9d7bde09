package ra_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/ra"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// program runs one storage and writes what the test tells it.
type program struct {
	t     *testing.T
	p     *sim.Proc
	s     *ra.Store
	opt   ra.Options
	safe  map[string]consensus.Index
	check func(pr *program)
}

func (x *program) Boot(p *sim.Proc) {
	x.p, x.safe = p, map[string]consensus.Index{}
	x.opt.Dir, x.opt.SyncArg = "quorum/rabbit@n1", 7
	s, err := ra.Recover(x, x.opt)
	if err != nil {
		x.t.Fatal(err)
	}
	x.s = s
	if x.check != nil {
		x.check(x)
	}
}

func (x *program) FS() *sim.FS                       { return x.p.FS(0) }
func (x *program) Arena() *sim.Arena                 { return &x.p.W.Arena }
func (x *program) Wake()                             { x.p.After(0, 1, 0) }
func (x *program) Failed(err error)                  { x.t.Fatal(err) }
func (x *program) Timer(uint16, uint32)              { x.s.Flush() }
func (x *program) Synced(_ uint32, err error)        { x.s.Synced(err) }
func (x *program) Accept(*sim.Conn)                  {}
func (x *program) Connected(*sim.Conn, error)        {}
func (x *program) Receive(*sim.Conn, any)            {}
func (x *program) Closed(*sim.Conn, sim.CloseReason) {}
func (x *program) Stop()                             {}
func (x *program) Written(l *ra.Log, i consensus.Index, _ consensus.Term) {
	x.safe[l.Name] = max(x.safe[l.Name], i)
}

func (x *program) log(name string) *ra.Log {
	if l := x.s.Find(name); l != nil {
		return l
	}
	l, err := x.s.Open(name, "2F_"+name)
	if err != nil {
		x.t.Fatal(err)
	}
	return l
}

func (x *program) write(name string, first consensus.Index, n int, term consensus.Term) {
	var out []wire.Entry
	for i := range n {
		index := first + consensus.Index(i)
		c := &wire.Command{Kind: wire.RaEnqueue, Seq: uint64(index), Key: name}
		ref, _ := x.Arena().Alloc(100)
		x.p.W.Body(ref, sim.NewMsgID(uint32(term), uint32(index)))
		c.Body = ref
		e, _ := ra.Seal(x.Arena(), nil, index, term, c)
		out = append(out, e)
	}
	x.log(name).Write(first, out)
}

// verify compares a recovered log with what was written: entries 1..70 of term 1, then of term 2.
func (x *program) verify(name string, safe consensus.Index) {
	l := x.s.Find(name)
	if l == nil {
		if safe > 0 {
			x.t.Errorf("%s is gone with %d durable entries", name, safe)
		}
		return
	}
	if len(l.Entries) < int(safe) {
		x.t.Errorf("%s: %d entries, %d were durable", name, len(l.Entries), safe)
	}
	for i, e := range l.Entries {
		body := x.Arena().Bytes(e.Cmd.Body)
		if e.Cmd.Seq != uint64(i+1) || !sim.CheckBody(body, sim.NewMsgID(uint32(e.Term), uint32(i+1))) {
			x.t.Fatalf("%s: entry %d is %d of term %d", name, i+1, e.Cmd.Seq, e.Term)
		}
	}
}

func world(t *testing.T, seed uint64, opt ra.Options) (*sim.World, *sim.Host, func() *program) {
	w := sim.NewWorld(seed, sim.NetSpec{})
	h := w.AddHost("n1", sim.HostSpec{Cores: 4, Server: true, Disk: sim.DiskSpec{Write: 2 * sim.Microsecond, Fsync: 500 * sim.Microsecond, Bandwidth: 200 << 20}})
	var check func(*program)
	svc := h.Install("server", sim.Range{}, func() sim.Program { return &program{t: t, opt: opt, check: check} })
	svc.Start()
	w.K.Run(sim.Millisecond)
	return w, h, func() *program { return svc.Program().(*program) }
}

// A power loss at every 300 µs of a stretch with two members, a conflict and small write-ahead logs: what
// was reported durable is there afterwards, in order, with the terms that were written last.
func TestPowerLossAnywhere(t *testing.T) {
	for k := range 60 {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			w, h, prog := world(t, uint64(k), ra.Options{MaxWAL: 4000, SegmentMax: 16})
			p := prog()
			at := w.Now()
			stop := at + sim.Time(k)*300*sim.Microsecond
			for i := range 20 {
				p.write("a", consensus.Index(1+5*i), 5, 1)
				p.write("b", consensus.Index(1+3*i), 3, 1)
				if i == 9 {
					if err := p.log("a").Save(2, 1); err != nil {
						t.Fatal(err)
					}
				}
				if w.K.Run(min(stop, w.Now()+sim.Millisecond)); w.Now() >= stop {
					break
				}
			}
			w.K.Run(stop)
			safe := p.safe
			h.PowerOff(sim.CrashTypical)
			w.K.Run(w.Now() + sim.Second)
			h.PowerOn(sim.Second)
			w.K.Run(w.Now() + 2*sim.Second)
			h.Service("server").Start()
			w.K.Run(w.Now() + 5*sim.Second)
			for _, name := range []string{"a", "b"} {
				prog().verify(name, safe[name])
			}
		})
	}
}

// A killed process finds everything that it wrote, once more after a second kill: the entries are in segments then.
func TestKillAndRestart(t *testing.T) {
	w, h, prog := world(t, 1, ra.Options{SegmentMax: 16})
	prog().write("a", 1, 70, 1)
	w.K.Run(w.Now() + 10*sim.Millisecond)
	prog().write("a", 41, 50, 2) // a new leader's entries replace the end
	w.K.Run(w.Now() + 10*sim.Millisecond)
	if err := prog().log("a").Save(3, 2); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		h.Service("server").Kill()
		h.Service("server").Start()
		w.K.Run(w.Now() + sim.Second)
		p := prog()
		l := p.log("a")
		if len(l.Entries) != 90 || l.Entries[39].Term != 1 || l.Entries[40].Term != 2 || l.Term != 3 || l.Vote != 2 {
			t.Fatalf("%d entries, term %d, vote %d", len(l.Entries), l.Term, l.Vote)
		}
		p.verify("a", 90)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("RAWA\x01\x00\x00\x00\x00\x02ab"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := ra.Frames(b, func(_ string, _ consensus.Index, _ consensus.Term, at, n int) bool {
			if _, head, err := wire.DecodeCommand(b[at : at+n]); err == nil && head > n {
				t.Errorf("head of %d bytes in %d", head, n)
			}
			return true
		})
		if n < 0 || n > len(b) {
			t.Errorf("%d of %d bytes are whole", n, len(b))
		}
	})
}
