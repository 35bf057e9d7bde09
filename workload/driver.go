package workload

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Driver runs the applications of a load: it puts each client on a host of its own, drives the
// model's client libraries on schedule and writes the history.
type Driver struct {
	w      *sim.World
	c      models.Cluster
	cfg    *models.Config
	spec   *Spec
	h      *History
	origin sim.Time // t = 0 in the world's clock; set by StartLoad
	ended  bool

	producers []*producer
	backlogs  []*producer
	consumers []*consumer

	lastAnswer sim.Time // absolute: the last answer or delivery
}

// clientMachine is the host of one client: never the bottleneck.
var clientMachine = sim.HostSpec{Cores: 8}

// NewDriver installs the clients of a load. Nothing runs before the Start methods are called.
func NewDriver(w *sim.World, c models.Cluster, cfg *models.Config, spec *Spec) *Driver {
	d := &Driver{w: w, c: c, cfg: cfg, spec: spec}
	groups := map[string]int{}
	var streams []StreamInfo
	var producers []ProducerInfo
	var consumers []ConsumerInfo
	var groupInfos []GroupInfo
	byName := map[string]int{}
	for i := range cfg.Streams {
		byName[cfg.Streams[i].Name] = i
	}
	for i := range cfg.Streams {
		s := &cfg.Streams[i]
		info := StreamInfo{Name: s.Name, MessageSize: s.MessageSize}
		for p := range c.Partitions(i) {
			info.Partitions = append(info.Partitions, c.PartitionName(i, int32(p)))
		}
		streams = append(streams, info)
		for g := range s.Producers {
			for k := range s.Producers[g].Count {
				p := d.addProducer(i, &s.Producers[g], k, byName)
				producers = append(producers, ProducerInfo{Name: p.spec.Name, Stream: i, To: p.spec.To, Each: p.each()})
			}
		}
		for g := range s.Consumers {
			cg := &s.Consumers[g]
			name, fresh := cg.Group, false
			if name == "new" {
				name, fresh = fmt.Sprintf("new-%d", len(groupInfos)), true
			}
			if _, ok := groups[name]; !ok {
				groups[name] = len(groupInfos)
				groupInfos = append(groupInfos, GroupInfo{Name: name, Fresh: fresh})
			}
			for range cg.Count {
				x := d.addConsumer(i, cg, name)
				start := cg.Start
				if cg.Drain {
					start = spec.Duration
				}
				consumers = append(consumers, ConsumerInfo{Name: x.spec.Name, Stream: i, Group: groups[name], Start: start})
			}
		}
	}
	for i := range cfg.Streams {
		if n := cfg.Streams[i].Backlog; n > 0 {
			p := d.addBacklog(i, n)
			producers = append(producers, ProducerInfo{Name: p.spec.Name, Stream: i})
		}
	}
	d.h = NewHistory(streams, producers, groupInfos, consumers, c.Statuses())
	expected := 0
	for i, p := range d.producers {
		d.h.Reserve(i, p.expected())
		expected += p.expected()
	}
	if len(consumers) > 0 {
		d.h.ReserveDeliveries(expected)
	}
	return d
}

// History is the record that the driver writes. Its times are absolute until StartLoad.
func (d *Driver) History() *History { return d.h }

func (d *Driver) now() sim.Time { return d.w.Now() - d.origin }

func (d *Driver) install(name string, mk func() sim.Program, onBoot func(*sim.Proc)) *sim.Service {
	host := d.w.AddHost(name, clientMachine)
	svc := host.Install(models.ClientService, sim.Range{}, mk)
	svc.OnBoot = onBoot
	return svc
}

// settings are those of one client: the system's with what its stream and its group write over them.
func (d *Driver) settings(stream int, section models.Section, over models.Settings) *models.Resolved {
	if d.cfg.Set == nil {
		return nil // a model without a table: only tests have one
	}
	return d.cfg.Set.ForStream(&d.cfg.Streams[stream]).With(section, over)
}

// StartBacklogs sends the backlogs; BacklogsDone says when every message of them is acked.
func (d *Driver) StartBacklogs() {
	for _, p := range d.backlogs {
		p.svc.Start()
	}
}

// BacklogsDone says whether every backlog is sent and acked; if not, why.
func (d *Driver) BacklogsDone() (bool, string) {
	for _, p := range d.backlogs {
		if int64(p.acked) < p.limit {
			return false, fmt.Sprintf("%s: %d of %d backlog messages are acked", p.spec.Name, p.acked, p.limit)
		}
	}
	for _, p := range d.backlogs {
		p.svc.Kill()
	}
	return true, ""
}

// StartClients connects producers and the consumers that run from the start.
func (d *Driver) StartClients() {
	for _, x := range d.consumers {
		if !x.group.Drain && x.group.Start <= 0 {
			x.svc.Start()
		}
	}
	for _, p := range d.producers {
		p.svc.Start()
	}
}

// ClientsReady says whether producers have metadata and consumers their assignment; if not, who lacks it.
func (d *Driver) ClientsReady() (bool, string) {
	for _, p := range d.producers {
		if p.client == nil || !p.client.Ready() {
			return false, p.spec.Name + " is not connected"
		}
	}
	for _, x := range d.consumers {
		if !x.group.Drain && x.group.Start <= 0 && (x.client == nil || !x.client.Ready()) {
			return false, x.spec.Name + " has no assignment"
		}
	}
	return true, ""
}

// StartLoad makes this moment t = 0 and begins the schedules.
func (d *Driver) StartLoad() {
	d.origin = d.w.Now()
	d.h.shift(-d.origin)
	d.lastAnswer = d.origin
	for _, p := range d.producers {
		p.begin()
	}
	for _, x := range d.consumers {
		if !x.group.Drain && x.group.Start > 0 {
			x.svc.Host.After(x.group.Start, x.svc.Start)
		}
	}
}

// EndLoad stops new sends; what fell due and never began is not attempted. Consumers with
// start: drain begin.
func (d *Driver) EndLoad() {
	d.ended = true
	d.lastAnswer = d.w.Now()
	for _, p := range d.producers {
		p.end()
	}
	for _, x := range d.consumers {
		if !x.svc.Running() && x.svc.Host.Up {
			x.svc.Start()
		}
	}
}

// Drained says whether nothing is left to wait for: no send is open and every acked message was
// received by those it is owed to.
func (d *Driver) Drained() bool { return d.h.Open() == 0 && d.h.Unreceived() == 0 }

// LastAnswer is when an application last heard something, in the world's clock.
func (d *Driver) LastAnswer() sim.Time { return d.lastAnswer }

// Finish closes the record and marks consumers that did not live until the end.
func (d *Driver) Finish() {
	for i, x := range d.consumers {
		d.h.Consumers[i].Gone = !x.svc.Running()
	}
	d.h.Close(d.now())
}

// SetRate changes the schedule of the producers on the given hosts (operation set-rate).
func (d *Driver) SetRate(hosts []*sim.Host, rate []models.RateStep) error {
	hit := false
	for _, p := range d.producers {
		for _, h := range hosts {
			if p.svc.Host == h || len(hosts) == 0 {
				p.setRate(rate)
				hit = true
			}
		}
	}
	if !hit {
		return fmt.Errorf("no producer is among the selected hosts")
	}
	return nil
}

// shift moves every time of the record.
func (h *History) shift(by sim.Time) {
	for p := range h.sends {
		for i := range h.sends[p] {
			s := &h.sends[p][i]
			s.Due += by
			s.Begun += by
			if s.Done != Never {
				s.Done += by
			}
		}
	}
	for i := range h.Deliveries {
		h.Deliveries[i].At += by
	}
}
