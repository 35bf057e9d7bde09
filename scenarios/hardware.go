package scenarios

import (
	"github.com/mqsim/mqsim/sim"
)

// Hardware is what the hosts of a run are made of: a named profile with the overrides of network:,
// disk: and cpu:.
type Hardware struct {
	Profile      string
	Cores        int
	SharedCPU    bool     // all hosts share Cores
	Latency      sim.Time // one way between two hosts
	Jitter       sim.Time // uniform, plus or minus
	NIC          int64    // bytes per second, each direction
	Write        sim.Time // one call into the page cache
	Fsync        sim.Time // one sync, without its bytes
	Bandwidth    int64    // of a disk, bytes per second
	RandomAccess sim.Time // of a disk
	Capacity     int64    // of a disk, bytes
	Memory       int64    // of a host, bytes
}

// Disk and memory sizes are assumptions; no outcome depends on them unless a fault fills them.
const (
	defaultCapacity = 100_000_000_000
	defaultMemory   = 8 << 30
)

// profiles are the rows of the language's hardware table, with the sizes above.
var profiles = []Hardware{
	{Profile: "cloud-ssd", Cores: 4, Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, NIC: 10e9 / 8,
		Write: 20 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400e6},
	{Profile: "nvme", Cores: 16, Latency: 50 * sim.Microsecond, Jitter: 10 * sim.Microsecond, NIC: 25e9 / 8,
		Write: 10 * sim.Microsecond, Fsync: 100 * sim.Microsecond, Bandwidth: 2e9},
	{Profile: "hdd", Cores: 4, Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, NIC: 1e9 / 8,
		Write: 20 * sim.Microsecond, Fsync: 12 * sim.Millisecond, Bandwidth: 150e6, RandomAccess: 8 * sim.Millisecond},
	{Profile: "cross-zone", Cores: 4, Latency: sim.Millisecond, Jitter: 200 * sim.Microsecond, NIC: 10e9 / 8,
		Write: 20 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400e6},
	{Profile: "truth-vm", Cores: 2, SharedCPU: true, Latency: 30 * sim.Microsecond, Jitter: 10 * sim.Microsecond, NIC: 10e9 / 8,
		Write: 20 * sim.Microsecond, Fsync: 280 * sim.Microsecond, Bandwidth: 300e6},
}

// DiskSpec and NetSpec are the hardware in the world's words.
func (h Hardware) DiskSpec() sim.DiskSpec {
	return sim.DiskSpec{Write: h.Write, Fsync: h.Fsync, Bandwidth: h.Bandwidth, RandomAccess: h.RandomAccess, Capacity: h.Capacity}
}

// NetSpec is the network between the hosts.
func (h Hardware) NetSpec() sim.NetSpec {
	return sim.NetSpec{Latency: h.Latency, Jitter: h.Jitter, Bandwidth: h.NIC}
}

// HostSpec is a template of a server host. With SharedCPU the caller sets CPU.
func (h Hardware) HostSpec() sim.HostSpec {
	return sim.HostSpec{Cores: h.Cores, NIC: h.NIC, Disks: 1, Disk: h.DiskSpec(), Server: true, Memory: h.Memory}
}

func profileNames() []string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.Profile)
	}
	return out
}

const maxBytes = int64(1) << 50

func (d *decoder) hardware(root *object) Hardware {
	h := profiles[0]
	name := root.word("hardware", h.Profile, profileNames()...)
	for _, p := range profiles {
		if p.Profile == name {
			h = p
		}
	}
	h.Capacity, h.Memory = defaultCapacity, defaultMemory
	if net := d.object(root.field("network"), "network"); net != nil {
		h.Latency = net.span("latency", h.Latency)
		h.Jitter = net.span("jitter", min(h.Jitter, h.Latency))
		h.NIC = net.bandwidth("bandwidth", h.NIC)
		if h.Jitter > h.Latency {
			net.fail("jitter", "must not be above latency (%s)", h.Latency)
		}
		if h.NIC < 1000 {
			net.fail("bandwidth", "must be at least 1kB")
		}
		net.done()
	}
	if disk := d.object(root.field("disk"), "disk"); disk != nil {
		h.Write = disk.span("write", h.Write)
		h.Fsync = disk.span("fsync", h.Fsync)
		h.Bandwidth = disk.bandwidth("bandwidth", h.Bandwidth)
		h.RandomAccess = disk.span("randomAccess", h.RandomAccess)
		h.Capacity = disk.size("capacity", h.Capacity)
		if h.Bandwidth < 1000 {
			disk.fail("bandwidth", "must be at least 1kB")
		}
		if h.Capacity < 1<<20 || h.Capacity > maxBytes {
			disk.fail("capacity", "must be between 1MiB and 1024TiB")
		}
		disk.done()
	}
	if cpu := d.object(root.field("cpu"), "cpu"); cpu != nil {
		h.Cores = int(cpu.count("cores", int64(h.Cores), 1, 256))
		h.SharedCPU = cpu.boolean("shared", h.SharedCPU)
		h.Memory = cpu.size("memory", h.Memory)
		if h.Memory < 1<<20 || h.Memory > maxBytes {
			cpu.fail("memory", "must be between 1MiB and 1024TiB")
		}
		cpu.done()
	}
	return h
}

// boots are exec-until-serving times; RabbitMQ's is measured, the others are assumptions.
type boots struct {
	os     sim.Range
	models []modelBoot
}

type modelBoot struct {
	model string
	boot  sim.Range
}

func (d *decoder) boots(root *object) boots {
	b := boots{os: sim.Range{Min: 30 * sim.Second, Max: 30 * sim.Second}, models: []modelBoot{
		{"kafka", sim.Range{Min: 5 * sim.Second, Max: 5 * sim.Second}},
		{"rocketmq", sim.Range{Min: 3 * sim.Second, Max: 3 * sim.Second}},
		{"rabbitmq", sim.Range{Min: 6800 * sim.Millisecond, Max: 7800 * sim.Millisecond}},
	}}
	o := d.object(root.field("boot"), "boot")
	if o == nil {
		return b
	}
	if n := o.field("os"); n != nil {
		if r, ok := d.rangeOf(n, "boot.os"); ok {
			b.os = r
		}
	}
	for i, m := range b.models {
		if n := o.field(m.model); n != nil {
			if r, ok := d.rangeOf(n, "boot."+m.model); ok {
				b.models[i].boot = r
			}
		}
	}
	o.done()
	return b
}

func (b boots) of(model string) sim.Range {
	for _, m := range b.models {
		if m.model == model {
			return m.boot
		}
	}
	return sim.Range{}
}
