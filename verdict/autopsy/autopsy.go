// Package autopsy reads the biographies of lost messages, written by a watched second run, and says
// for each which event cost its last copy that counted. It knows hosts, files and reasons, and no
// broker: a model speaks through the reasons that it gives when it cuts or removes a file, and
// through notes of its own about bytes that never reached one.
package autopsy

import (
	"slices"
	"sort"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// The causes of a loss. A reason of a model or a note that is one of these words is taken as said.
const (
	UnreplicatedTail   = "unreplicated-tail"        // the host that took over never held it
	UnsyncedPageCache  = "unsynced-page-cache"      // power loss took it from every page cache that mattered
	ProcessBuffer      = "process-buffer"           // it never left a process or a socket
	TruncatedByLeader  = "truncated-by-new-leader"  // whoever took over had held it, and cut it all the same
	UnsyncedMirror     = "unsynced-mirror-promoted" // a mirror without the backlog became the queue
	AckedWhileHomeDown = "acked-while-home-down"    // confirmed and stored nowhere
	Stranded           = "stranded"                 // a replica that nobody reads still holds it
	DiskLost           = "disk-lost"
	Retention          = "retention"
	Compaction         = "compaction" // a newer message of the same key is kept
	SkippedOffset      = "skipped-offset"
	DiscardedBySplit   = "discarded-after-partition" // the losing side of a split held it
)

// Causes are the words above, in the order in which reports list them.
var Causes = []string{
	UnreplicatedTail, UnsyncedPageCache, ProcessBuffer, TruncatedByLeader, UnsyncedMirror, AckedWhileHomeDown,
	Stranded, DiskLost, Retention, Compaction, SkippedOffset, DiscardedBySplit,
}

// What the world notes about watched bytes.
const (
	NoteAcked     = "acked"
	NoteWritten   = "written"
	NoteSynced    = "synced"
	NoteRemoved   = "removed"
	NotePowerLoss = "lost-in-power-loss"
)

// Finding is what became of one lost message.
type Finding struct {
	ID        sim.MsgID
	Cause     string
	Biography []sim.Note
}

// Takeover is a moment at which a host began to lead a partition, queue or group; Part is "" if it
// leads everything.
type Takeover struct {
	At   sim.Time
	Host string
	Part string
}

// leads says whether the takeover concerns a partition. A RocketMQ group a leads a/t0-0.
func (t Takeover) leads(part string) bool {
	return t.Part == "" || part == "" || t.Part == part || strings.HasPrefix(part, t.Part+"/")
}

// Takeovers picks the changes of leadership out of a run's domain events.
func Takeovers(events []sim.DomainEvent) []Takeover {
	var out []Takeover
	for _, e := range events {
		switch e.Kind {
		case "leader-elected", "promoted", "role-changed":
			if e.Host != nil {
				out = append(out, Takeover{e.At, e.Host.Name, e.Part})
			}
		}
	}
	return out
}

// Explain finds the cause of every lost message, in order of id. part names the partition that a
// message was told to be in, "" if nobody said.
func Explain(lost []sim.MsgID, notes []sim.Note, takeovers []Takeover, part func(sim.MsgID) string) []Finding {
	bios := biographies(lost, notes)
	out := make([]Finding, 0, len(lost))
	for i, id := range lost {
		bio := bios[i]
		out = append(out, Finding{ID: id, Cause: cause(bio, concerning(takeovers, part(id))), Biography: bio})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// biographies are the notes of each message, in their order. All stand in one slice: there can be as
// many as the run has messages.
func biographies(lost []sim.MsgID, notes []sim.Note) [][]sim.Note {
	at := make(map[sim.MsgID]int, len(lost))
	for i, id := range lost {
		at[id] = i
	}
	count := make([]int, len(lost))
	for i := range notes {
		if k, ok := at[notes[i].ID]; ok {
			count[k]++
		}
	}
	all := make([]sim.Note, len(notes))
	bios := make([][]sim.Note, len(lost))
	for i, n := range count {
		bios[i], all = all[:0:n], all[n:]
	}
	for i := range notes {
		if k, ok := at[notes[i].ID]; ok {
			bios[k] = append(bios[k], notes[i])
		}
	}
	return bios
}

func concerning(list []Takeover, part string) []Takeover {
	var out []Takeover
	for _, t := range list {
		if t.leads(part) {
			out = append(out, t)
		}
	}
	return out
}

// copyOf is what one host has held of a message.
type copyOf struct {
	host  string
	files []string // that hold it now; a body that was cut into frames is written more than once
	power bool
}

func (c *copyOf) gone(file string) {
	if i := slices.Index(c.files, file); i >= 0 {
		c.files = slices.Delete(c.files, i, i+1)
	}
}

// place splits what the world notes about bytes: "FILE" or "FILE: REASON".
func place(detail string) (file, why string) {
	if file, why, ok := strings.Cut(detail, ": "); ok {
		return file, why
	}
	if slices.Contains(Causes, detail) {
		return "", detail
	}
	return detail, ""
}

// cause walks one biography.
func cause(bio []sim.Note, takeovers []Takeover) string {
	var copies []copyOf
	at := func(host string) *copyOf {
		for i := range copies {
			if copies[i].host == host {
				return &copies[i]
			}
		}
		copies = append(copies, copyOf{host: host})
		return &copies[len(copies)-1]
	}
	said, acked := "", sim.Time(0)
	for _, n := range bio {
		switch n.What {
		case NoteWritten:
			c := at(n.Host)
			if !slices.Contains(c.files, n.Detail) {
				c.files = append(c.files, n.Detail)
			}
		case NoteRemoved:
			file, why := place(n.Detail)
			at(n.Host).gone(file)
			if slices.Contains(Causes, why) {
				said = why
			}
		case NotePowerLoss:
			file, _ := place(n.Detail)
			c := at(n.Host)
			c.gone(file)
			c.power = true
		case NoteAcked:
			acked = n.At
		default:
			if slices.Contains(Causes, n.What) {
				said = n.What
			}
		}
	}
	held, lostPower := 0, false
	for _, c := range copies {
		if len(c.files) > 0 {
			held++
		}
		lostPower = lostPower || c.power
	}
	switch {
	case said == Retention: // a log keeps the bytes of what its queue has let go
		return said
	case held > 0:
		return Stranded
	case said != "":
		return said
	case len(copies) == 0:
		return ProcessBuffer
	}
	hosts := make([]string, len(copies))
	for i, c := range copies {
		hosts[i] = c.host
	}
	heir, found := successor(takeovers, hosts, acked)
	switch {
	case found && heir == "":
		return UnreplicatedTail
	case lostPower:
		return UnsyncedPageCache
	case len(copies) == 1:
		return UnreplicatedTail
	}
	return TruncatedByLeader
}

// successor says whether anybody took over after t, and who was first if that host had held the
// message; "" if it never did.
func successor(list []Takeover, holders []string, t sim.Time) (heir string, found bool) {
	for _, x := range list {
		if x.At >= t {
			if slices.Contains(holders, x.Host) {
				return x.Host, true
			}
			return "", true
		}
	}
	return "", false
}
