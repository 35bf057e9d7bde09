package kafka

import (
	"github.com/mqsim/mqsim/models/kafka/broker"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/sim"
)

// Serve reads each partition at its leader from the log start to the high watermark, as a consumer
// group with auto.offset.reset=earliest would: from the files. A partition that nobody leads serves
// nothing.
func (c *Cluster) Serve(visit func(stream int, partition int32, offset int64, body []byte)) {
	for stream, t := range c.topics {
		for i := range t.replicas {
			_, p := c.leader(t.tp(int32(i)))
			if p == nil {
				continue
			}
			from, to := p.Log.Start(), p.HW()
			log.Scan(p.Log.Dir().FS().Disk().FS(), p.Log.Path(), func(offset int64, body []byte) {
				if offset >= from && offset < to {
					visit(stream, int32(i), offset, body)
				}
			})
		}
	}
}

// Scan decodes every message of the workload's topics that a host's disks hold, also of replicas that
// are not partitions any more.
func (c *Cluster) Scan(h *sim.Host, visit func(body []byte)) {
	for _, s := range c.brokers {
		if s.host != h {
			continue
		}
		for _, d := range h.Disks {
			fs := d.FS()
			for _, name := range fs.List(broker.LogDir) {
				if topic, _, ok := log.SplitPartitionDir(name); ok && c.stream(topic) >= 0 {
					log.Scan(fs, broker.LogDir+"/"+name, func(_ int64, body []byte) { visit(body) })
				}
			}
		}
	}
}

// stream is the number of the stream with that topic, -1 if it is none of the workload's.
func (c *Cluster) stream(topic string) int {
	for i, t := range c.topics {
		if t.name == topic {
			return i
		}
	}
	return -1
}
