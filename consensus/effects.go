package consensus

// EffectKind says what the program around a core has to do.
type EffectKind uint8

// The effects.
const (
	// Save makes Term and Vote durable before the next effect is carried out.
	Save EffectKind = iota
	// Send sends Message. For an Append the program adds the entries behind Message.Index, Count of them.
	Send
	// Truncate removes the entries from Index on.
	Truncate
	// Append writes Count entries of the message just stepped, from its entry number Skip (0 = first), at Index.
	// When they are durable the program calls Written.
	Append
	// Committed: the entries up to Index may be applied.
	Committed
	// RoleChanged: the role, the term or the known leader changed; look at the core.
	RoleChanged
	// ArmElection starts the election time-out anew: its length is the program's.
	ArmElection
	// SendSnapshot transfers the program's snapshot, which ends at Index of Term, to Message.To.
	// When that member has it, its program calls Installed.
	SendSnapshot
	// Contradiction: a leader has another entry at Index than the one that was committed here. Some disk
	// forgot what it had promised; what a member does then is its program's business.
	Contradiction
)

// Effect is one thing to do.
type Effect struct {
	Kind    EffectKind
	Message Message
	Term    Term
	Vote    Member
	Index   Index
	Count   int
	Skip    int
}

// MessageKind is the kind of a message.
type MessageKind uint8

// The messages. A heartbeat is an Append without entries.
const (
	PreVoteRequest MessageKind = iota
	PreVoteReply
	VoteRequest
	VoteReply
	AppendRequest
	AppendReply
	TimeoutNow // the leader hands over: campaign at once
)

func (k MessageKind) String() string {
	return [...]string{"pre-vote", "pre-vote-reply", "vote", "vote-reply", "append", "append-reply", "timeout-now"}[k]
}

// Message is what members tell each other; entries travel beside it.
type Message struct {
	Kind     MessageKind
	From, To Member
	Term     Term
	// Index and LogTerm: of the candidate's last entry; of the entry before an append's; in an
	// AppendReply the index up to which the follower agrees durably, or, with Reject, where to try next.
	Index   Index
	LogTerm Term
	Commit  Index
	Count   int
	Reject  bool
	// Prev is, in an AppendReply, the Index of the request that it answers; Count then is the request's.
	Prev Index
	// Force: the campaign was ordered by the leader, a Sticky member votes all the same.
	Force bool
}

// Entry is what the core must know of an entry in an append.
type Entry struct {
	Term    Term
	Members []Member // not nil: it changes the membership
}

// Effects are what there is to do since the last Clear, in order. The slice is reused.
func (c *Core) Effects() []Effect { return c.out }

// Clear forgets the effects: they were carried out.
func (c *Core) Clear() { c.out = c.out[:0] }

func (c *Core) effect(e Effect) { c.out = append(c.out, e) }

func (c *Core) send(m Message) {
	m.From = c.cfg.ID
	c.effect(Effect{Kind: Send, Message: m})
}

func (c *Core) save() { c.effect(Effect{Kind: Save, Term: c.term, Vote: c.vote}) }
