package client

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// fakeCluster is a set of scripted brokers: what a client asks for its own purposes (versions,
// metadata, producer ids, coordinators) they answer by themselves, everything else waits for the script.
type fakeCluster struct {
	w       *sim.World
	hosts   []*sim.Host
	leaders []partMeta // of topic t0
	pids    int64
	mute    map[string]bool // request kinds that are left unanswered
	waiting []pendingCall
	offset  int64
	out     strings.Builder
	from    sim.Time
}

type pendingCall struct {
	broker int32
	c      *sim.Conn
	m      wire.Request
}

type fakeBroker struct {
	f  *fakeCluster
	p  *sim.Proc
	id int32
}

func newFakeCluster(brokers, partitions int) *fakeCluster {
	f := &fakeCluster{w: sim.NewWorld(1, sim.NetSpec{Latency: 250 * sim.Microsecond}), pids: 1000, mute: map[string]bool{}}
	for i := range brokers {
		h := f.w.AddHost("broker-"+strconv.Itoa(i+1), sim.HostSpec{Cores: 4, Server: true})
		f.hosts = append(f.hosts, h)
		id := int32(i + 1)
		h.Install(models.ServerService, sim.Range{}, func() sim.Program { return &fakeBroker{f: f, id: id} })
		h.Service(models.ServerService).Start()
	}
	for range partitions {
		f.leaders = append(f.leaders, partMeta{1, 5})
	}
	return f
}

func (f *fakeCluster) logf(format string, args ...any) {
	at := f.w.Now() - f.from
	fmt.Fprintf(&f.out, "%8d.%03d ms  ", at/sim.Millisecond, at/sim.Microsecond%1000)
	fmt.Fprintf(&f.out, format+"\n", args...)
}

func (f *fakeCluster) take() string {
	s := f.out.String()
	f.out.Reset()
	return s
}

func (b *fakeBroker) Boot(p *sim.Proc) {
	b.p = p
	p.Listen(wire.ClientPort)
}
func (b *fakeBroker) Timer(uint16, uint32)                  {}
func (b *fakeBroker) Accept(*sim.Conn)                      {}
func (b *fakeBroker) Connected(*sim.Conn, error)            {}
func (b *fakeBroker) Closed(*sim.Conn, sim.CloseReason)     {}
func (b *fakeBroker) Synced(uint32, error)                  {}
func (b *fakeBroker) Stop()                                 {}
func (b *fakeBroker) say(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func (b *fakeBroker) Receive(c *sim.Conn, m any) {
	f := b.f
	h := wire.RespHeader{Corr: m.(wire.Request).Correlation()}
	send := func(r wire.Response) { c.Send(r, r.Size()) }
	switch m := m.(type) {
	case *wire.ApiVersionsRequest:
		send(&wire.ApiVersionsResponse{RespHeader: h})
	case *wire.MetadataRequest:
		if f.mute["metadata"] {
			f.logf("broker-%d <- metadata (left unanswered)", b.id)
			return
		}
		f.logf("broker-%d <- metadata", b.id)
		send(f.metadata(h, m))
	case *wire.InitProducerIdRequest:
		f.logf("broker-%d <- init-producer-id", b.id)
		f.pids++
		send(&wire.InitProducerIdResponse{RespHeader: h, ProducerID: f.pids, Epoch: 0})
	case *wire.FindCoordinatorRequest:
		f.logf("broker-%d <- find-coordinator %s", b.id, m.Group)
		send(&wire.FindCoordinatorResponse{RespHeader: h, Group: m.Group, Node: wire.Node{ID: 1, Host: "broker-1"}})
	default:
		f.logf("broker-%d <- %s", b.id, f.describe(m.(wire.Request)))
		f.waiting = append(f.waiting, pendingCall{b.id, c, m.(wire.Request)})
	}
}

func (f *fakeCluster) metadata(h wire.RespHeader, m *wire.MetadataRequest) *wire.MetadataResponse {
	r := &wire.MetadataResponse{RespHeader: h, Controller: 1}
	for i, host := range f.hosts {
		r.Brokers = append(r.Brokers, wire.Node{ID: int32(i + 1), Host: host.Name})
	}
	for _, name := range m.Topics {
		t := wire.TopicMetadata{Topic: name}
		for i, at := range f.leaders {
			p := wire.PartitionMetadata{Partition: int32(i), Leader: at.leader, LeaderEpoch: at.epoch}
			if at.leader < 0 {
				p.Err = wire.LeaderNotAvailable
			}
			t.Parts = append(t.Parts, p)
		}
		r.Topics = append(r.Topics, t)
	}
	return r
}

// describe prints a request as a transcript shows it.
func (f *fakeCluster) describe(m wire.Request) string {
	switch m := m.(type) {
	case *wire.ProduceRequest:
		s := fmt.Sprintf("produce acks=%d", m.Acks)
		for i := range m.Parts {
			p := &m.Parts[i]
			cur := log.NewCursor(&f.w.Arena, p.Refs)
			for cur.Next() {
				crc := ""
				if !cur.Valid() {
					crc = " BAD CRC"
				}
				s += fmt.Sprintf(" t0-%d[", p.Partition)
				if h := cur.Header; h.ProducerID() >= 0 {
					s += fmt.Sprintf("pid %d epoch %d seq %d:", h.ProducerID(), h.ProducerEpoch(), h.BaseSequence())
				}
				recs := cur.Records()
				for n := 0; recs.Next(); n++ {
					id, ok := sim.BodyID(recs.Record.Value)
					if !ok {
						s += " ?"
						continue
					}
					s += " " + id.String()
				}
				s += "]" + crc
			}
		}
		return s
	case *wire.FetchRequest:
		s := fmt.Sprintf("fetch session %d/%d", m.SessionID, m.SessionEpoch)
		if m.Rack != "" {
			s += " rack=" + m.Rack
		}
		for _, p := range m.Parts {
			s += fmt.Sprintf(" t0-%d@%d(epoch %d)", p.Partition, p.Offset, p.CurrentLeaderEpoch)
		}
		for _, p := range m.Forgotten {
			s += fmt.Sprintf(" forget t0-%d", p.Partition)
		}
		return s
	case *wire.JoinGroupRequest:
		s := fmt.Sprintf("join %s member=%q", m.Group, m.Member)
		if m.Instance != "" {
			s += " instance=" + m.Instance
		}
		for _, p := range m.Protocols {
			s += " " + p.Name
			sub := subscriberOf(assignorNamed(p.Name), &wire.GroupMember{Metadata: p.Metadata})
			for _, o := range sub.owned {
				s += fmt.Sprintf(" owns %v of generation %d", o.parts, sub.generation)
			}
		}
		return s
	case *wire.SyncGroupRequest:
		s := fmt.Sprintf("sync %s generation=%d", m.Group, m.Generation)
		for _, a := range m.Assignments {
			s += fmt.Sprintf(" %s=%v", a.Member, decodeAssignment(a.Data, "t0"))
		}
		return s
	case *wire.HeartbeatRequest:
		return fmt.Sprintf("heartbeat generation=%d", m.Generation)
	case *wire.LeaveGroupRequest:
		return fmt.Sprintf("leave %s", m.Member)
	case *wire.OffsetCommitRequest:
		s := fmt.Sprintf("commit generation=%d", m.Generation)
		for _, p := range m.Parts {
			s += fmt.Sprintf(" t0-%d=%d", p.Partition, p.Offset)
		}
		return s
	case *wire.OffsetFetchRequest:
		s := "offset-fetch"
		for _, p := range m.Parts {
			s += fmt.Sprintf(" t0-%d", p.Partition)
		}
		return s
	case *wire.ListOffsetsRequest:
		return fmt.Sprintf("list-offsets t0-%d at %d", m.Parts[0].Partition, m.Parts[0].Timestamp)
	case *wire.OffsetsForLeaderEpochRequest:
		return fmt.Sprintf("end-of-epoch t0-%d epoch %d (current %d)", m.Parts[0].Partition, m.Parts[0].LeaderEpoch, m.Parts[0].CurrentLeaderEpoch)
	}
	return fmt.Sprintf("%T", m)
}

// pick takes the oldest waiting request, of one broker if it is named.
func (f *fakeCluster) pick(t *testing.T, broker int32) pendingCall {
	t.Helper()
	for i, p := range f.waiting {
		if broker == 0 || p.broker == broker {
			f.waiting = append(f.waiting[:i:i], f.waiting[i+1:]...)
			return p
		}
	}
	t.Fatalf("no request waits at broker %d", broker)
	return pendingCall{}
}

// answer sends a response from the broker's end of the connection.
func (p pendingCall) answer(r wire.Response) { p.c.Send(r, r.Size()) }

func errorNamed(t *testing.T, name string) wire.Error {
	t.Helper()
	for e := wire.UnknownServerError; e < 120; e++ {
		if e.String() == name && (name == "UNKNOWN_SERVER_ERROR") == (e == wire.UnknownServerError) {
			return e
		}
	}
	t.Fatalf("no error is named %s", name)
	return 0
}

// resolve makes settings of a 3.9 cluster; each entry is section/name=value, or version=2.4.
func resolve(t testing.TB, entries ...string) *models.Resolved {
	t.Helper()
	sys := &models.System{Name: "kafka", Model: "kafka", Version: "3.9"}
	sys.Sections[models.Topology] = models.Settings{{Name: "coordination", Value: "zookeeper"}}
	for _, e := range entries {
		name, value, _ := strings.Cut(e, "=")
		if name == "version" {
			sys.Version = value
			continue
		}
		word, name, _ := strings.Cut(name, "/")
		section, ok := models.SectionNamed(word)
		if !ok {
			t.Fatalf("no section %q", word)
		}
		sys.Sections[section] = append(sys.Sections[section], models.Entry{Name: name, Value: value})
	}
	table := *profile.Table()
	table.Versions = slices.Clone(table.Versions)
	for i := range table.Versions {
		table.Versions[i].Built = true // clients know versions whose brokers may not be built
	}
	r, problems := models.Resolve(&table, sys)
	for _, p := range problems {
		if !p.Warn {
			t.Fatalf("%s: %s", p.Path, p.Text)
		}
	}
	return r
}

// section is a setting's place for resolve.
func section(word, name string) string {
	if name == "version" {
		return name
	}
	return word + "/" + name
}
