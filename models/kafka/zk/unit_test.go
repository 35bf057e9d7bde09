package zk

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// TestTrackerRounds: expiry is the first tick after last touch + timeout (ExpiryQueue), ticks being
// multiples on a clock of their own.
func TestTrackerRounds(t *testing.T) {
	const s = sim.Second
	tr := newTracker(2*s, 500*sim.Millisecond)
	tr.add(1, 18*s, 0, 1)
	require.Equal(t, 19500*sim.Millisecond, tr.next())
	require.True(t, tr.touch(1, 1400*sim.Millisecond))
	require.Equal(t, 19500*sim.Millisecond, tr.next())
	require.True(t, tr.touch(1, 1500*sim.Millisecond))
	require.Equal(t, 21500*sim.Millisecond, tr.next())
	tr.add(2, 6*s, 2*s, 0)
	require.Equal(t, 9500*sim.Millisecond, tr.next())
	require.Equal(t, OK, tr.check(2, 3))
	require.Equal(t, SessionMoved, tr.check(2, 1))
	require.Equal(t, SessionMoved, tr.check(1, 2))
	require.Empty(t, tr.expired(9499*sim.Millisecond))
	require.Equal(t, []int64{2}, tr.expired(9500*sim.Millisecond))
	require.Equal(t, SessionExpired, tr.check(2, 3))
	require.False(t, tr.touch(2, 9600*sim.Millisecond))
	tr.remove(2)
	require.Equal(t, 21500*sim.Millisecond, tr.next())
	tr.close(1)
	require.Zero(t, tr.next())
}

// TestPacketSizes: sizes added up by hand from zookeeper.jute.
func TestPacketSizes(t *testing.T) {
	require.Equal(t, 49, connectRequestSize)
	require.Equal(t, 41, connectResponseSize)
	require.Equal(t, 12, requestSize(pingRequest))
	require.Equal(t, 20, pingReplySize)
	size := func(q Request) int { return requestSize(&q) }
	// 4 length, 8 header, 4+2 path, 4+3 data, 4 + (4 + 4+5 + 4+6) acl, 4 flags
	require.Equal(t, 4+8+6+7+27+4, size(CreateRequest("/a", []byte("xyz"), Ephemeral)))
	require.Equal(t, 4+8+6+1, size(GetDataRequest("/a", true)))
	require.Equal(t, 4+8+6+7+4, size(SetDataRequest("/a", []byte("xyz"), 1)))
	require.Equal(t, 4+8+(9+6+4)+(9+6+7+4)+9, size(MultiRequest([]Op{CheckOp("/a", 1), SetDataOp("/a", []byte("xyz"), 1)})))
	require.Equal(t, 4+16+4+3+68, replySize(&reply{Response: Response{Op: OpGetData, Data: []byte("xyz")}}))
	require.Equal(t, 4+16, replySize(&reply{Response: Response{Op: OpGetData, Code: NoNode}}))
	require.Equal(t, 4+16+4+(4+1)+(4+2)+68, replySize(&reply{Response: Response{Op: OpGetChildren, Children: []string{"1", "10"}}}))
	require.Equal(t, 4+16+4+4+4+2, eventSize(&watcherEvent{WatchEvent{NodeDeleted, "/a"}}))
	require.Equal(t, 20+32+4, quorumSize(&proposal{newEntry(new(sim.Arena), &txn{zxid: 1, op: OpError})}))
}

func sampleTxns() []*txn {
	return []*txn{
		{session: 7, cxid: 1, zxid: 1, time: 1_700_000_000_000, op: OpCreateSession, timeout: 18 * sim.Second},
		{session: 7, cxid: 2, zxid: 2, op: OpCreate, path: "/a", data: []byte("x"), ephemeral: true, parentCversion: 1},
		{session: 7, cxid: 3, zxid: 3, op: OpSetData, path: "/a", data: []byte{}, version: 1},
		{session: 7, cxid: 4, zxid: 4, op: OpError, code: BadVersion},
		{session: 7, cxid: 5, zxid: 5, time: 9, op: OpMulti, ops: []txn{
			{session: 7, cxid: 5, zxid: 5, time: 9, op: OpCheck, path: "/a", version: 1},
			{session: 7, cxid: 5, zxid: 5, time: 9, op: OpCreate, path: "/b", data: []byte("y"), parentCversion: 2},
			{session: 7, cxid: 5, zxid: 5, time: 9, op: OpDelete, path: "/b"},
		}},
		{session: 7, zxid: 6, op: OpCloseSession, paths: []string{"/a"}},
	}
}

// TestRecords: what is written to the log is read back; every cut of the bytes is refused.
func TestRecords(t *testing.T) {
	var a sim.Arena
	for _, x := range sampleTxns() {
		b := a.Bytes(newEntry(&a, x).rec)
		got, n, err := decodeRecord(b)
		require.NoError(t, err)
		require.Equal(t, len(b), n)
		require.Equal(t, x, got)
		for cut := range b {
			_, _, err := decodeRecord(b[:cut])
			require.ErrorIs(t, err, errBadRecord)
			c := append([]byte(nil), b...)
			c[cut] ^= 0x10
			if _, _, err := decodeRecord(c); err == nil {
				t.Fatalf("%s: a flipped bit at %d was not noticed", x.op, cut)
			}
		}
	}
}

// FuzzDecodeRecord: no input makes the decoder panic, and what it accepts encodes to the same bytes.
func FuzzDecodeRecord(f *testing.F) {
	var a sim.Arena
	for _, x := range sampleTxns() {
		f.Add(a.Bytes(newEntry(&a, x).rec))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, n, err := decodeRecord(b)
		if err != nil {
			return
		}
		require.LessOrEqual(t, n, len(b))
		require.NotNil(t, x)
	})
}

// voters is a network of elections with messages in flight.
type voters struct {
	all    []*election
	flight []struct {
		to serverID
		n  notification
	}
	timers []bool
	leader []serverID
	down   []bool
}

type voter struct {
	v  *voters
	id serverID
}

func (x voter) sendVote(to serverID, n notification) {
	if !x.v.down[to-1] && !x.v.down[x.id-1] {
		x.v.flight = append(x.v.flight, struct {
			to serverID
			n  notification
		}{to, n})
	}
}
func (x voter) electionTimer(d sim.Time) { x.v.timers[x.id-1] = true }
func (x voter) elected(leader serverID)  { x.v.leader[x.id-1] = leader }
func (v *voters) settledState(i int) peerState {
	if v.leader[i] == serverID(i+1) {
		return leading
	}
	return following
}

// TestElection: under any order of messages all servers elect the one with the newest epoch and log,
// and one that comes later joins it.
func TestElection(t *testing.T) {
	for seed := range uint64(300) {
		r := sim.NewRand(seed, "election")
		n := 3 + 2*int(r.Below(2))
		v := &voters{timers: make([]bool, n), leader: make([]serverID, n), down: make([]bool, n)}
		zxid := make([]int64, n)
		epoch := make([]int64, n)
		for i := range n {
			v.all = append(v.all, newElection(voter{v, serverID(i + 1)}, serverID(i+1), n))
			zxid[i], epoch[i] = int64(r.Below(3)), int64(r.Below(2))
		}
		late := int(r.Below(uint64(n)))
		v.down[late] = true
		best := -1
		for i := range n {
			if i == late {
				continue
			}
			v.all[i].round = int64(r.Below(3))
			if best < 0 || (vote{serverID(i + 1), zxid[i], epoch[i], 0}).better(vote{serverID(best + 1), zxid[best], epoch[best], 0}) {
				best = i
			}
		}
		for i := range n {
			if i != late {
				v.all[i].start(zxid[i], epoch[i])
			}
		}
		v.play(r)
		for i := range n {
			if i != late {
				require.Equal(t, serverID(best+1), v.leader[i], "seed %d, server %d", seed, i+1)
			}
		}
		v.down[late] = false
		v.all[late].start(zxid[late], epoch[late])
		v.play(r)
		require.Equal(t, serverID(best+1), v.leader[late], "seed %d", seed)
	}
}

// play delivers messages, in order per pair of servers, before any timer fires.
func (v *voters) play(r *sim.Rand) {
	for range 10_000 {
		if len(v.flight) == 0 {
			fired := false
			for i, e := range v.all {
				if v.timers[i] && e.running {
					v.timers[i] = false
					e.timeout()
					fired = true
					break
				}
			}
			if !fired {
				return
			}
			continue
		}
		i := int(r.Below(uint64(len(v.flight))))
		for j := range i { // the first of that pair
			if v.flight[j].to == v.flight[i].to && v.flight[j].n.from == v.flight[i].n.from {
				i = j
				break
			}
		}
		m := v.flight[i]
		v.flight = append(v.flight[:i], v.flight[i+1:]...)
		e := v.all[m.to-1]
		if v.down[m.to-1] {
			continue
		}
		if e.running {
			e.receive(m.n)
		} else if m.n.state == looking && v.leader[m.to-1] != 0 {
			voter{v, m.to}.sendVote(m.n.from, e.settled(v.settledState(int(m.to-1))))
		}
	}
	panic(fmt.Sprintf("no end of the election: %d in flight", len(v.flight)))
}
