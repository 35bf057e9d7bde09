package replica

import "fmt"

func (p *Partition) Debug() string {
	s := fmt.Sprintf("fetch %+v change %+v remotes %+v", p.fetch, p.change, p.remotes)
	if f := p.fetch.f; f != nil {
		s += fmt.Sprintf(" fetcher inflight %v armed %v at %v delayed %d changed %d session %d/%d", f.inflight, f.armed, f.armedAt, len(f.delayed), len(f.changed), f.sessionID, f.sessionEpoch)
	}
	return s
}

func (m *Manager) DebugSessions() string {
	s := ""
	for _, x := range m.sessions {
		s += fmt.Sprintf("\nsession %d replica %d closed %v epoch %d parts %d hot %d parked %v min %d max %d full %v", x.id, x.replica, x.closed, x.epoch, len(x.parts), len(x.hot), x.parked, x.minBytes, x.maxBytes, x.full)
		for _, f := range x.parts {
			s += fmt.Sprintf("\n  %+v", *f)
		}
	}
	return s
}
