// Package zk is a ZooKeeper ensemble and its client library, as programs of the simulated world.
//
// It models ZooKeeper 3.8 (the version that Kafka 3.9 ships) by its observable rules, not its
// messages one for one. Class names in comments are those of apache/zookeeper, branch 3.8.
//
//   - A write is one round: the leader turns the request into a transaction, every server appends
//     it to its transaction log and syncs it, a majority of acks commits it, all apply it in zxid
//     order. A request that fails a check (BadVersion, NodeExists ...) goes the same way as an error
//     transaction. Reads are answered by the server that holds the connection.
//   - A session lives at the leader. Any request or ping touches it; it expires at
//     (last touch + timeout) rounded up to the leader's next tick. No quorum, no expiry. A new
//     leader gives every session its full timeout again.
//   - A server without a leader closes its clients' connections and answers none.
//   - A watch fires once, before any later answer on the same connection can show the change.
//
// # Servers
//
//	ens := zk.Install(w, hosts, zk.DefaultConfig()) // service "zookeeper" on every host
//	ens.Start()
//	ok, why := ens.Ready()   // a leader with a quorum serves
//	h := ens.Leader()        // host of the serving leader, nil without one
//	ok, why = ens.Settled()  // all servers serve and have applied the same
//
// Domain events: session-expired, of the host whose program had the session, when the expiry is
// committed; zk-leader-elected, of the new leader. Roles: looking, leader, follower.
//
// # Client
//
// Client is a state machine that a sim.Program embeds; the program forwards connection events and
// timers to it. Every Handle method says whether the event was the client's own.
//
//	const (
//		timerFlush  uint16 = iota // the program's own timers
//		timerZK            = 100  // zk owns [timerZK, timerZK+zk.TimerKinds)
//	)
//
//	func (b *broker) Boot(p *sim.Proc) {
//		b.zk = zk.NewClient(p, zkHosts, 18*sim.Second, b, timerZK)
//		b.zk.Open() // asynchronous: ZKConnected follows
//	}
//	func (b *broker) Timer(kind uint16, arg uint32) {
//		if b.zk.HandleTimer(kind, arg) {
//			return
//		}
//		...
//	}
//	func (b *broker) Connected(c *sim.Conn, err error) {
//		if b.zk.HandleConnected(c, err) {
//			return
//		}
//		...
//	}
//	func (b *broker) Receive(c *sim.Conn, m any) {
//		if b.zk.HandleReceive(c, m) {
//			return
//		}
//		...
//	}
//	func (b *broker) Closed(c *sim.Conn, why sim.CloseReason) {
//		if b.zk.HandleClosed(c, why) {
//			return
//		}
//		...
//	}
//	func (b *broker) Cost(c *sim.Conn, m any) (int, sim.Time) {
//		if cost, ok := zk.ClientCost(m); ok {
//			return laneZK, cost // a lane >= 0: answers and events keep their order
//		}
//		...
//	}
//
//	// zk.Handler
//	func (b *broker) ZKConnected(fresh bool) { // fresh: a new session began (b.zk.SessionID())
//		if fresh {
//			b.zk.Create("/brokers/ids/1", info, zk.Ephemeral, func(r zk.Response) {
//				if r.Code == zk.NodeExists { ... }
//				brokerEpoch := r.Stat.Czxid // = r.Zxid
//			})
//		}
//	}
//	func (b *broker) ZKDisconnected() {}
//	func (b *broker) ZKExpired()      { b.zk.Open() } // a new session
//	func (b *broker) ZKWatch(e zk.WatchEvent) {
//		if e.Type == zk.NodeChildrenChanged && e.Path == "/brokers/ids" { ... }
//	}
//
// Requests are asynchronous; each ends with exactly one call of its callback, on a later event,
// unless the process dies first. Callbacks come in the order of the requests. Callbacks and the
// Handler may issue further requests, Open and Close.
//
//	c.Create(path, data, mode, done)
//	c.Delete(path, version, done)          // version AnyVersion (-1): no check
//	c.Exists(path, watch, done)            // NoNode is an answer, and the watch is set all the same
//	c.GetData(path, watch, done)
//	c.SetData(path, data, version, done)
//	c.GetChildren(path, watch, done)       // names without the path, sorted
//	c.Multi(ops, done)                     // all or nothing: CreateOp, DeleteOp, SetDataOp, CheckOp
//	c.Close(done)                          // clean close: the session ends now, its ephemerals go
//
// SetMaxInFlight bounds what is sent and not answered (Kafka: zookeeper.max.in.flight.requests 10).
//
// What a lost connection does to requests is what the Java client does (ClientCnxn.cleanup): those
// sent and those queued end with ConnectionLoss; whether a sent write took effect is unknown.
// Requests made while disconnected are queued and go out after the reconnect, or end with
// ConnectionLoss when the attempt to connect fails. c.Retry(request, done) is Kafka's
// KafkaZkClient.retryRequestsUntilConnected: it waits for a connection and repeats the request as
// long as the answer is ConnectionLoss; it ends with any other answer, or with SessionExpired.
//
//	c.Retry(zk.CreateRequest(path, data, zk.Ephemeral), done)
//	c.Retry(zk.MultiRequest(ops), done)
//
// A repeated create may find the node of its own first try: NodeExists with Stat.EphemeralOwner ==
// c.SessionID() (Kafka's CheckedEphemeral reads it back to find out).
//
// Byte slices given to or received from this package are shared and must not be changed.
package zk
