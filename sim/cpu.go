package sim

// CPU is a set of cores that serve work first come, first served, so that load makes latency.
// Hosts can share one.
type CPU struct {
	free []Time // when each core is free again
	num  int64  // service times are multiplied by num/den (cpu fault)
	den  int64
	busy Time
}

// NewCPU returns a CPU with n cores.
func NewCPU(n int) *CPU {
	if n < 1 {
		n = 1
	}
	return &CPU{free: make([]Time, n), num: 1, den: 1}
}

// Busy is the core time used so far, over all cores.
func (c *CPU) Busy() Time { return c.busy }

// Cores is the number of cores.
func (c *CPU) Cores() int { return len(c.free) }

// SetFactor multiplies all later service times by num/den.
func (c *CPU) SetFactor(num, den int64) { c.num, c.den = num, den }

// Factor is the present multiplier.
func (c *CPU) Factor() (num, den int64) { return c.num, c.den }

// serve books cost on the core that is free first, not before earliest, and returns the end.
func (c *CPU) serve(earliest, cost Time) Time {
	if c.num != c.den {
		cost = cost * Time(c.num) / Time(c.den)
	}
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
