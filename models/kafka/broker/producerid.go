package broker

import (
	"encoding/json"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// pidBlock is the number of producer ids that a broker reserves at a time
// (ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE).
const pidBlock = 1000

const pidPath = "/latest_producer_id_block"

// producerIDs hands out producer ids from a block that was reserved in ZooKeeper (ZkProducerIdManager).
type producerIDs struct {
	next, end int64
	asking    bool
	waiting   []pidRequest
}

type pidRequest struct {
	c    *sim.Conn
	corr int32
}

type pidJSON struct {
	Version int    `json:"version"`
	Broker  int32  `json:"broker"`
	Start   string `json:"block_start"`
	End     string `json:"block_end"`
}

// initProducerID answers with a new id and epoch 0. Without a transactional id the id that the client
// names does not matter: it bumps its epoch by itself (KIP-360).
func (b *Broker) initProducerID(c *sim.Conn, m *wire.InitProducerIdRequest) {
	b.pids.waiting = append(b.pids.waiting, pidRequest{c, m.Corr})
	b.grantPIDs()
}

func (b *Broker) grantPIDs() {
	ids := &b.pids
	for len(ids.waiting) > 0 && ids.next < ids.end {
		q := ids.waiting[0]
		ids.waiting = ids.waiting[1:]
		b.reply(q.c, &wire.InitProducerIdResponse{RespHeader: wire.RespHeader{Corr: q.corr}, ProducerID: ids.next})
		ids.next++
	}
	if len(ids.waiting) > 0 && !ids.asking {
		ids.asking = true
		b.co.reserveIDs()
	}
}

// reserved takes over a block.
func (b *Broker) reserved(start, n int64) {
	b.pids.next, b.pids.end, b.pids.asking = start, start+n, false
	b.grantPIDs()
}

// reservePIDs takes the next block: read, then write with the version that was read, until nobody was
// faster.
func (b *Broker) reservePIDs() {
	b.zk.Retry(zk.GetDataRequest(pidPath, false), func(r zk.Response) {
		if r.Code != zk.OK {
			b.refusePIDs()
			return
		}
		start := int64(0)
		var j pidJSON
		if json.Unmarshal(r.Data, &j) == nil {
			if end, err := strconv.ParseInt(j.End, 10, 64); err == nil {
				start = end + 1
			}
		}
		j = pidJSON{1, b.cfg.ID, strconv.FormatInt(start, 10), strconv.FormatInt(start+pidBlock-1, 10)}
		data, err := json.Marshal(&j)
		if err != nil {
			panic(err)
		}
		b.zk.Retry(zk.SetDataRequest(pidPath, data, r.Stat.Version), func(r zk.Response) {
			switch r.Code {
			case zk.OK:
				b.reserved(start, pidBlock)
			case zk.BadVersion:
				b.p.Probe("kafka-producer-id-block-contended")
				b.reservePIDs()
			default:
				b.refusePIDs()
			}
		})
	})
}

// refusePIDs tells those who wait to try again.
func (b *Broker) refusePIDs() {
	ids := &b.pids
	ids.asking = false
	list := ids.waiting
	ids.waiting = nil
	for _, q := range list {
		b.reply(q.c, &wire.InitProducerIdResponse{
			RespHeader: wire.RespHeader{Corr: q.corr}, Err: wire.CoordinatorLoadInProgress, ProducerID: -1, Epoch: -1,
		})
	}
}
