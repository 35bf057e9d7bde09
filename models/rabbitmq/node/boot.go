package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Waiting for tables: mnesia_table_loading_retry_timeout 30 s, retry_limit 10.
const (
	tableWait  = 30 * sim.Second
	tableTries = 10
	// appStart is the time from the decision to run until the listeners are open, of an application that
	// starts in a running VM; a booting VM's is part of the service's boot time. [M] a paused node's queue
	// took 1.5 to 1.9 s after the heal, of which up to 1 s is the poll.
	appStart = 900 * sim.Millisecond
	// appBoot is the tail of a boot behind the tables: recovery ends, listeners open.
	appBoot = 100 * sim.Millisecond
)

func (n *Node) sendStatus() {
	for i := range n.links {
		n.sendStatusTo(uint16(i))
	}
}

func (n *Node) sendStatusTo(i uint16) {
	st := status{Phase: n.phase, Formed: n.meta.disk.Formed, Wait: n.waitsFor()}
	if n.phase == running || n.phase == starting {
		st.DB = slices.Clone(n.meta.DB)
	}
	n.sendMeta(i, &metaStatus{st})
}

// waitsFor are the nodes that were running when this one last knew: their tables may be newer.
func (n *Node) waitsFor() []uint16 {
	var out []uint16
	for i := range n.k.Hosts {
		if i != n.index && !n.meta.disk.Down[i] {
			out = append(out, uint16(i))
		}
	}
	return out
}

func (n *Node) setPhase(ph phase) {
	n.phase = ph
	n.sendStatus()
}

func (n *Node) peerStatus(l *link) {
	i := uint16(l.peer)
	if l.state.Phase == paused {
		// its application stopped in a VM that stays connected (rabbit_node_monitor's monitor of rabbit)
		if n.dbMember(i) {
			n.metaDown(i)
			if n.phase == running {
				n.p.Work(laneMeta, nodeDownCost, timerNodeDown, uint32(i))
			}
		}
		n.unlock(i) // its transactions are gone with it
		n.rabbitDown(i)
	}
	n.checkPartition(l)
	n.bootStep()
	if n.phase == running && l.state.Phase == running {
		n.maybeHeal()
		n.addMirrorsHere() // of masters that could not be reached when this node started
		n.syncUnsynced()
	}
}

// bootStep goes on with the boot if what it waits for has come (rabbit_mnesia:init, wait_for_tables).
func (n *Node) bootStep() {
	switch n.phase {
	case connecting:
		for _, l := range n.links {
			if l != nil && !l.up && !l.failed {
				return
			}
		}
		n.meta.disk.since = n.p.Now()
		n.p.After(tableWait*tableTries, timerBoot, 0)
		n.setPhase(waiting)
		n.bootStep()
	case waiting:
		n.findTables()
	}
}

// findTables joins a running database, or starts from its own tables if nobody can have newer ones: it
// saw all the others go down first [rule 88]. Nodes that went down together and are all back begin with
// the first of them.
func (n *Node) findTables() {
	if l := n.donor(); l != nil {
		if n.meshing(l) {
			return
		}
		n.setPhase(joining)
		n.sendMeta(uint16(l.peer), &metaJoin{})
		return
	}
	d := &n.meta.disk
	alone := false
	if !d.Formed {
		alone = n.index == 0 // cluster formation: the first to hold the lock
	} else {
		alone = true
		for _, i := range n.waitsFor() {
			l := n.links[i]
			// a node that does not wait for this one saw it go down first, and knows more
			if !l.up || l.state.Phase != waiting || int(i) < n.index || !slices.Contains(l.state.Wait, uint16(n.index)) {
				alone = false
			}
		}
	}
	if alone || n.k.takeForce(n.index) {
		n.meta.DB = []uint16{uint16(n.index)}
		n.startApp(appBoot)
		return
	}
	if n.p.Now() >= d.since+tableWait*tableTries {
		n.p.Crash("timeout waiting for tables")
	}
}

// donor is the node to copy tables from: the first member of a database that runs.
func (n *Node) donor() *link {
	for _, l := range n.links {
		if l == nil || !l.up || l.state.Phase != running {
			continue
		}
		for _, i := range l.state.DB {
			if d := n.links[i]; d != nil && d.up && d.state.Phase == running {
				return d
			}
		}
	}
	return nil
}

// meshing says whether a connection to a member of the donor's database is being set up: a node joins once
// it has tried all of them (global.erl connects every node to every other).
func (n *Node) meshing(donor *link) bool {
	wait := false
	for _, i := range donor.state.DB {
		l := n.links[i]
		if l == nil || l.up {
			continue
		}
		if since := n.meta.disk.since; l.conn == nil && l.tried != since {
			l.tried = since
			l.dial()
		}
		wait = wait || l.conn != nil
	}
	return wait
}

// admit lets a node join this node's database.
func (n *Node) admit(from uint16) {
	if n.phase != running || int(n.orderer()) != n.index {
		n.sendStatusTo(from)
		n.sendMeta(from, &metaRefused{})
		return
	}
	if !n.dbMember(from) {
		n.meta.DB = append(n.meta.DB, from)
		n.saveDowns()
	}
	t := &metaTables{Policies: n.meta.Policies, Bindings: slices.Clone(n.meta.Bindings), DB: slices.Clone(n.meta.DB)}
	for _, name := range n.meta.Order {
		t.Records = append(t.Records, n.meta.get(name))
	}
	n.sendMeta(from, t)
	for _, i := range n.meta.DB {
		if int(i) != n.index && i != from {
			n.sendMeta(i, &metaMember{from})
		}
	}
	n.sendStatus()
}

// takeTables replaces this node's tables by a running node's.
func (n *Node) takeTables(from uint16, m *metaTables) {
	if n.phase != joining && n.phase != waiting {
		return
	}
	n.diverge(from, m.Records)
	n.meta.reset()
	for _, r := range m.Records {
		n.meta.put(r)
	}
	n.meta.Policies, n.meta.Bindings, n.meta.DB = m.Policies, m.Bindings, slices.Clone(m.DB)
	delay := appBoot
	if n.heal.restarting {
		delay = appStart
	}
	n.startApp(delay)
}

// diverge notes the queues that this node was master of in a database without the donor, while somebody else
// is in the donor's: what it holds of them goes, whatever it has accepted [rules 98, 106].
func (n *Node) diverge(donor uint16, records []*Record) {
	n.discards = nil
	if !n.meta.disk.Down[donor] {
		return
	}
	for _, r := range records {
		own := n.meta.get(r.Name)
		if own != nil && !own.Args.IsQuorum() && int(own.Master.Node) == n.index && int(r.Master.Node) != n.index {
			n.discards = append(n.discards, r.Name)
		}
	}
}

// startApp recovers this node's queues and then opens the listeners.
func (n *Node) startApp(delay sim.Time) {
	n.meta.disk.Formed = true
	n.heal.generation++
	n.saveAll()
	n.setPhase(starting)
	n.recoverQueues()
	n.p.Work(laneMeta, delay, timerApp, n.heal.generation)
}

// recoverQueues is rabbit_vhost:recover: the queues whose recorded master is here come back from disk; the
// directories of all others are deleted (rule 43), which is how a former master or mirror loses its copy
// [rule 86].
func (n *Node) recoverQueues() {
	var keep []string
	for _, name := range n.meta.Order {
		r := n.meta.get(name)
		if int(r.Master.Node) == n.index && r.Durable && !r.Args.IsQuorum() {
			keep = append(keep, name)
		}
	}
	n.stores.open(n, keep)
	if !n.p.Alive() {
		return
	}
	for _, name := range slices.Clone(n.meta.Order) {
		r := n.meta.get(name)
		if int(r.Master.Node) != n.index || r.Args.IsQuorum() {
			continue
		}
		if !r.Durable {
			n.transact(&tx{Op: opDelete, Name: name}, nil)
			continue
		}
		n.newQueue(r)
	}
	n.recoverQuorum()
}

// appStarted opens the listeners; recovered queues enter the routing table.
func (n *Node) appStarted(generation uint32) {
	if n.phase != starting || generation != n.heal.generation {
		return
	}
	for _, q := range n.order {
		if q.master != nil && !q.pr.dead {
			n.transact(&tx{Op: opRecover, Name: q.name, Pid: q.pr.pid}, nil)
		}
	}
	n.setPhase(running)
	n.heal.restarting, n.heal.pausing = false, false
	n.p.Listen(wire.ClientPort)
	n.p.Emit("node-up", "", "rabbit runs on "+n.p.Host.Name)
	n.p.Ready()
	n.alarms.start(n)
	n.addMirrorsHere()
	n.showRole()
}

// linkUp greets a node.
func (n *Node) linkUp(l *link) {
	n.sendStatusTo(uint16(l.peer))
	n.alarms.tell(n, l)
	l.last, l.suspect = n.p.Now(), false
	for _, m := range slices.Clone(n.ra.order) {
		m.nodeBack(uint16(l.peer))
	}
}

// linkDown is nodedown: of the VM. Everything that this node monitors there goes down with it.
func (n *Node) linkDown(l *link, was status, why string) {
	i := uint16(l.peer)
	member := n.dbMember(i)
	if member && n.phase >= starting {
		n.p.Emit("node-down", "", n.k.Hosts[i].Name+": "+why)
	}
	n.alarms.nodeDown(n, i)
	for _, pr := range n.procs {
		if pr != nil && !pr.dead {
			if w, ok := pr.act.(nodeWatcher); ok {
				w.nodeDown(i)
			}
		}
	}
	n.calls.nodeDown(n, i)
	n.forgetPids(i)
	if why == netTickTimeout {
		n.stallMasters(i)
	}
	n.metaDown(i)
	n.healNodeDown(i)
	switch n.phase {
	case joining:
		n.phase = waiting
		n.bootStep()
	case connecting, waiting:
		n.bootStep()
	case running:
		if member {
			n.p.Work(laneMeta, nodeDownCost, timerNodeDown, uint32(i))
			n.askPartial(l)
		}
		n.checkSurvival()
	}
}

// nodeDownCost is what a survivor does for a node-down before the queue records of the dead node are
// changed: the monitor's own work and a table scan in a transaction. [M] A: 8 to 15 publishes at 500/s
// were nacked between the DOWN and the record's removal.
const nodeDownCost = 20 * sim.Millisecond

// nodeDownWork is rabbit_node_monitor:handle_dead_rabbit. Every survivor does it; the first wins.
func (n *Node) nodeDownWork(i uint32) {
	if n.phase == running && !n.dbMember(uint16(i)) {
		n.transact(&tx{Op: opNodeDown, Node: uint16(i)}, nil)
	}
}

// nodeWatcher is an actor that monitors processes of other nodes.
type nodeWatcher interface {
	nodeDown(i uint16)
}

// forgetPids: processes of a node that is down need no entry of their own.
func (n *Node) forgetPids(i uint16) {
	for pid := range n.deadPids { //mqsim:unordered only deletes
		if pid.Node == i {
			delete(n.deadPids, pid)
		}
	}
}

func (t *tables) reset() {
	t.Records = map[string]*Record{}
	t.Order, t.Policies, t.Bindings, t.DB = nil, nil, nil, nil
}
