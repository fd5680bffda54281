package plan

// Tie is what a node knows of its claim: what the jobs of an active side are tied
// to.
type Tie int

const (
	// TieHeld is a claim that the newest look showed as this node's own, or a role
	// that has none.
	TieHeld Tie = iota
	// TieUnread is one that could not be read at the newest look: nothing begins.
	TieUnread
	// TieLost is one that is not known to be this node's any more, or was not read
	// for longer than the other side waits before it presumes this one dead (R4).
	TieLost
)
