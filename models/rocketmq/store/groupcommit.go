package store

import "github.com/mqsim/mqsim/sim"

// commitRequest waits for the log to be flushed up to an offset (GroupCommitRequest).
type commitRequest struct {
	end      int64
	token    uint32
	deadline sim.Time
	answered bool
}

// groupCommit is GroupCommitService with FlushDiskWatcher: one sync serves all requests that
// are queued when it begins; those that come meanwhile are the next batch.
type groupCommit struct {
	s     *Store
	on    bool
	reqs  []commitRequest // FIFO; from head on not yet served
	head  int
	batch int // end of the batch that is being served
	tries int // flushes for the request at head
	busy  bool

	watching bool
	ticking  bool
}

// AwaitFlush asks to be told when the log is flushed up to end: Hooks.Flushed(token, true), or
// false after syncFlushTimeout even if the sync still succeeds later. It may answer before it
// returns. Without SYNC_FLUSH it answers at once: nobody waits then (CommitLog.submitFlushRequest).
func (s *Store) AwaitFlush(end int64, token uint32) {
	g := &s.group
	if !g.on {
		s.hooks.Flushed(token, true)
		return
	}
	deadline := s.env.Now() + s.opt.SyncFlushTO
	g.reqs = append(g.reqs, commitRequest{end: end, token: token, deadline: deadline})
	if !g.watching {
		g.watching = true
		s.after(s.opt.SyncFlushTO, timerFlushWatch)
	}
	if !g.busy {
		g.serve()
	}
}

// serve works on the requests in order (GroupCommitService.doCommit): up to two flushes for each,
// as the record may be in the file after the one with the flushed position.
func (g *groupCommit) serve() {
	s := g.s
	g.busy = true
	for {
		if g.head >= g.batch {
			g.compact()
			if g.head == len(g.reqs) {
				break
			}
			g.batch = len(g.reqs)
		}
		r := &g.reqs[g.head]
		done := s.log.flushedTo >= r.end
		if !done && g.tries < 2 {
			g.tries++
			if s.flush(&s.log, 0, ownGroup) {
				return // flushed goes on
			}
			continue
		}
		g.head++
		g.tries = 0
		g.answer(g.head-1, done)
	}
	g.busy = false
}

// compact forgets served requests.
func (g *groupCommit) compact() {
	if g.head == len(g.reqs) {
		g.reqs, g.head, g.batch = g.reqs[:0], 0, 0
	} else if g.head > 256 && 2*g.head > len(g.reqs) {
		n := copy(g.reqs, g.reqs[g.head:])
		g.reqs, g.head, g.batch = g.reqs[:n], 0, 0
	}
}

func (g *groupCommit) answer(i int, ok bool) {
	r := &g.reqs[i]
	if r.answered {
		return
	}
	r.answered = true
	if !ok {
		g.s.stats.FlushTimeouts++
	}
	g.s.hooks.Flushed(r.token, ok)
}

// flushed is the end of a sync.
func (g *groupCommit) flushed() {
	if g.head < len(g.reqs) {
		g.serve()
		return
	}
	g.busy = false
	g.wrote()
}

// watch answers requests that waited too long (FlushDiskWatcher.run).
func (g *groupCommit) watch() {
	now := g.s.env.Now()
	g.watching = false
	for i := g.head; i < len(g.reqs); i++ {
		r := &g.reqs[i]
		if r.answered {
			continue
		}
		if r.deadline > now {
			g.watching = true
			g.s.after(r.deadline-now, timerFlushWatch)
			return
		}
		g.answer(i, false)
	}
}

// wrote makes the loop turn in 10 ms: without requests it flushes what is there, messages of
// WAIT=false and what a slave got.
func (g *groupCommit) wrote() {
	if !g.on || g.ticking || g.s.log.flushedTo >= g.s.log.max() {
		return
	}
	g.ticking = true
	g.s.after(g.s.opt.GroupCommitTick, timerGroupTick)
}

func (g *groupCommit) tick() {
	g.ticking = false
	if g.busy {
		return // flushed ticks again
	}
	if g.s.flush(&g.s.log, 0, ownGroup) {
		g.busy = true
	}
}
