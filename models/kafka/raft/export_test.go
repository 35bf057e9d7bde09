package raft

// SetPoint makes f be called before every call of the replica that changes the disk.
func (c *Config) SetPoint(f func()) { c.point = f }

// Voted is whom the replica has voted for in its epoch, -1: nobody.
func (r *Replica) Voted() int32 { return r.election.Voted }
