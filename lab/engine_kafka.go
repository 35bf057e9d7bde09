package lab

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/sim"
)

// kafka is a partition's log on a leader and on a follower.
type kafka struct {
	leader, follower *kafkaBroker
	batches          []log.Batch
	refs             []sim.Ref
}

type kafkaBroker struct {
	*machine
	dir *log.Dir
	log *log.Log
}

func newKafkaBroker(w *sim.World, name string) (*kafkaBroker, error) {
	b := &kafkaBroker{machine: newMachine(w, name)}
	b.boot = func(p *sim.Proc) error {
		var err error
		if b.dir, err = log.OpenDir(p.FS(0), "data", 7<<24, log.DirOptions{}); err != nil {
			return err
		}
		b.log, _, err = b.dir.Open("t0", 0, log.DefaultOptions(), p.Wall())
		b.dir.Loaded()
		return err
	}
	b.synced = func(arg uint32, err error) { b.dir.Synced(arg, err) }
	return b, b.start()
}

func openKafka(dir string, n, perBatch int) (store, error) {
	w := worldIn(dir)
	k := &kafka{}
	var err error
	if k.leader, err = newKafkaBroker(w, "leader"); err != nil {
		return nil, err
	}
	if k.follower, err = newKafkaBroker(w, "follower"); err != nil {
		return nil, err
	}
	build := log.NewBuilder(w)
	for i := 0; i < n; i += perBatch {
		for j := range min(perBatch, n-i) {
			build.AddBody(1700000000000, nil, sim.NewMsgID(0, uint32(i+j)), message)
		}
		k.batches = append(k.batches, build.Build(log.None, log.None, log.None))
	}
	return k, nil
}

func (k *kafka) append() error {
	for _, b := range k.batches {
		if _, err := k.leader.log.AppendAsLeader(b, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// pass fetches the leader's log from end to end.
func (k *kafka) pass(visit func(refs []sim.Ref) error) error {
	l := k.leader.log
	for at := l.Start(); at < l.End(); {
		f, err := l.Read(at, chunk, l.End(), true, k.refs[:0])
		if err != nil {
			return err
		}
		if err := visit(f.Refs); err != nil {
			return err
		}
		k.refs, at = f.Refs, f.Next
	}
	return nil
}

func (k *kafka) replicate() error {
	return k.pass(func(refs []sim.Ref) error { _, err := k.follower.log.AppendAsFollower(refs, 0); return err })
}

func (k *kafka) read() (n int, err error) {
	err = k.pass(func(refs []sim.Ref) error {
		c := log.NewCursor(&k.leader.w.Arena, refs)
		for c.Next() {
			r := c.Records()
			for r.Next() {
				n++
			}
		}
		return nil
	})
	return n, err
}

func (k *kafka) recover() (int, error) {
	err := k.leader.restart()
	return int(k.leader.log.End()), err
}

func (k *kafka) close() error { return k.leader.w.CloseDisks() }
