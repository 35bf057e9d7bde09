package store

import (
	"crypto/md5"
	"math/big"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Env is all that the store knows of its program.
type Env interface {
	FS() *sim.FS
	Arena() *sim.Arena
	Now() sim.Time
	// Arm asks for Vhost.Timer(arg) at a time.
	Arm(at sim.Time, arg uint32)
	// Confirmed tells the queue process the tags of messages that are safe now. It is called from
	// Queue.Settle and Vhost.Synced; tags is only valid during the call.
	Confirmed(q *Queue, tags []uint64)
	// Failed says that a file operation failed, upon which the process crashes: that of the queue, or of
	// the shared store (q is nil). The queue, or the vhost, must not be used any more.
	Failed(q *Queue, err error)
}

// Config are the settings of a node's storage.
type Config struct {
	Embed          int // queue_index_embed_msgs_below
	JournalMax     int // queue_index_max_journal_entries
	SegmentEntries int // messages of a segment: 2048 since 3.8.17, 16384 before
	// Segment2Entries is the same in version 2 (classic_queue_index_v2_segment_entry_count).
	Segment2Entries int
	FileLimit       int64    // msg_store_file_size_limit
	QueueTick       sim.Time // SYNC_INTERVAL of a queue process
	MirrorTick      sim.Time // SYNC_INTERVAL of a mirror
	Hibernate       sim.Time // HIBERNATE_AFTER_MIN: idle time after which the journal goes to the segments
	NoStoreSync     bool     // bodies in the shared store are written, not synced, before a confirm (3.13 and later)
	RAM             int      // transient messages beyond so many in a queue are paged out; 0: never
	Arg             byte     // high byte of the args of all timers and syncs of the store
}

// Default are the settings of 3.12.
func Default() Config {
	return Config{Embed: 4096, JournalMax: 32768, SegmentEntries: 2048, Segment2Entries: 4096, FileLimit: 16777216,
		QueueTick: 200 * sim.Millisecond, MirrorTick: 25 * sim.Millisecond, Hibernate: sim.Second, RAM: 2048}
}

// ConfigOf are the settings of a node.
func ConfigOf(set *models.Resolved) Config {
	c := Default()
	c.Embed = int(set.Int(models.Broker, "queue_index_embed_msgs_below"))
	c.JournalMax = int(set.Int(models.Broker, "queue_index_max_journal_entries"))
	c.FileLimit = set.Int(models.Broker, "msg_store_file_size_limit")
	if set.Quirk("large-index-segments") {
		c.SegmentEntries = 16384
	}
	c.NoStoreSync = set.Quirk("confirm-without-store-sync")
	if !set.AtLeast("3.12") {
		c.RAM = 0 // before, queues page out only under memory pressure
	}
	return c
}

// Reasons why files and their parts go, for the biographies of watched messages.
const (
	whyMoved    = "moved to the index segments"
	whyConsumed = "consumed"
	whyTorn     = "torn record"
	whyCompact  = "combined with its neighbour"
	whyStarted  = "transient store wiped at boot"
)

// Base is the directory of the vhost "/", below which everything is.
const Base = "msg_stores/vhosts/628WB79CIFDYO9LJI6DKMI09L"

const queuesDir = Base + "/queues"

// QueueDir is the directory of a queue (rabbit_queue_index:queue_name_to_dir_name).
func QueueDir(name string) string { return queuesDir + "/" + base36(md5.Sum([]byte("queue/"+name))) }

func base36(sum [md5.Size]byte) string {
	return strings.ToUpper(new(big.Int).SetBytes(sum[:]).Text(36))
}

// Vhost is the storage of the vhost "/" on one node, for one life of its broker.
type Vhost struct {
	env    Env
	cfg    Config
	queues []*Queue // by slot; nil: deleted
	byName map[string]*Queue
	routes routes

	persistent *msgStore
	transient  *msgStore
	stopped    bool
	refs       []sim.Ref // scratch
	tags       []uint64  // scratch
	free       []*page
}

// New is the storage of a node that boots. Recover must follow.
func New(env Env, cfg Config) *Vhost {
	v := &Vhost{env: env, cfg: cfg, byName: map[string]*Queue{}}
	v.persistent = newMsgStore(v, storePersistent)
	v.transient = newMsgStore(v, storeTransient)
	return v
}

// Open is the queue of that name: the one that Recover found, or a new one without messages, which gets that
// x-queue-version. What the files of an earlier life say comes first.
func (v *Vhost) Open(name string, durable bool, version int) *Queue {
	q := v.byName[name]
	if q == nil {
		q = newQueue(v, name, durable)
		q.v2 = hasVersion2(v.env.FS(), q.dir)
		v.queues = append(v.queues, q)
		v.byName[name] = q
	}
	if version == 2 && !q.v2 && q.next == 0 && q.index.journal == nil && !v.env.FS().Exists(q.dir+"/"+stubName) {
		q.v2 = true
		q.init2()
	}
	return q
}

// Queue is the open queue of that name, or nil.
func (v *Vhost) Queue(name string) *Queue { return v.byName[name] }

// Kinds of args of timers and syncs: the low 24 bits are the kind and a queue's slot.
const (
	argQueue uint32 = iota << 22
	argPersistent
	argTransient
	argGC

	slotMask uint32 = 1<<22 - 1
	kindMask uint32 = 3 << 22
)

func (v *Vhost) arg(kind, slot uint32) uint32 { return uint32(v.cfg.Arg)<<24 | kind | slot }

// Timer is the timer that Env.Arm asked for.
func (v *Vhost) Timer(arg uint32) {
	if v.stopped {
		return
	}
	if q := v.slot(arg); q != nil && arg&kindMask == argQueue {
		q.timer()
	}
}

func (v *Vhost) slot(arg uint32) *Queue {
	if i := arg & slotMask; int(i) < len(v.queues) {
		return v.queues[i]
	}
	return nil
}

// Synced is the completion of a sync with an arg of the store.
func (v *Vhost) Synced(arg uint32, err error) {
	if v.stopped {
		return
	}
	switch arg & kindMask {
	case argQueue:
		if q := v.slot(arg); q != nil {
			q.synced(err)
		}
	case argPersistent:
		v.persistent.synced(err)
	case argTransient:
		v.transient.synced(err)
	case argGC:
		v.persistent.combined(err)
	}
}

// fsync makes the name of a new file durable, then its bytes, and blocks. ext4 writes a new name with
// the first fsync of its file; the world's file system wants to be asked.
func (v *Vhost) fsync(f *sim.File, dir string, fresh *bool) error {
	if *fresh {
		if err := v.env.FS().SyncDir(dir); err != nil {
			return err
		}
		*fresh = false
	}
	return f.SyncNow()
}
