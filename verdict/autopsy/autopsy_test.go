package autopsy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/sim"
)

// bio writes a biography as "what host [detail]", one note a line, one second apart.
func bio(text string) []sim.Note {
	var out []sim.Note
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(line)
		n := sim.Note{At: sim.Time(i) * sim.Second, ID: 1, What: f[0]}
		if len(f) > 1 {
			n.Host = f[1]
		}
		switch n.What {
		case NoteWritten, NotePowerLoss:
			n.Detail = "log"
		case NoteRemoved:
			n.Detail = "log: " + strings.Join(f[2:], " ")
		}
		out = append(out, n)
	}
	return out
}

func TestCauses(t *testing.T) {
	for _, c := range []struct {
		name, want, bio string
		takeovers       []Takeover
	}{
		{"acks=1: only the old leader held it", UnreplicatedTail, "written a\nacked c\nremoved a truncated to epoch 2", []Takeover{{2 * sim.Second, "b", ""}}},
		{"never left the process", ProcessBuffer, "acked c", nil},
		{"single copy in the page cache", UnsyncedPageCache, "written a\nacked c\nlost-in-power-loss a", nil},
		{"leader lost power, another leads", UnreplicatedTail, "written a\nacked c\nlost-in-power-loss a", []Takeover{{3 * sim.Second, "b", ""}}},
		{"the rack lost power", UnsyncedPageCache, "written a\nwritten b\nacked c\nlost-in-power-loss a\nlost-in-power-loss b", nil},
		{"one lost power and made the other cut", UnsyncedPageCache, "written a\nwritten b\nacked c\nlost-in-power-loss a\nremoved b truncated", nil},
		{"several held it, a new leader cut it", TruncatedByLeader, "written a\nwritten b\nacked c\nremoved a truncated\nremoved b truncated", nil},
		{"one follower had fetched it, the other was elected", UnreplicatedTail, "written a\nwritten b\nacked c\nremoved a truncated\nremoved b truncated", []Takeover{{2 * sim.Second, "c", "t0-0"}}},
		{"the rack lost power and the leader came back", UnsyncedPageCache, "written a\nwritten b\nacked c\nlost-in-power-loss a\nlost-in-power-loss b", []Takeover{{9 * sim.Second, "a", "t0-0"}}},
		{"somebody took over another partition", TruncatedByLeader, "written a\nwritten b\nacked c\nremoved a truncated\nremoved b truncated", []Takeover{{2 * sim.Second, "c", "t0-1"}}},
		{"a copy is left where nobody reads", Stranded, "written a\nwritten b\nacked c\nremoved a truncated", nil},
		{"a model says what it was", AckedWhileHomeDown, "acked-while-home-down n1\nacked c", nil},
		{"a reason that is a cause", UnsyncedMirror, "written n1\nacked c\nremoved n1 unsynced-mirror-promoted", nil},
		{"written in two frames, cut once", UnreplicatedTail, "written a\nwritten a\nacked c\nremoved a truncated", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, cause(bio(c.bio), concerning(c.takeovers, "t0-0")))
		})
	}
}

func TestExplainIsOrderedAndKeepsBiographies(t *testing.T) {
	notes := append(bio("written a\nacked c\nremoved a x"), sim.Note{ID: 9, What: NoteAcked})
	got := Explain([]sim.MsgID{9, 1}, notes, nil, func(sim.MsgID) string { return "" })
	require.Len(t, got, 2)
	require.Equal(t, sim.MsgID(1), got[0].ID)
	require.Len(t, got[0].Biography, 3)
	require.Equal(t, ProcessBuffer, got[1].Cause)
}
