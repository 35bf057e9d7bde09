package sim

import (
	"path"
	"slices"
	"strings"
)

// dirNode is a directory. Directories come into being with their first entry and go with the last.
type dirNode struct {
	names []string // base names of files and directories, sorted
}

// dirOp is a change of a directory that is not on the platter: the creation, renaming or removal
// of a file. After a power loss a prefix of a directory's changes is kept.
type dirOp struct {
	in   *inode
	from string // the name that goes, "" if none does
	to   string // the name that comes, "" if none does
}

// touches says whether the change is one of directory dir.
func (op dirOp) touches(dir string) bool {
	return op.from != "" && parent(op.from) == dir || op.to != "" && parent(op.to) == dir
}

// home is the directory whose order decides about the change; a rename into another directory is
// one transaction of the journal, decided where the file arrives.
func (op dirOp) home() string {
	if op.to != "" {
		return parent(op.to)
	}
	return parent(op.from)
}

func parent(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return ""
}

func base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// cleanPath brings a path into the one form that names are kept in: no slash at either end.
func cleanPath(p string) string {
	if p == "" {
		return ""
	}
	if p[0] != '/' && p[0] != '.' && p[len(p)-1] != '/' && !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return p
	}
	return strings.TrimPrefix(path.Clean("/"+p), "/")
}

// namespace is what names exist: that of the page cache and that of the platter.
type namespace struct {
	files   map[string]*inode
	dirs    map[string]*dirNode
	platter map[string]*inode
	ops     []dirOp // changes from platter to files, in order
}

func newNamespace() namespace {
	return namespace{files: map[string]*inode{}, dirs: map[string]*dirNode{}, platter: map[string]*inode{}}
}

// enter makes p a name in its directory, and the directory in its own.
func (n *namespace) enter(p string) {
	for {
		dir, name := parent(p), base(p)
		d := n.dirs[dir]
		fresh := d == nil
		if fresh {
			d = &dirNode{}
			n.dirs[dir] = d
		}
		if i, found := slices.BinarySearch(d.names, name); !found {
			d.names = slices.Insert(d.names, i, name)
		}
		if !fresh || dir == "" {
			return
		}
		p = dir
	}
}

// leave takes the name p away, and directories that are empty then.
func (n *namespace) leave(p string) {
	for {
		dir, name := parent(p), base(p)
		d := n.dirs[dir]
		if i, found := slices.BinarySearch(d.names, name); found {
			d.names = slices.Delete(d.names, i, i+1)
		}
		if len(d.names) > 0 || dir == "" {
			return
		}
		delete(n.dirs, dir)
		p = dir
	}
}

// creatable says whether a file of that name can be: no directory has it, no file is its parent.
func (n *namespace) creatable(p string) bool {
	if p == "" || n.dirs[p] != nil {
		return false
	}
	for dir := parent(p); dir != ""; dir = parent(dir) {
		if n.dirs[dir] != nil {
			return true
		}
		if n.files[dir] != nil {
			return false
		}
	}
	return true
}

// below lists the files under a directory, in order of path.
func (n *namespace) below(dir string, list []string) []string {
	d := n.dirs[dir]
	if d == nil {
		return list
	}
	for _, name := range d.names {
		p := name
		if dir != "" {
			p = dir + "/" + name
		}
		if n.files[p] != nil {
			list = append(list, p)
		} else {
			list = n.below(p, list)
		}
	}
	return list
}

// link gives an inode a name.
func (n *namespace) link(p string, in *inode) {
	if n.files[p] == nil {
		n.enter(p)
	}
	n.files[p] = in
	in.path, in.gone = p, false
}

// unlink takes a name from its inode.
func (n *namespace) unlink(p string) {
	delete(n.files, p)
	n.leave(p)
}

// persist brings a change to the platter. There a file has one name at most, whatever changes of
// other directories are missing.
func (n *namespace) persist(op dirOp) {
	in := op.in
	if in.onDisk != "" {
		delete(n.platter, in.onDisk)
	}
	in.onDisk = op.to
	if op.to == "" {
		return
	}
	if old := n.platter[op.to]; old != nil {
		old.onDisk = ""
	}
	n.platter[op.to] = in
}

// persistDir brings the changes of one directory to the platter, in order.
func (n *namespace) persistDir(dir string) {
	rest := n.ops[:0]
	for _, op := range n.ops {
		if op.touches(dir) {
			n.persist(op)
		} else {
			rest = append(rest, op)
		}
	}
	clear(n.ops[len(rest):])
	n.ops = rest
}

// persistAll is a commit of the journal.
func (n *namespace) persistAll() {
	for _, op := range n.ops {
		n.persist(op)
	}
	clear(n.ops)
	n.ops = n.ops[:0]
}

// platterPaths lists the names on the platter, sorted.
func (n *namespace) platterPaths() []string {
	paths := make([]string, 0, len(n.platter))
	for p := range n.platter { //mqsim:unordered sorted below
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// filePaths lists the names of the page cache, sorted.
func (n *namespace) filePaths() []string {
	paths := make([]string, 0, len(n.files))
	for p := range n.files { //mqsim:unordered sorted below
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}
