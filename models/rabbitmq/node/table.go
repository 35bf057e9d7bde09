package node

// table is a map from numbers of messages, for what is looked up several times for each message:
// open addressing with linear probing. The zero table is empty and ready for use.
type table[V any] struct {
	slots []tableSlot[V] // a power of two, at most half of them in use
	n     int
}

type tableSlot[V any] struct {
	key   uint64 // number + 1; 0: free
	value V
}

// home is where a key is looked for first: the multiplication spreads successive numbers.
func (t *table[V]) home(key uint64) int {
	return int(key*0x9e3779b97f4a7c15>>32) & (len(t.slots) - 1)
}

// find is the slot of a number, -1 if it is not there.
func (t *table[V]) find(number uint64) int {
	if t.n == 0 {
		return -1
	}
	for i := t.home(number + 1); ; i = (i + 1) & (len(t.slots) - 1) {
		switch t.slots[i].key {
		case number + 1:
			return i
		case 0:
			return -1
		}
	}
}

func (t *table[V]) len() int { return t.n }

// put sets the value of a number.
func (t *table[V]) put(number uint64, value V) {
	if i := t.find(number); i >= 0 {
		t.slots[i].value = value
		return
	}
	if 2*(t.n+1) > len(t.slots) {
		old := t.slots
		t.slots = make([]tableSlot[V], max(16, 2*len(old)))
		for _, s := range old {
			if s.key != 0 {
				t.place(s)
			}
		}
	}
	t.place(tableSlot[V]{number + 1, value})
	t.n++
}

func (t *table[V]) place(s tableSlot[V]) {
	i := t.home(s.key)
	for t.slots[i].key != 0 {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = s
}

// get is the value of a number.
func (t *table[V]) get(number uint64) (value V, ok bool) {
	if i := t.find(number); i >= 0 {
		return t.slots[i].value, true
	}
	return value, false
}

// take removes a number and returns its value.
func (t *table[V]) take(number uint64) (value V, ok bool) {
	i := t.find(number)
	if i < 0 {
		return value, false
	}
	value = t.slots[i].value
	t.n--
	mask := len(t.slots) - 1
	for j := i; ; { // close the gap: what probed across it moves up
		t.slots[i] = tableSlot[V]{}
		for {
			if j = (j + 1) & mask; t.slots[j].key == 0 {
				return value, true
			}
			if h := t.home(t.slots[j].key); (j-h)&mask >= (j-i)&mask {
				break
			}
		}
		t.slots[i] = t.slots[j]
		i = j
	}
}

// clear removes everything.
func (t *table[V]) clear() {
	clear(t.slots)
	t.n = 0
}

// each visits everything, in no order that means anything.
func (t *table[V]) each(visit func(number uint64, value V)) {
	for i := range t.slots {
		if s := &t.slots[i]; s.key != 0 {
			visit(s.key-1, s.value)
		}
	}
}
