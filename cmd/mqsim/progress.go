package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	quietFor  = 300 * time.Millisecond // most commands are done by then and show nothing
	redrawMin = 100 * time.Millisecond
)

// progress draws one line on a terminal, and takes it away at the end.
type progress struct {
	mu          sync.Mutex
	w           io.Writer
	started     time.Time
	drawn       time.Time
	timer       *time.Timer
	done, total int
	name        string
	ended       bool
}

func startProgress(w io.Writer) *progress {
	p := &progress{w: w, started: time.Now()}
	p.timer = time.AfterFunc(quietFor, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.draw()
	})
	return p
}

// update may be called from several goroutines; an older count does not replace a newer one.
func (p *progress) update(done, total int, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done >= p.done {
		p.done, p.total, p.name = done, total, name
	}
	if now := time.Now(); now.Sub(p.started) >= quietFor && now.Sub(p.drawn) >= redrawMin {
		p.draw()
	}
}

func (p *progress) draw() {
	if p.ended {
		return
	}
	p.drawn = time.Now()
	if p.total == 0 {
		fmt.Fprint(p.w, "\r\x1b[K[running]")
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K[%d/%d] %.60s", p.done, p.total, p.name)
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	p.ended = true
	if !p.drawn.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
