package sim

// CPU is a set of cores that serve work first come, first served, so that load makes latency.
// Hosts can share one.
type CPU struct {
	free []Time // when each core is free again
	busy Time
}

// NewCPU returns a CPU with n cores.
func NewCPU(n int) *CPU {
	if n < 1 {
		n = 1
	}
	return &CPU{free: make([]Time, n)}
}

// Busy is the core time used so far, over all cores.
func (c *CPU) Busy() Time { return c.busy }

// Cores is the number of cores.
func (c *CPU) Cores() int { return len(c.free) }

// serve books cost on the core that is free first, not before earliest, and returns the end.
func (c *CPU) serve(earliest, cost Time) Time {
	best := 0
	for i := 1; i < len(c.free); i++ {
		if c.free[i] < c.free[best] {
			best = i
		}
	}
	start := max(earliest, c.free[best])
	c.free[best] = start + cost
	c.busy += cost
	return start + cost
}

// serve books work of the host on its cores.
func (h *Host) serve(earliest, cost Time) Time {
	if len(h.slow) > 0 {
		cost = h.slowed(cost)
	}
	return h.CPU.serve(earliest, cost)
}

func (h *Host) slowed(cost Time) Time {
	for _, milli := range h.slow {
		cost = cost/1000*Time(milli) + cost%1000*Time(milli)/1000
	}
	h.slowItems++
	return cost
}

// SlowCPU multiplies the service times of all later work of the host by milli thousandths. Factors
// compose; FastCPU takes one of them away.
func (h *Host) SlowCPU(milli int64) { h.slow = append(h.slow, milli) }

// FastCPU takes a factor away that SlowCPU gave.
func (h *Host) FastCPU(milli int64) {
	for i, m := range h.slow {
		if m == milli {
			h.slow = append(h.slow[:i], h.slow[i+1:]...)
			return
		}
	}
}

// WouldTake is how long work of the host takes now that takes cost on an undisturbed machine.
func (h *Host) WouldTake(cost Time) Time {
	before := h.slowItems
	cost = h.slowed(cost)
	h.slowItems = before
	return cost
}

// SlowItems counts the work that took another time than it would on an undisturbed machine.
func (h *Host) SlowItems() int64 { return h.slowItems }
