package workload

import (
	"testing"
	"unsafe"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

func newTestHistory() *History {
	return NewHistory(
		[]StreamInfo{{Name: "t0", Partitions: []string{"t0-0", "t0-1"}}, {Name: "t1", Partitions: []string{"t1-0"}}},
		[]ProducerInfo{{Name: "producer-0"}, {Name: "producer-1", Stream: 1}},
		[]GroupInfo{{Name: "g"}, {Name: "h"}},
		[]ConsumerInfo{{Name: "consumer-0"}, {Name: "consumer-1", Group: 1}},
		[]string{"", "SEND_OK"})
}

var (
	ackedAnswer = models.Answer{Outcome: models.Acked, Status: 1, Partition: 1, Offset: 7}
	refusal     = models.Answer{Outcome: models.Rejected, Partition: -1, Offset: -1}
	noAnswer    = models.Answer{Outcome: models.Unknown, Partition: -1, Offset: -1, Nacked: true}
)

// A message on its way costs 64 bytes.
func TestHistorySize(t *testing.T) {
	require.EqualValues(t, 64, unsafe.Sizeof(Send{})+unsafe.Sizeof(Delivery{}))
}

func TestHistoryNumbersPartitions(t *testing.T) {
	h := newTestHistory()
	require.Len(t, h.Parts(), 3)
	require.EqualValues(t, 1, h.Part(0, 1))
	require.EqualValues(t, 2, h.Part(1, 0))
	require.EqualValues(t, NoPart, h.Part(1, 1))
	require.EqualValues(t, NoPart, h.Part(0, -1))
	require.Equal(t, Part{Stream: 1, Name: "t1-0"}, h.Parts()[2])
}

func TestHistoryKnowsWhatIsOpenAndOwed(t *testing.T) {
	h := newTestHistory()
	a, b := h.NextID(0), sim.NewMsgID(0, 1)
	h.BeginSend(a, 10, 5, 0, -1, false)
	h.BeginSend(b, 10, 10, 0, -1, false)
	require.Equal(t, 2, h.Open())
	require.Nil(t, h.Send(sim.NewMsgID(0, 2)))
	require.Nil(t, h.Send(sim.NewMsgID(9, 0)))

	h.EndSend(a, 20, ackedAnswer)
	h.EndSend(b, 20, refusal)
	require.Equal(t, 0, h.Open())
	require.Equal(t, 2, h.Unreceived(), "two groups are owed one message")
	s := h.Send(a)
	require.Equal(t, models.Acked, s.Outcome())
	require.Equal(t, Send{Due: 5, Begun: 10, Done: 20, Part: 1, Status: 1, bits: uint8(models.Acked)}, *s)

	h.Deliver(30, 0, 0, 1, 7, a, true, false)
	require.Equal(t, 1, h.Unreceived())
	h.Deliver(31, 0, 0, 1, 7, a, true, true)
	require.Equal(t, 1, h.Unreceived(), "a duplicate pays no debt")
	h.Deliver(32, 1, 0, 1, 7, a, false, false)
	require.Equal(t, 1, h.Unreceived(), "a corrupted one neither")
	h.Deliver(33, 1, 0, 1, 7, a, true, false)
	require.Equal(t, 0, h.Unreceived())
	require.True(t, h.Received(1, a) && h.ReceivedByAny(a) && !h.ReceivedByAny(b))

	var flags []DeliveryFlags
	for _, d := range h.Deliveries {
		flags = append(flags, d.Flags)
	}
	require.Equal(t, []DeliveryFlags{First | FirstOfAll, Redelivered, Corrupted, First}, flags)
}

// A message that is received before its ack comes is never owed.
func TestHistoryDeliveredBeforeAck(t *testing.T) {
	h := newTestHistory()
	id := h.NextID(0)
	h.BeginSend(id, 0, 0, 0, 0, false)
	h.Deliver(1, 0, 0, 0, 0, id, true, false)
	h.Deliver(1, 1, 0, 0, 0, id, true, false)
	h.EndSend(id, 2, ackedAnswer)
	require.Equal(t, 0, h.Unreceived())
	require.Empty(t, h.Lost())
}

func TestHistoryTriesAgain(t *testing.T) {
	h := newTestHistory()
	for _, c := range []struct {
		answers []models.Answer
		want    models.Outcome
	}{
		{[]models.Answer{refusal, refusal}, models.Rejected},
		{[]models.Answer{refusal, noAnswer}, models.Unknown},
		{[]models.Answer{noAnswer, refusal}, models.Unknown},
		{[]models.Answer{noAnswer, refusal, ackedAnswer}, models.Acked},
	} {
		id := h.NextID(0)
		h.BeginSend(id, 0, 0, 0, -1, false)
		for k, a := range c.answers {
			if k > 0 {
				h.Resend(id)
			}
			h.EndSend(id, sim.Time(k+1), a)
		}
		require.Equal(t, c.want, h.Send(id).Outcome(), "%v", c.answers)
		require.Equal(t, sim.Time(len(c.answers)), h.Send(id).Done)
	}
	require.Equal(t, 0, h.Open())
	require.Panics(t, func() { h.Resend(sim.NewMsgID(0, 3)) }, "acked and sent again")

	// An ack that comes after the application gave up holds; any other late answer does not.
	late := h.NextID(0)
	h.BeginSend(late, 0, 0, 0, -1, false)
	h.EndSend(late, 1, noAnswer)
	h.EndSend(late, 2, refusal)
	require.Equal(t, models.Unknown, h.Send(late).Outcome())
	h.EndSend(late, 3, ackedAnswer)
	h.EndSend(late, 4, noAnswer)
	require.Equal(t, models.Acked, h.Send(late).Outcome())
	require.Equal(t, sim.Time(3), h.Send(late).Done)
	require.Equal(t, 0, h.Open())
}

func TestHistoryLostAndClosed(t *testing.T) {
	h := newTestHistory()
	for range 3 {
		h.BeginSend(h.NextID(0), 0, 0, 0, 0, false)
		h.BeginSend(h.NextID(1), 0, 0, 1, 0, false)
	}
	for seq := range uint32(3) {
		h.EndSend(sim.NewMsgID(0, seq), 1, ackedAnswer)
	}
	h.Close(9)
	require.Equal(t, models.Unknown, h.Send(sim.NewMsgID(1, 2)).Outcome())
	require.Equal(t, sim.Time(9), h.Send(sim.NewMsgID(1, 2)).Done)
	h.AuditRead(0, 1, 0, sim.NewMsgID(0, 1), true)
	h.AuditRead(0, 1, 1, 0, false)
	h.Scanned(sim.NewMsgID(0, 2))
	require.Equal(t, []sim.MsgID{sim.NewMsgID(0, 0), sim.NewMsgID(0, 2)}, h.Lost())
	require.True(t, h.Send(sim.NewMsgID(0, 1)).Served() && h.Send(sim.NewMsgID(0, 2)).OnDisk())
	require.Equal(t, 6, h.Messages())
}

func TestHistoryRefusesNonsense(t *testing.T) {
	h := newTestHistory()
	require.Panics(t, func() { h.BeginSend(sim.NewMsgID(0, 1), 0, 0, 0, -1, false) }, "a gap in the sequence")
	require.Panics(t, func() { h.BeginSend(sim.NewMsgID(0, 0), 0, 1, 0, -1, false) }, "begun before it is due")
	h.Deliver(5, 0, 0, 0, 0, sim.NewMsgID(0, 0), true, false)
	require.Panics(t, func() { h.Deliver(4, 0, 0, 0, 0, sim.NewMsgID(0, 0), true, false) }, "time runs backwards")
}

// A fresh group is owed only what was acked after its first consumer came.
func TestHistoryFreshGroup(t *testing.T) {
	h := NewHistory([]StreamInfo{{Name: "t0", Partitions: []string{"t0-0"}}}, []ProducerInfo{{Name: "producer-0"}},
		[]GroupInfo{{Name: "new-0", Fresh: true}}, []ConsumerInfo{{Name: "consumer-0", Start: 10}}, []string{""})
	for _, at := range []sim.Time{5, 15} {
		id := h.NextID(0)
		h.BeginSend(id, at, at, 0, 0, false)
		h.EndSend(id, at, models.Answer{Outcome: models.Acked})
	}
	require.Equal(t, 1, h.Unreceived())
	require.True(t, !h.Owes(0, sim.NewMsgID(0, 0)) && h.Owes(0, sim.NewMsgID(0, 1)))
}
