package zk

// watchManager holds the watches of one server's connections (WatchManager, twice: data and exists
// watches here, child watches there). Watchers fire in the order in which they were set.
type watchManager struct {
	data, child map[string][]*clientConn
}

func newWatchManager() *watchManager {
	return &watchManager{data: map[string][]*clientConn{}, child: map[string][]*clientConn{}}
}

func addWatch(m map[string][]*clientConn, path string, c *clientConn) {
	for _, x := range m[path] {
		if x == c {
			return
		}
	}
	m[path] = append(m[path], c)
}

func (w *watchManager) watchData(path string, c *clientConn) {
	addWatch(w.data, path, c)
	c.watched[path] = struct{}{}
}

func (w *watchManager) watchChildren(path string, c *clientConn) {
	addWatch(w.child, path, c)
	c.watched[path] = struct{}{}
}

// fire uses up the watches that an event concerns; a connection with a data and a child watch on a
// deleted node is told once (DataTree.deleteNode).
func (w *watchManager) fire(e WatchEvent, send func(*clientConn, WatchEvent)) {
	var told []*clientConn
	if e.Type != NodeChildrenChanged {
		told = w.data[e.Path]
		delete(w.data, e.Path)
		for _, c := range told {
			send(c, e)
		}
	}
	if e.Type != NodeChildrenChanged && e.Type != NodeDeleted {
		return
	}
	list := w.child[e.Path]
	delete(w.child, e.Path)
next:
	for _, c := range list {
		for _, x := range told {
			if x == c {
				continue next
			}
		}
		send(c, e)
	}
}

// drop removes all watches of a connection that ended.
func (w *watchManager) drop(c *clientConn) {
	for path := range c.watched { //mqsim:unordered removals from different lists
		removeWatch(w.data, path, c)
		removeWatch(w.child, path, c)
	}
	c.watched = nil
}

func removeWatch(m map[string][]*clientConn, path string, c *clientConn) {
	list := m[path]
	for i, x := range list {
		if x != c {
			continue
		}
		if len(list) == 1 {
			delete(m, path)
		} else {
			m[path] = append(list[:i:i], list[i+1:]...)
		}
		return
	}
}
