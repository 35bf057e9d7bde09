package kafka_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

func (b *bench) select1(role, arg string) string {
	b.t.Helper()
	hosts := b.c.Select(role, arg, false)
	if len(hosts) != 1 {
		b.t.Fatalf("%s(%s) selects %d hosts", role, arg, len(hosts))
	}
	return hosts[0].Name
}

// Placement at t = 0: partition i on brokers i, i+1, i+2, its leader first; the last broker is controller.
func TestPlacementAndRoles(t *testing.T) {
	b := newBench(t, setup{seed: 3, acks: "all", rate: 10, duration: sim.Second, size: 100, parts: 4})
	for role, want := range map[string]string{
		"primary": "broker-1", "leader(t0-1)": "broker-2", "leader(t0-3)": "broker-1", "replica": "broker-2",
		"follower(t0-1)": "broker-3", "controller": "broker-3", "coordinator": "broker-3", "zookeeper": "zk-1",
	} {
		name, arg, _ := strings.Cut(strings.TrimSuffix(role, ")"), "(")
		if got := b.select1(name, arg); got != want {
			t.Errorf("%s is %s, want %s", role, got, want)
		}
	}
	if got := b.select1("group-coordinator", "g"); !strings.HasPrefix(got, "broker-") {
		t.Errorf("the group's coordinator is %s", got)
	}
	if n := len(b.c.Select("primary", "", true)); n != 3 {
		t.Errorf("%d leaders", n)
	}
	if n := len(b.c.Select("leader", "t9-0", false)); n != 0 {
		t.Errorf("a partition that does not exist has %d leaders", n)
	}
	var names []string
	for _, h := range b.c.Servers() {
		names = append(names, h.Name)
	}
	if want := []string{"zk-1", "zk-2", "zk-3", "broker-1", "broker-2", "broker-3"}; !slices.Equal(names, want) {
		t.Errorf("servers %v", names)
	}
	if got := b.c.PartitionName(0, 3); got != "t0-3" {
		t.Errorf("partition %s", got)
	}
}

// A member of the group dies: its partitions are read again, by the other one, when its session of 45 s
// has ended.
func TestConsumerCrash(t *testing.T) {
	for _, ack := range []models.AckMode{models.AckAfter, models.AckAuto} {
		b := newBench(t, setup{seed: 2, acks: "all", rate: 100, duration: 90 * sim.Second, size: 100, parts: 4, consumers: 2, ack: ack})
		b.at(10 * sim.Second)
		b.w.HostNamed("consumer-0").Service(models.ClientService).Kill()
		h := b.finish(90 * sim.Second)
		if len(h.Lost()) != 0 {
			t.Errorf("%d lost", len(h.Lost()))
		}
		first := sim.Time(-1)
		for _, e := range b.w.Trace.Events {
			if e.Kind == "consumer-assigned" && e.At > b.origin+10*sim.Second && first < 0 {
				first = e.At - b.origin - 10*sim.Second
			}
		}
		if first < 42*sim.Second || first > 49*sim.Second {
			b.dump()
			t.Errorf("the other member got the partitions after %v", first)
		}
	}
}

// A consumer that is stopped leaves its group, so that the others need not wait.
func TestConsumerLeaves(t *testing.T) {
	b := newBench(t, setup{seed: 2, acks: "all", rate: 100, duration: 20 * sim.Second, size: 100, parts: 4, consumers: 2})
	b.at(10 * sim.Second)
	b.w.HostNamed("consumer-1").Service(models.ClientService).Stop()
	b.at(15 * sim.Second)
	last := b.w.Trace.Events[len(b.w.Trace.Events)-1]
	if last.Kind != "consumer-assigned" || last.Host.Name != "consumer-0" || !strings.Contains(last.Text, "[0,1,2,3]") {
		b.dump()
		t.Errorf("the last event is %v: %s", last.Kind, last.Text)
	}
	if h := b.finish(20 * sim.Second); len(h.Lost()) != 0 {
		t.Errorf("%d lost", len(h.Lost()))
	}
}

// group: new begins where auto.offset.reset says: by default at the end, which is t = 0.
func TestNewGroup(t *testing.T) {
	b := newBench(t, setup{seed: 2, acks: "1", rate: 100, duration: 5 * sim.Second, size: 100, group: "new", ack: models.AckBefore})
	if h := b.finish(5 * sim.Second); len(h.Deliveries) != 500 {
		t.Errorf("%d deliveries", len(h.Deliveries))
	}
}

// After a crash the second replica leads; kafka-leader-election brings the first one back.
func TestPreferredElection(t *testing.T) {
	b := newBench(t, setup{seed: 2, acks: "all", rate: 100, duration: 60 * sim.Second, size: 100})
	b.at(2 * sim.Second)
	svc := b.w.HostNamed("broker-1").Service(models.ServerService)
	svc.Kill()
	b.at(25 * sim.Second)
	svc.Start()
	b.at(40 * sim.Second)
	if got := b.select1("primary", ""); got != "broker-2" {
		t.Fatalf("%s leads", got)
	}
	var answer models.OpAnswer
	b.c.Do(&models.Operation{Do: "preferred-election", Args: map[string]string{"partition": "t0-0"}}, func(a models.OpAnswer) { answer = a })
	b.at(41 * sim.Second)
	if got := b.select1("primary", ""); got != "broker-1" || !answer.OK {
		t.Errorf("%s leads: %+v", got, answer)
	}
	b.c.Do(&models.Operation{Do: "grow"}, func(a models.OpAnswer) { answer = a })
	if answer.OK || !strings.Contains(answer.Text, "not built") {
		t.Errorf("reassign is answered %+v", answer)
	}
	if h := b.finish(60 * sim.Second); len(h.Lost()) != 0 {
		t.Errorf("%d lost", len(h.Lost()))
	}
}

// A restart with other settings changes what the next incarnation is started with.
func TestHostSettings(t *testing.T) {
	b := newBench(t, setup{seed: 2, acks: "all", rate: 10, duration: sim.Second, size: 100})
	h := b.w.HostNamed("broker-2")
	for value, ok := range map[string]bool{"10000": true, "soon": false} {
		var answer models.OpAnswer
		b.c.Do(&models.Operation{Do: "host-settings", Hosts: []*sim.Host{h}, Args: map[string]string{"settings.replica.lag.time.max.ms": value}},
			func(a models.OpAnswer) { answer = a })
		if answer.OK != ok {
			t.Errorf("replica.lag.time.max.ms=%s: %+v", value, answer)
		}
	}
}

func promise(list []models.Promise, cause string) (models.LossClass, string) {
	for _, p := range list {
		if p.Cause == cause {
			return p.Class, p.By
		}
	}
	return models.Violation, ""
}

// The promise table: what each setting allows to be lost, and what nothing does.
func TestPromises(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup setup
		want  map[string]string // cause -> by, "" = violation
	}{
		{"acks=0", setup{acks: "0"}, map[string]string{
			"process-buffer": "acks=0", "unreplicated-tail": "acks=0", "reordered": "max.in.flight.requests.per.connection=5"}},
		{"acks=1", setup{acks: "1"}, map[string]string{
			"process-buffer": "", "unreplicated-tail": "acks=1", "truncated-by-new-leader": "acks=1",
			"unsynced-page-cache": "flush.messages (default: never)", "duplicate": "enable.idempotence=false"}},
		{"acks=all", setup{acks: "all"}, map[string]string{
			"process-buffer": "", "unreplicated-tail": "", "truncated-by-new-leader": "KIP-966",
			"unsynced-page-cache": "flush.messages (default: never)", "duplicate": "enable.auto.commit=true"}},
		{"acks=all, flush", setup{acks: "all", topic: []models.Entry{{Name: "flush.messages", Value: "1"}}}, map[string]string{
			"unreplicated-tail": "", "truncated-by-new-leader": "", "unsynced-page-cache": ""}},
		{"acks=all, min.isr=1", setup{acks: "all", topic: []models.Entry{{Name: "min.insync.replicas", Value: "1"}}}, map[string]string{
			"unreplicated-tail": "min.insync.replicas=1", "stranded": "min.insync.replicas=1"}},
		{"unclean", setup{acks: "all", topic: []models.Entry{{Name: "unclean.leader.election.enable", Value: "true"}}}, map[string]string{
			"unreplicated-tail": "unclean.leader.election.enable=true", "truncated-by-new-leader": "unclean.leader.election.enable=true"}},
	} {
		c.setup.seed, c.setup.rate, c.setup.duration, c.setup.size = 1, 10, sim.Second, 100
		list := build(t, c.setup).c.Promises()
		for cause, by := range c.want {
			class, got := promise(list, cause)
			if got != by || (class == models.Violation) != (by == "") {
				t.Errorf("%s: %s is %v by %q, want %q", c.name, cause, class, got, by)
			}
		}
		for _, p := range list {
			if p.By == "" || p.Why == "" {
				t.Errorf("%s: %s lacks its setting or its reason", c.name, p.Cause)
			}
		}
	}
}
