package sim

import (
	"fmt"
	"testing"
)

// hopper is a node that passes messages on: what a broker is to the kernel, without the broker.
type hopper struct {
	k     *Kernel
	self  NodeID
	nodes int
	msgs  []hop // shared: the message slab
}

type hop struct {
	left uint32
	rnd  uint32
}

func (h *hopper) Handle(e Event) {
	m := &h.msgs[e.Arg]
	m.left--
	m.rnd = m.rnd*1664525 + 1013904223
	to := NodeID(1 + (int(h.self)+int(m.rnd>>28))%h.nodes)
	delay := 20*Microsecond + Time(m.rnd>>20&31)*Microsecond // ties, as quantised latencies make them
	h.k.At(e.At+delay, to, e.Kind, e.Arg)
}

// startHops puts messages under way between nodes; they hop for ever.
func startHops(k *Kernel, nodes, messages int) {
	msgs := make([]hop, messages)
	for i := range nodes {
		k.AddNode(&hopper{k: k, self: NodeID(i + 1), nodes: nodes, msgs: msgs})
	}
	for i := range msgs {
		msgs[i].rnd = uint32(i) * 2654435761
		k.At(Time(i), NodeID(1+i%nodes), 1, uint32(i))
	}
}

// BenchmarkQueueHold is the classic hold model: pop the next timer, push one at an exponential delay.
func BenchmarkQueueHold(b *testing.B) {
	for _, pending := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("%dk", pending/1000), func(b *testing.B) {
			r := NewRand(1, "hold")
			delays := make([]Time, 1<<14) // drawn before: the queue is measured, not the draw
			for i := range delays {
				delays[i] = r.Exp(Millisecond)
			}
			var w wheel
			for i := range pending {
				w.Push(Event{At: r.Exp(Millisecond), Arg: uint32(i)})
			}
			for i := range 4 * pending {
				e, _ := w.Pop()
				e.At += delays[i%len(delays)]
				w.Push(e)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				e, _ := w.Pop()
				e.At += delays[i%len(delays)]
				w.Push(e)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ev/s")
		})
	}
}

// BenchmarkKernelHop is a message from node to node: pop, digest, dispatch, push.
func BenchmarkKernelHop(b *testing.B) {
	k := NewKernel()
	startHops(k, 16, 1024)
	k.Run(10 * Millisecond)
	b.ReportAllocs()
	b.ResetTimer()
	left := b.N
	k.RunUntil(horizon-1, func() bool { left--; return left < 0 })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ev/s")
}

func BenchmarkFillBody(b *testing.B) {
	body := make([]byte, 1024)
	b.Run("1KiB", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for i := range b.N {
			FillBody(body, MsgID(i))
		}
	})
}

func BenchmarkCheckBody(b *testing.B) {
	body := make([]byte, 1024)
	FillBody(body, 7)
	b.Run("1KiB", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for range b.N {
			if _, ok := BodyID(body); !ok {
				b.Fatal("not a body")
			}
		}
	})
}

func BenchmarkRand(b *testing.B) {
	r := NewRand(1, "bench")
	var x Time
	b.Run("Below", func(b *testing.B) {
		for range b.N {
			x += Time(r.Below(1000))
		}
	})
	b.Run("Exp", func(b *testing.B) {
		for range b.N {
			x += r.Exp(Millisecond)
		}
	})
	_ = x
}

func BenchmarkArena(b *testing.B) {
	a := NewArena()
	b.Run("Alloc1KiB", func(b *testing.B) {
		b.SetBytes(1024)
		for i := range b.N {
			if i%4096 == 0 {
				a.Reset()
			}
			a.Alloc(1024)
		}
	})
	ref, _ := a.Alloc(1024)
	a.MarkVerified(ref)
	b.Run("Verified", func(b *testing.B) {
		for range b.N {
			if !a.Verified(ref) {
				b.Fatal("not verified")
			}
		}
	})
}
