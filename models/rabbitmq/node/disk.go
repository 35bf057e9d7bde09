package node

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/mqsim/mqsim/sim"
)

// Files of the tables: a log of commits, one JSON line each. Mnesia's own files (LATEST.LOG, *.DCD) are
// not modelled byte for byte; what matters is which records a node finds when it starts by itself, and
// which nodes it knew to be down.
const tableFile = "mnesia/tables.log"

// tableDisk is what a node remembers across incarnations.
type tableDisk struct {
	Formed   bool
	Creation uint32
	Down     []bool // nodes that this one saw go down before itself (mnesia_recover's mnesia_down)

	file  *sim.File
	since sim.Time
}

// tableLine is one entry of the log.
type tableLine struct {
	Creation uint32    `json:",omitempty"`
	Formed   bool      `json:",omitempty"`
	Down     []bool    `json:",omitempty"`
	All      bool      `json:",omitempty"` // begins anew
	Records  []*Record `json:",omitempty"`
	Policies []Policy  `json:",omitempty"`
	SetPol   bool      `json:",omitempty"`
	Bindings []binding `json:",omitempty"`
}

const syncTables = 0xFFFF0000 // Sync argument of the table log

// loadTables reads what the last incarnation left. Records in the durable table whose node is not running
// are not routed until their queue has recovered; since 3.11 they are (rule 2).
func (n *Node) loadTables() {
	t := &n.meta
	t.compiled = map[string]*pattern{}
	t.reset()
	t.disk = tableDisk{Down: make([]bool, len(n.k.Hosts))}
	fs := n.p.FS(0)
	if f := fs.Open(tableFile); f != nil {
		b := make([]byte, f.Size())
		if k, err := f.ReadAt(b, 0); err == nil || k > 0 {
			n.replay(b[:k])
		}
		t.disk.file = f
	} else if f, err := fs.Create(tableFile); err == nil {
		t.disk.file = f
	}
	for _, name := range t.Order {
		if r := t.Records[name]; (n.k.Rules.DropAndAck || !r.Durable) && !r.Args.IsQuorum() {
			r.Routed = false
		}
	}
	t.disk.Creation++
	n.creation = t.disk.Creation
	n.saveLine(&tableLine{Creation: n.creation, Formed: t.disk.Formed, Down: t.disk.Down})
}

func (n *Node) replay(b []byte) {
	t := &n.meta
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return
		}
		var line tableLine
		if json.Unmarshal(b[:end], &line) != nil {
			return // torn by a power loss
		}
		b = b[end+1:]
		if line.All {
			t.reset()
		}
		if line.Creation > 0 {
			t.disk.Creation = line.Creation
			t.disk.Formed = line.Formed
			copy(t.disk.Down, line.Down)
		}
		for _, r := range line.Records {
			t.put(r)
		}
		if line.SetPol {
			t.Policies = line.Policies
		}
		for _, x := range line.Bindings {
			t.bind(x)
		}
	}
}

// ForgetOffline is forget_cluster_node --offline on a node that is not running: its tables on disk lose
// another node, and its next boot does not wait for that one [rule 89].
func ForgetOffline(k *Cluster, self, gone int) error {
	fs := k.Hosts[self].Disk(0).FS()
	f := fs.Open(tableFile)
	if f == nil {
		return errors.New("the node has no tables")
	}
	defer f.Close()
	n := &Node{k: k, index: self}
	n.meta.reset()
	n.meta.disk.Down = make([]bool, len(k.Hosts))
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	n.replay(b)
	d := &n.meta.disk
	d.Down[gone] = true
	line := tableLine{Creation: d.Creation, Formed: d.Formed, Down: d.Down}
	for _, name := range n.meta.Order {
		r := n.meta.get(name).clone()
		if r.Args.IsQuorum() {
			continue
		}
		if r.Master.Node == uint16(gone) {
			r.forget(uint16(gone), func(uint16) bool { return true })
		}
		line.Records = append(line.Records, r)
	}
	text, err := json.Marshal(&line)
	if err != nil {
		return err
	}
	if err := f.AppendBytes(append(text, '\n')); err != nil {
		return err
	}
	return f.SyncNow()
}

func (n *Node) saveLine(l *tableLine) {
	f := n.meta.disk.file
	if f == nil {
		return
	}
	b, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	if f.AppendBytes(append(b, '\n')) == nil {
		f.Sync(syncTables)
	}
}

// saveCommit appends the durable part of a commit.
func (n *Node) saveCommit(c *metaCommit) {
	line := tableLine{Policies: c.Policies, SetPol: c.SetPol, Bindings: c.Bindings}
	for _, r := range c.Records {
		if r.Durable || r.Deleted {
			line.Records = append(line.Records, r)
		}
	}
	if len(line.Records) > 0 || line.SetPol || len(line.Bindings) > 0 {
		n.saveLine(&line)
	}
}

// saveDowns notes who is down as far as this node knows.
func (n *Node) saveDowns() {
	d := &n.meta.disk
	for i := range d.Down {
		d.Down[i] = i != n.index && !n.dbMember(uint16(i))
	}
	n.saveLine(&tableLine{Creation: n.creation, Formed: d.Formed, Down: d.Down})
}

// saveAll writes the tables anew.
func (n *Node) saveAll() {
	line := tableLine{All: true, Creation: n.creation, Formed: true, Policies: n.meta.Policies, SetPol: true, Bindings: n.meta.Bindings}
	d := &n.meta.disk
	for i := range d.Down {
		d.Down[i] = i != n.index && !n.dbMember(uint16(i))
	}
	line.Down = d.Down
	for _, name := range n.meta.Order {
		if r := n.meta.get(name); r.Durable {
			line.Records = append(line.Records, r)
		}
	}
	n.saveLine(&line)
}
