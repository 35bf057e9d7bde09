// Package store is how a RabbitMQ node keeps the messages of classic queues: the queue index of
// version 1, or index and per-queue store of version 2; the two shared message stores of a vhost; and on top
// of them what rabbit_amqqueue_process calls its backing queue (rabbit_variable_queue, without paging in detail).
//
//	v := store.New(env, store.Default())
//	v.Recover(names, why)            // boot: also deletes the directories of other queues
//	q := v.Open("t0-0", true, 1)     // the recovered queue of that name, or a new one
//	seq, pending := q.Publish(m)     // pending: the confirm comes through Env.Confirmed
//	d, ok := q.Fetch(true)
//	q.Ack(d.Seq) / q.Requeue(d.Seq)
//	q.Settle(idle)                   // at the end of every message that the queue process handled
//	v.Timer(arg) / v.Synced(arg, err) // what the program gets with an arg of the store
//	v.Stop()                         // clean shutdown, blocking
//
// It is a state machine: it has no connections and no clock, and everything that it needs is in [Env].
// A program that dies simply forgets its Vhost; what had not reached the files is gone, as it should be.
//
// # When a message is safe
//
// A persistent message of a durable queue has an index entry, and a body: in the index itself if
// properties and body are below queue_index_embed_msgs_below, otherwise in the shared store. Index
// entries are collected in process memory until the journal is synced. A confirm is due when the
// journal was synced after the entry, and the store after the body; or when the message was acknowledged
// by its consumer before. One sync serves everything that was written before it. With an idle mailbox
// it begins at once, otherwise after 200 ms (in a mirror 25 ms); without a waiting confirm 200 ms after
// the last message. Everything else is confirmed on receipt.
//
// Version 2 (from 3.10 on, the only one in 4.x) writes before a confirm and syncs nothing: bodies below
// queue_index_embed_msgs_below to the per-queue store, larger ones to the shared store, entries to the index.
// What process memory holds is as before; what the system's cache holds survives the process, not the machine.
//
//	doc.go vhost.go         the vhost, its environment and its settings
//	queue.go entry.go       the backing queue
//	journal.go index.go     index: records, journal, segments
//	index2.go bodies2.go    version 2: index, per-queue store
//	recover2.go             its recovery
//	message.go              what is stored of a message
//	msgstore.go gc.go       shared stores; combining their files
//	recover.go storescan.go opening after a clean or dirty stop
//	audit.go                reading the files of a machine that is not running
//
// # Bytes
//
// Framing is that of a real node: journal.jif and N.idx of rabbit_queue_index, N.qi and N.qs of
// rabbit_classic_queue_index_v2 and rabbit_classic_queue_store_v2, N.rdq of rabbit_msg_store, messages as
// #basic_message{} of 3.12 in the external term format, also in 3.13 and later, which store a message
// container. Message ids have 16 bytes in the files, of which the model uses 8. Bodies are extents of the client's frames; no copy
// is made of them on any replica. Recovery terms (recovery.dets, clean.dot, msg_store_index.ets) have
// the real names and a content of our own.
//
// # Left out
//
// The conversion of a queue from one version to the other, expiry, priorities and dead letters; which of
// the messages are held in memory only shows for transient ones, which are paged out beyond Config.RAM; a directory's name is made durable with the first sync of
// a new file, as on ext4, which the world's file system does not do by itself.
//
// # Sources
//
// rabbitmq-server v3.12.14, deps/rabbit/src: rabbit_queue_index.erl (qi), rabbit_msg_store.erl (ms),
// rabbit_msg_file.erl, rabbit_variable_queue.erl (vq), rabbit_amqqueue_process.erl (qp),
// rabbit_mirror_queue_slave.erl (mms), rabbit_classic_queue_index_v2.erl (qi2),
// rabbit_classic_queue_store_v2.erl (qs2), file_handle_cache.erl (fhc), rabbit_recovery_terms.erl.
package store
