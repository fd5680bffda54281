package plan

import (
	"time"

	"mainstay/spec"
)

// Holder says which side a claim is held by: main, standby, or none.
type Holder string

// HeldByNone is the holder of a free claim.
const HeldByNone Holder = "none"

// HeldBy returns the holder that stands for a side.
func HeldBy(s spec.Side) Holder {
	if s == "" {
		return HeldByNone
	}
	return Holder(s)
}

// Side returns the side that holds, or the empty side.
func (h Holder) Side() spec.Side {
	if h == HeldByNone {
		return ""
	}
	return spec.Side(h)
}

// Guarantee is what a holder knew of the other side when it took the claim, best first (R4).
type Guarantee string

// The guarantees, best first (R4).
const (
	Released Guarantee = "released"
	Fenced   Guarantee = "fenced"
	Lease    Guarantee = "lease"
	Presumed Guarantee = "presumed"
	Attested Guarantee = "attested"
)

// Meaning says in words what a guarantee rests on, empty for one that is not known.
func (g Guarantee) Meaning() string {
	switch g {
	case Released:
		return "the other side was seen down, and said so"
	case Fenced:
		return "a person stated in the document that the other side is off"
	case Lease:
		return "the other side's lease ran out, so its agent or its guard must have stopped it"
	case Presumed:
		return "the other side was silent for handover.wait; it may be alive"
	case Attested:
		return "a person on the node vouched that the other side is off"
	}
	return ""
}

// Action is what a change does to the claim.
type Action string

// The changes of a claim. Each is one pushed commit and adds one to seq.
const (
	Take    Action = "take"    // a free claim becomes the taker's
	Renew   Action = "renew"   // the holder's own claim, for a new start or new terms (R3, R7)
	Release Action = "release" // the holder's stop was observed (R2)
	Seize   Action = "seize"   // the other side's claim becomes the seizer's (R4)
	Adopt   Action = "adopt"   // the claim of a dead instance of one's own side (R9)
	Reroot  Action = "reroot"  // a person vouches for a claim that went back (R9, R10)
	Move    Action = "move"    // a person carries it to another place: it counts here no more (R13)
	Enter   Action = "enter"   // it came from there, and counts here from now on (R13)
)

// Claim is the content of claim.json: the fencing token of an exclusive role.
type Claim struct {
	// Seq grows by one with every change and never goes back.
	Seq    uint64 `json:"seq"`
	Holder Holder `json:"holder"`
	// Node and Instance name the agent that made this change. Held by a side
	// means held by this very instance.
	Node     string `json:"node"`
	Instance string `json:"instance"`
	Action   Action `json:"action"`
	// Run is the run of the agent that made this change, empty in older claims.
	Run string `json:"run,omitempty"`
	// Start is the holder's own number of the start this push was made for; it
	// is what tells a push won for this start from a late one (R3).
	Start uint64 `json:"start,omitempty"`
	// Commit and Document name the accepted commit and the digest of the
	// document the change was made under.
	Commit    string    `json:"commit"`
	Document  string    `json:"document,omitempty"`
	Guarantee Guarantee `json:"guarantee,omitempty"`
	// Reason is for people: why the change was made.
	Reason string `json:"reason,omitempty"`
	// To names, in a move, the place that the claim was carried to (R13).
	To string `json:"to,omitempty"`
	// Lease is how long the holder may go on without reading its claim; zero
	// means no lease (R7).
	Lease spec.Duration `json:"lease"`
	// StopBound is W: how long after its lease the holder may take to be down.
	StopBound spec.Duration `json:"stopBound"`
	// Debt is what is left of a wait that an earlier taker did not serve; the
	// next one waits it out (R7).
	Debt spec.Duration `json:"debt"`
	// Down says of each side whether it was seen down since it last served (R12).
	Down Down `json:"down,omitzero"`
	// Last says of each side which instance can tell that it is down (R12).
	Last Last `json:"last,omitzero"`
	// At is the wall clock of the node that made the change, for people only.
	At time.Time `json:"at"`
	// Phases are the moments of this change of side so far, by the same clock,
	// and Before is how the start before it came up, nil when this node does not
	// know. They are the history that people read; nobody decides by them.
	Phases []Phase `json:"phases,omitempty"`
	Before *Served `json:"before,omitempty"`
}

// Served is how the start under the claim with Seq came up, by the clock of the
// node that served.
type Served struct {
	Seq    uint64  `json:"seq"`
	Phases []Phase `json:"phases"`
}

// Tip is the claim as the coordination repository has it. The zero Tip is a
// claim that never existed: free, seq 0.
type Tip struct {
	// ID is the commit hash of the claim ref, empty when there is no ref.
	ID string `json:"id"`
	Claim
}

// Free reports whether nobody holds the claim.
func (t Tip) Free() bool { return t.Holder.Side() == "" }

// MaxSeq bounds the seq of a claim, and what a report may name as one. A larger
// one is damaged: no claim was ever changed that often.
const MaxSeq = 1 << 53

// Next returns the claim that a change makes of tip: seq grows by one, a release frees it, and
// what is proven of each side follows from both (R12). It is the only way a claim changes.
func Next(tip Tip, c Claim) Claim {
	c.Seq = tip.Seq + 1
	c.Down, c.Last = downAfter(tip, c), lastAfter(tip, c)
	if c.Action == Release {
		c.Holder = HeldByNone
	}
	return c
}

// Push is a change of the claim that a node wants: a commit with Claim as its
// content and Parent as its parent, pushed without force. Of all the children
// of one parent exactly one wins.
type Push struct {
	// Parent is the tip's ID the change was decided on; empty creates the ref.
	Parent string `json:"parent"`
	Claim  Claim  `json:"claim"`
	Rule   Rule   `json:"rule"`
	// Known is, for a reroot, the tip this node last believed.
	Known string `json:"known,omitempty"`
}

// ClaimRef returns the ref that carries the claim of an exclusive role.
func ClaimRef(deployment, role string) string {
	return "refs/mainstay/" + deployment + "/claim/" + role
}
