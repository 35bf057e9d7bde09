package wire

// List is a free list of messages of one type. A world runs on one thread, so it needs no lock.
type List[T any] struct{ free []*T }

// Get returns a zeroed message.
func (l *List[T]) Get() *T {
	if n := len(l.free); n > 0 {
		m := l.free[n-1]
		l.free = l.free[:n-1]
		return m
	}
	return new(T)
}

// Put takes back a message that nobody refers to any more.
func (l *List[T]) Put(m *T) {
	var zero T
	*m = zero
	l.free = append(l.free, m)
}

// Pool recycles the messages that occur once for each message of a client. One for each world: the
// cluster's configuration carries it, clients and nodes share it. Who receives such a message may give
// it back once it has finished with it; what is lost on the way is simply collected.
type Pool struct {
	Publish List[Publish]
	Deliver List[Deliver]
	Ack     List[Ack]
	Nack    List[Nack]
	ToQueue List[ToQueue]
	Deliv   List[ToChannel]
	Confirm List[Confirm]
	Settle  List[Settle]
	GM      List[GM]
}
