package plan

import (
	"time"

	"mainstay/spec"
)

// Decision is what to do now. Whoever carries it out keeps to this order: first
// Memory is saved on disk. Then Push and Restore are handed out and Steps begin, in
// either order. The report is made after Steps began. The agent may die between any
// two of these: the next run decides again, from the memory that was saved.
type Decision struct {
	// Status goes into the report, which is made only after Memory was saved and
	// Steps have begun.
	Status Status `json:"status"`
	// Reason and Rule say why Status is what it is. They order nothing.
	Reason string `json:"reason"`
	Rule   Rule   `json:"rule"`
	// Until is when the present wait ends, zero without one. It is shown to people;
	// the agent acts on Wake.
	Until Time `json:"until,omitempty"`
	// Steps are to be begun now, after Memory was saved: what this node started must be
	// known after a crash (R3). No step waits for another or for Push: a start that
	// needs a won claim becomes a step only once that claim was read.
	Steps []Step `json:"steps,omitempty"`
	// Push is the change of the claim to try, nil for none. It is sent only after
	// Memory was saved, because Memory.Pending names it and a push whose outcome is
	// not known must survive a crash. It is decided again on every pass until it is
	// won or no longer wanted. What it changes counts only once the claim was read.
	Push *Push `json:"push,omitempty"`
	// Restore asks to push the known tip of a claim that went back (R10). It is handed
	// out with Push, after Memory was saved.
	Restore bool `json:"restore,omitempty"`
	// Conditions go into the report, with Status.
	Conditions []Condition `json:"conditions,omitempty"`
	// Ready goes into the report: this node would take over at once (R2). The other
	// side stops its services because of it, so that it is reported only with the
	// commit and the claim that it was decided from.
	Ready bool `json:"ready,omitempty"`
	// Serving is the side that files are rendered for, by the steps of this decision.
	Serving spec.Side `json:"serving,omitempty"`
	// Converged says that what runs is what the document and the claim say and
	// nothing is left to do or to wait for. A decision with Steps or Push is not.
	Converged bool `json:"converged"`
	// Handover asks for fast polling of git and of the witness from this pass on:
	// something between the sides is open.
	Handover bool `json:"handover,omitempty"`
	// Wake is when to decide again at the latest, zero for no need.
	Wake Time `json:"wake,omitempty"`
	// Done says that a person's order was carried out. The agent forgets the order
	// after Memory was saved, so that a crash repeats it and does not lose it.
	Done bool `json:"done,omitempty"`
	// Memory is saved on disk before anything else of the decision is carried out,
	// and is the Memory of the next input.
	Memory Memory `json:"memory"`
}

// Do is the kind of a step.
type Do string

// The steps of a decision.
const (
	DoStart     Do = "start"
	DoStop      Do = "stop"
	DoDrain     Do = "drain"
	DoRender    Do = "render"
	DoSelfFence Do = "self-fence" // R7: the stop could not be verified in time
)

// Step is one order to the machine.
type Step struct {
	Do Do `json:"do"`
	// Index is the service's or the file's place in the document.
	Index  int    `json:"index"`
	Rule   Rule   `json:"rule"`
	Reason string `json:"reason"`
}

// Stage is how far this node is between down and serving.
type Stage string

// The stages. Only in StageServing and StageDraining may a service be started.
const (
	StageIdle     Stage = ""
	StageClaiming Stage = "claiming" // a push for a start was sent, or its wait is served
	StageServing  Stage = "serving"
	StageDraining Stage = "draining" // serving on until calls have ended (R2)
	StageStopping Stage = "stopping"
)

// Memory is what a node remembers from one decision to the next. It is kept on
// disk; its times count only under Boot.
type Memory struct {
	Boot  string `json:"boot"`
	Stage Stage  `json:"stage,omitempty"`
	// Start numbers this node's starts. A claim whose Start equals it was won
	// for the present start (R3).
	Start uint64 `json:"start"`
	// Pending is a push whose outcome is not known.
	Pending *Pending `json:"pending,omitempty"`
	// Waiting and WaitSince say since when this node could take over but for
	// the other side (R4).
	Waiting   bool `json:"waiting,omitempty"`
	WaitSince Time `json:"waitSince,omitempty"`
	// Leaving and LeaveSince say since when this side serves although the
	// other one is declared (R2).
	Leaving    bool `json:"leaving,omitempty"`
	LeaveSince Time `json:"leaveSince,omitempty"`
	// Hold is the wait of R7 between winning a claim and the first start.
	Hold Hold `json:"hold"`
	// StopRule is why a stop is under way, StopSince since when, StopLeased
	// whether it must end in the self-fence (R7).
	StopRule   Rule `json:"stopRule,omitempty"`
	StopSince  Time `json:"stopSince,omitempty"`
	StopLeased bool `json:"stopLeased,omitempty"`
	FencedAt   Time `json:"fencedAt,omitempty"`
	// DrainEnded says that this stop began because a person ended its drain.
	DrainEnded bool `json:"drainEnded,omitempty"`
	// Bare says that this node never managed the services of any document: that no
	// record of them is there is no loss then (R2). Memories of older agents do not
	// say it.
	Bare bool `json:"bare,omitempty"`
	// HeldBound is the stop bound of the claim this node last held. A side that seized
	// the claim waits for that long (R7).
	HeldBound time.Duration `json:"heldBound,omitempty"`
	// HeldUnder is the commit that was in force when this node last held the
	// claim (R4).
	HeldUnder string `json:"heldUnder,omitempty"`
	// FencedUnder is the commit by which the other side is fenced, and FencedOn
	// the claim's tip when this node learnt that (R4).
	FencedUnder string `json:"fencedUnder,omitempty"`
	FencedOn    string `json:"fencedOn,omitempty"`
	// Local says that services run without a claim won for it: on a presumption
	// at boot (R6) or on a person's word (R9).
	Local Rule `json:"local,omitempty"`
	// Guarantee is the one of the present start.
	Guarantee Guarantee `json:"guarantee,omitempty"`
	// TakenOver says that a person's takeover was published: losing the claim
	// after that ends it (R9).
	TakenOver bool `json:"takenOver,omitempty"`
	// Stated and StatedOn say that a person's takeover was seen, and on which
	// tip of the claim (R9).
	Stated   bool   `json:"stated,omitempty"`
	StatedOn string `json:"statedOn,omitempty"`
	// OldWord says that this was before a reboot: it starts nothing while git is
	// out of reach, because nobody knows whether it is still true (R6, R9).
	OldWord bool `json:"oldWord,omitempty"`
	// WasActive says that this start has been Active once.
	WasActive bool `json:"wasActive,omitempty"`
	// Tries counts start or stop orders a service did not follow.
	Tries []Tries `json:"tries,omitempty"`
	// Renders counts the same for files.
	Renders []Tries `json:"renders,omitempty"`
	// Serving is the side that files are rendered for.
	Serving spec.Side `json:"serving,omitempty"`
	// Returned says that this run found its services down and still listens, since
	// ReturnedSince once ReturnTimed (R3).
	Returned      bool `json:"returned,omitempty"`
	ReturnTimed   bool `json:"returnTimed,omitempty"`
	ReturnedSince Time `json:"returnedSince,omitempty"`
	// Runs are the newest runs of the agent on this disk that changed the claim. A
	// claim of this instance that another run made is a copy's (R1).
	Runs []string `json:"runs,omitempty"`
	// FoundUp says that this run of the agent found services running that no boot came
	// between, as far as is known, and has not read the claim since (R5).
	FoundUp bool `json:"foundUp,omitempty"`
	// Fresh is true in a memory that was not loaded from disk.
	Fresh bool `json:"fresh,omitempty"`
}

// Pending names the tip on which a push of this node was sent that may have
// landed, may land later, or never will. It is settled by reading any other tip.
type Pending struct {
	Parent string `json:"parent"`
	Action Action `json:"action"`
}

// Hold is a wait that must be served before services start: the other side's
// lease and stop bound, or a debt somebody left (R7).
type Hold struct {
	// Start is the start the wait belongs to.
	Start uint64        `json:"start,omitempty"`
	Since Time          `json:"since,omitempty"`
	For   time.Duration `json:"for,omitempty"`
	// Begun says that Since is set.
	Begun bool `json:"begun,omitempty"`
}

// Tries is the back-off of one service.
type Tries struct {
	Count int  `json:"count,omitempty"`
	Last  Time `json:"last,omitempty"`
}

// rebooted returns what is left of a memory after a reboot: the numbers that
// only grow, and what may still be on its way to the server. Every time in it
// is void, and so is any wait that was served (R7).
func (m Memory) rebooted(boot string) Memory {
	return Memory{Boot: boot, Bare: m.Bare, Start: m.Start, Pending: m.Pending, Serving: m.Serving,
		Guarantee: m.Guarantee, Hold: Hold{Start: m.Hold.Start, For: m.Hold.For}, HeldBound: m.HeldBound, HeldUnder: m.HeldUnder,
		FencedUnder: m.FencedUnder, FencedOn: m.FencedOn, Runs: m.Runs,
		TakenOver: m.TakenOver, Stated: m.Stated, StatedOn: m.StatedOn, OldWord: m.Stated}
}
