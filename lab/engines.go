package lab

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/mqsim/mqsim/sim"
)

var engines = experiment{
	id:    "engines",
	title: Text{En: "The storage engines of this project on real files, messages of 1 KiB", Zh: "本项目的存储引擎在真实文件上（1 KiB 消息）"},
	lesson: Text{
		En: "What an engine does beyond write(2) and read(2): offsets, checksums, indexes, queues, segments, and the simulator's own bookkeeping of pages. Batches of 16 show what an engine costs by call.\nrecover is a killed process that opens its files again; nothing is synced here (a run's durability is simulated), so compare with the page-cache rows.",
		Zh: "引擎在 write(2)/read(2) 之外所做的事：偏移量、校验和、索引、队列、分段，以及模拟器自身的页面记账；16 条一批的行显示按调用付出的代价。\nrecover 指进程被杀后重新打开文件；这里不做真实刷盘（持久性由模拟决定），请与 page-cache 行比较。",
	},
	run: runEngines,
}

// store is a storage engine with a leader and a copy of it, each on its own files. The messages exist
// before: making them is the producer's work.
type store interface {
	// append stores all messages at the leader, replicate brings them to the copy.
	append() error
	replicate() error
	// read hands all of them to a consumer.
	read() (n int, err error)
	// recover kills the leader's process and starts it again; it tells how many messages it then has.
	recover() (n int, err error)
	close() error
}

// stores are the engines: each makes n messages of 1 KiB.
var stores = []struct {
	name string
	open func(dir string, n int) (store, error)
}{
	{"plain", openPlain},
	{"kafka", func(dir string, n int) (store, error) { return openKafka(dir, n, 1) }},
	{"kafka-batch-16", func(dir string, n int) (store, error) { return openKafka(dir, n, 16) }},
	{"rocketmq", openRocketMQ},
	{"rabbitmq", openRabbitMQ},
}

// perWorld bounds the messages of a world, which holds each of them in memory as well.
const perWorld = 32 << 10

func runEngines(b *bench) error {
	n := min(int(b.opt.Size/4/message), perWorld)
	for _, e := range stores {
		dir := filepath.Join(b.dir, e.name)
		if err := sim.PrepareDataDir(dir); err != nil {
			return err
		}
		s, err := e.open(dir, n)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		err = b.life(e.name, s, n)
		if closing := s.close(); err == nil {
			err = closing
		}
		os.RemoveAll(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	b.note("rabbitmq/read delivers from what the process has in memory, as a node does with bodies below 4 KiB; the other engines read the file",
		"rabbitmq/read 从进程内存投递（节点对小于 4 KiB 的消息体即如此），其余引擎读取文件")
	return nil
}

// life measures what happens to n messages, once each.
func (b *bench) life(name string, s store, n int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := func(f func() error) func() (int, error) { return func() (int, error) { return n, f() } }
	for _, step := range []struct {
		name string
		run  func() (int, error)
	}{{"append", all(s.append)}, {"replicate", all(s.replicate)}, {"recover", s.recover}, {"read", s.read}} {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		runtime.GC()
		cpu, start := cpuTime(), time.Now()
		got, err := step.run()
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if got != n {
			return fmt.Errorf("%s: %d messages of %d", step.name, got, n)
		}
		b.add(name+"/"+step.name, int64(n), message, time.Since(start), cpuTime()-cpu)
	}
	return nil
}

// plain is what the operating system needs without an engine: write(2) and pread(2) on two files.
type plain struct {
	n              int
	body           []byte
	leader, copied *os.File
}

const chunk = 64 << 10 // of a fetch

func openPlain(dir string, n int) (store, error) {
	p := &plain{n: n, body: noise(message)}
	var err error
	if p.leader, err = os.Create(filepath.Join(dir, "leader")); err != nil {
		return nil, err
	}
	p.copied, err = os.Create(filepath.Join(dir, "copy"))
	return p, err
}

func (p *plain) append() error {
	for range p.n {
		if _, err := p.leader.Write(p.body); err != nil {
			return err
		}
	}
	return nil
}

// pass reads the leader's file from end to end.
func (p *plain) pass(visit func([]byte) error) (n int, err error) {
	buf := make([]byte, chunk)
	for at := int64(0); ; {
		k, err := p.leader.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if k == 0 {
			return int(at / message), nil
		}
		if err := visit(buf[:k]); err != nil {
			return 0, err
		}
		at += int64(k)
	}
}

func (p *plain) replicate() error {
	_, err := p.pass(func(b []byte) error { _, err := p.copied.Write(b); return err })
	return err
}

func (p *plain) read() (int, error) { return p.pass(func([]byte) error { return nil }) }

func (p *plain) recover() (int, error) {
	table := crc32.MakeTable(crc32.Castagnoli)
	return p.pass(func(b []byte) error { sum += crc32.Checksum(b, table); return nil })
}

func (p *plain) close() error {
	p.leader.Close()
	return p.copied.Close()
}

// machine is a host of a world with one program: a store. The store of an incarnation is made by boot.
type machine struct {
	w      *sim.World
	svc    *sim.Service
	p      *sim.Proc
	boot   func(p *sim.Proc) error
	timer  func(kind uint16, arg uint32)
	synced func(arg uint32, err error)
	err    error
}

// worldIn is a world whose files are in a directory.
func worldIn(dir string) *sim.World {
	w := sim.NewWorld(1, sim.NetSpec{})
	w.DataDir = dir
	return w
}

func newMachine(w *sim.World, name string) *machine {
	m := &machine{w: w, timer: func(uint16, uint32) {}, synced: func(uint32, error) {}}
	host := w.AddHost(name, sim.HostSpec{Cores: 2, Disks: 1, Disk: sim.DiskSpec{
		Write: 2 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 500 << 20,
	}})
	m.svc = host.Install("store", sim.Range{}, func() sim.Program { return m })
	return m
}

// start boots the program, and waits in virtual time until it serves.
func (m *machine) start() error {
	m.p = nil
	m.svc.Start()
	for m.p == nil {
		if !m.w.K.Step() {
			return fmt.Errorf("the program does not boot")
		}
	}
	return m.err
}

// wait lets virtual time pass: syncs and timers of the engine.
func (m *machine) wait(d sim.Time) { m.w.K.Run(m.w.Now() + d) }

// restart kills the program and boots it again.
func (m *machine) restart() error {
	m.svc.Kill()
	return m.start()
}

func (m *machine) Boot(p *sim.Proc)                  { m.p = p; m.err = m.boot(p) }
func (m *machine) Timer(kind uint16, arg uint32)     { m.timer(kind, arg) }
func (m *machine) Synced(arg uint32, err error)      { m.synced(arg, err) }
func (m *machine) Stop()                             { m.p.Exit() }
func (m *machine) Accept(*sim.Conn)                  {}
func (m *machine) Connected(*sim.Conn, error)        {}
func (m *machine) Receive(*sim.Conn, any)            {}
func (m *machine) Closed(*sim.Conn, sim.CloseReason) {}
