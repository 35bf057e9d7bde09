// Package store is how a RabbitMQ node keeps the messages of classic queues: the queue index of
// version 1, the two shared message stores of a vhost, and on top of them what rabbit_amqqueue_process
// calls its backing queue (rabbit_variable_queue, without paging in detail).
//
//	v := store.New(env, store.Default())
//	v.Recover(names, why)            // boot: also deletes the directories of other queues
//	q := v.Open("t0-0", true)        // the recovered queue of that name, or a new one
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
//	doc.go vhost.go         the vhost, its environment and its settings
//	queue.go entry.go       the backing queue
//	journal.go index.go     index: records, journal, segments
//	message.go              what is stored of a message
//	msgstore.go gc.go       shared stores; combining their files
//	recover.go storescan.go opening after a clean or dirty stop
//	audit.go                reading the files of a machine that is not running
//
// # Bytes
//
// Framing is that of a real node: journal.jif and N.idx of rabbit_queue_index, N.rdq of
// rabbit_msg_store, messages as #basic_message{} of 3.12 in the external term format. Message ids have
// 16 bytes in the files, of which the model uses 8. Bodies are extents of the client's frames; no copy
// is made of them on any replica. Recovery terms (recovery.dets, clean.dot, msg_store_index.ets) have
// the real names and a content of our own.
//
// # Left out
//
// Version 2 of the index and its per-queue store (opt-in from 3.10 on), the 3.13 store without syncs,
// expiry, priorities and dead letters; which of the messages are held in memory only shows for transient
// ones, which are paged out beyond Config.RAM; a directory's name is made durable with the first sync of
// a new file, as on ext4, which the world's file system does not do by itself.
//
// # Sources
//
// rabbitmq-server v3.12.14, deps/rabbit/src: rabbit_queue_index.erl (qi), rabbit_msg_store.erl (ms),
// rabbit_msg_file.erl, rabbit_variable_queue.erl (vq), rabbit_amqqueue_process.erl (qp),
// rabbit_mirror_queue_slave.erl (mms), file_handle_cache.erl (fhc), rabbit_recovery_terms.erl.
package store
