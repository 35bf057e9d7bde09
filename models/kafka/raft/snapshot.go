package raft

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// snapshotSuffix ends the name of a snapshot: END-EPOCH.checkpoint, twenty and ten digits
// (Snapshots.java).
const snapshotSuffix = ".checkpoint"

// snapshotPart is the largest part of a snapshot in one answer.
const snapshotPart = 8 << 20

// snapshots is what a replica knows of snapshots: the newest on its disk, and the one that its leader
// told it to fetch.
type snapshots struct {
	end, since int64 // end of the newest, 0: none; bytes handed over since
	epoch      int32
	content    []byte // of the newest, once somebody asked for it

	wantEnd   int64 // 0: none is being fetched
	wantEpoch int32
	got       []byte
}

func (s *snapshots) wanted() bool { return s.wantEnd > 0 }

func (s *snapshots) want(end int64, epoch int32) {
	if s.wantEnd != end || s.wantEpoch != epoch {
		s.wantEnd, s.wantEpoch, s.got = end, epoch, nil
	}
}

func snapshotName(end int64, epoch int32) string {
	return fmt.Sprintf("%020d-%010d%s", end, epoch, snapshotSuffix)
}

// parseSnapshotName takes a snapshot's name apart.
func parseSnapshotName(name string) (end int64, epoch int32, ok bool) {
	head, ok := strings.CutSuffix(name, snapshotSuffix)
	if !ok || len(head) != 31 || head[20] != '-' {
		return 0, 0, false
	}
	end, err := strconv.ParseInt(head[:20], 10, 64)
	e, err2 := strconv.ParseInt(head[21:], 10, 32)
	return end, int32(e), err == nil && err2 == nil
}

// maybeSnapshot writes a snapshot when enough has been handed over since the last one (SnapshotGenerator),
// and lets the log begin there when it is larger than a snapshot is worth (KafkaMetadataLog.maybeClean).
func (r *Replica) maybeSnapshot(epoch int32) {
	if r.cfg.SnapshotBytes <= 0 || r.log.Size()-r.snap.since < r.cfg.SnapshotBytes {
		return
	}
	r.env.Probe("kraft-snapshot")
	r.snap.since = r.log.Size()
	content := r.encodeSnapshot(r.env.Records(), epoch)
	if r.fail(r.dir.WriteText(r.log.Path(), snapshotName(r.applied, epoch), content)) {
		return
	}
	r.snap.end, r.snap.epoch, r.snap.content = r.applied, epoch, content
	r.fail(r.log.AdvanceStart(r.applied))
}

// Control records that open and close a snapshot (ControlRecordType), with their empty bodies.
var (
	snapshotHeaderKey = []byte{0, 0, 0, 3}
	snapshotFooterKey = []byte{0, 0, 0, 4}
)

// encodeSnapshot is a snapshot's content: a header, the records in batches, a footer, numbered from 0.
func (r *Replica) encodeSnapshot(records [][]byte, epoch int32) []byte {
	var out []byte
	base := int64(0)
	b := log.NewBuilder(r.w)
	put := func(x log.Batch, n int) {
		h := r.w.Arena.Bytes(x.Header)
		at := len(out)
		out = append(append(out, h...), r.w.Arena.Bytes(x.Records)...)
		binary.BigEndian.PutUint64(out[at:], uint64(base))
		binary.BigEndian.PutUint32(out[at+12:], uint32(epoch))
		base += int64(n)
	}
	b.Add(r.env.Wall(), snapshotHeaderKey, binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(r.env.Wall())))
	put(b.BuildControl(), 1)
	for len(records) > 0 {
		n := min(len(records), 1000)
		for _, v := range records[:n] {
			b.Add(r.env.Wall(), nil, v)
		}
		put(b.Build(-1, -1, -1), n)
		records = records[n:]
	}
	b.Add(r.env.Wall(), snapshotFooterKey, []byte{0, 0})
	put(b.BuildControl(), 1)
	return out
}

// decodeSnapshot checks a snapshot and returns its records; false if it is damaged or incomplete.
func (r *Replica) decodeSnapshot(content []byte) (records [][]byte, ok bool) {
	whole := false
	c := log.NewCursor(&r.w.Arena, []sim.Ref{r.w.Arena.Put(content)})
	for c.Next() {
		if !c.Valid() {
			return nil, false
		}
		rec := c.Records()
		for rec.Next() {
			if !c.Header.Control() {
				records = append(records, rec.Record.Value)
			}
			whole = c.Header.Control() && string(rec.Record.Key) == string(snapshotFooterKey)
		}
	}
	return records, whole && c.Err() == nil && c.Rest() == 0
}

// loadSnapshot restores the newest snapshot on the disk (KafkaMetadataLog.recoverSnapshots). A log that
// ends before it starts again behind it.
func (r *Replica) loadSnapshot() error {
	for _, name := range r.dir.FS().List(r.log.Path()) {
		end, epoch, ok := parseSnapshotName(name)
		if !ok || end < r.snap.end {
			continue
		}
		content, err := r.dir.ReadText(r.log.Path(), name)
		if err != nil {
			return err
		}
		r.snap.end, r.snap.epoch, r.snap.content = end, epoch, content
	}
	if r.snap.end == 0 {
		return nil
	}
	return r.restore()
}

// restore takes over the snapshot in r.snap.
func (r *Replica) restore() error {
	records, ok := r.decodeSnapshot(r.snap.content)
	if !ok {
		return log.ErrMalformed
	}
	// truncateToLatestSnapshot: a log that ends before the snapshot, by epoch or by offset, is void.
	if last := r.log.LatestEpoch(); last < r.snap.epoch || r.log.End() < r.snap.end {
		if err := r.log.TruncateFully(r.snap.end, log.WhyTruncated, r.env.Wall()); err != nil {
			return err
		}
	}
	r.log.SetHighWatermark(r.snap.end)
	if err := r.log.AdvanceStart(r.snap.end); err != nil {
		return err
	}
	r.hw, r.applied = r.snap.end, r.snap.end
	r.snap.since = r.log.Size()
	r.env.Restore(records, r.applied)
	r.env.Applied(r.applied)
	return nil
}

func (r *Replica) snapshotRequest() wire.Request {
	return &wire.FetchSnapshotRequest{
		Replica: r.cfg.ID, Epoch: r.election.Epoch, End: r.snap.wantEnd, EndEpoch: r.snap.wantEpoch, Position: int64(len(r.snap.got)),
	}
}

// FetchSnapshot is KafkaRaftClient.handleFetchSnapshotRequest.
func (r *Replica) FetchSnapshot(c *sim.Conn, m *wire.FetchSnapshotRequest) {
	resp := &wire.FetchSnapshotResponse{
		RespHeader: wire.RespHeader{Corr: m.Corr}, Err: r.fetchError(m.Epoch), Leader: r.election.Leader, Epoch: r.election.Epoch,
		Position: m.Position,
	}
	switch {
	case resp.Err != wire.None:
	case m.End != r.snap.end || m.EndEpoch != r.snap.epoch:
		resp.Err = wire.SnapshotNotFound
	case m.Position < 0 || m.Position >= int64(len(r.snap.content)):
		resp.Err = wire.PositionOutOfRange
	default:
		resp.Total = int64(len(r.snap.content))
		resp.Bytes = r.snap.content[m.Position:min(m.Position+snapshotPart, resp.Total)]
		if v := r.voter(m.Replica); v != nil {
			r.replicaFetched(v, 0)
		}
	}
	r.env.Reply(c, resp)
	r.poll()
}

// snapshotAnswered collects the parts of a snapshot; the last one makes it this replica's own.
func (r *Replica) snapshotAnswered(v *voter, req *wire.FetchSnapshotRequest, m *wire.FetchSnapshotResponse) {
	if r.heard(m.Leader, m.Epoch) || r.role != Follower || r.election.Leader != v.id || req.Epoch != r.election.Epoch {
		return
	}
	s := &r.snap
	if m.Err != wire.None || req.End != s.wantEnd || m.Position != int64(len(s.got)) {
		s.wantEnd, s.got = 0, nil // the next fetch names the present snapshot
		v.readyAt = r.env.Now() + r.cfg.RetryBackoff
		return
	}
	r.deadline = r.env.Now() + r.cfg.FetchTimeout
	s.got = append(s.got, m.Bytes...)
	if int64(len(s.got)) < m.Total {
		return
	}
	content := s.got
	end, epoch := s.wantEnd, s.wantEpoch
	s.wantEnd, s.got = 0, nil
	if r.fail(r.dir.WriteText(r.log.Path(), snapshotName(end, epoch), content)) {
		return
	}
	r.env.Probe("kraft-snapshot-fetched")
	s.end, s.epoch, s.content = end, epoch, content
	r.fail(r.restore())
}
