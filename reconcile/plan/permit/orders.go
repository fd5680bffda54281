// Package permit says whether something that the decision does not begin by itself may be
// done: a person's order (R2, R8, R9, R10, R11), and a job of the document (R5, R11).
//
// It is as pure as package plan, and the simulation asks it as the agent does.
package permit

import (
	"fmt"
	"time"

	"mainstay/reconcile/plan"
)

// Refused is a person's order that a rule does not let through. Nothing was done.
type Refused struct {
	Rule   plan.Rule
	Reason string
	// Advice is what the person can do instead.
	Advice string
}

// Error says what is refused and why.
func (r *Refused) Error() string { return "refused: " + r.Reason }

// Hint returns what the person can do instead.
func (r *Refused) Hint() string { return r.Advice }

func refuse(r plan.Rule, advice, format string, args ...any) error {
	return &Refused{Rule: r, Reason: fmt.Sprintf(format, args...), Advice: advice}
}

// Late returns a Refused for a person's order that is taken up late: what
// its giver stated may be over (R9).
func Late(late time.Duration) error {
	if late <= 0 {
		return nil
	}
	return refuse("", "if it is still right, give it again",
		"this node stood still and took the order up %s too late, so it was not carried out", late.Round(time.Second))
}

// Statement returns a Refused for a statement that states nothing (R9).
func Statement(text string) error {
	if text == "" {
		return refuse(plan.R9, `say what you checked: --attest "paris-main is powered off, seen by me"`,
			"a takeover needs a person's statement")
	}
	return nil
}

// EndOfDrain returns a Refused when nothing drains, or when nothing would
// come of the order that ends a drain (R2, R11). was is the newest decision.
func EndOfDrain(in *plan.Input, was *plan.Decision) error {
	switch {
	case in.Doc == nil:
		return refuse(plan.R2, "", "no document was accepted on this node yet, so nothing drains")
	case in.Memory.Stage != plan.StageDraining:
		return refuse(plan.R2, "", "nothing drains on this node: it is %s: %s", was.Status, was.Reason)
	}
	return refusePaused(in)
}

func refusePaused(in *plan.Input) error {
	switch {
	case in.Pause != nil:
		return refuse(plan.R11, "run mainstay resume first", "this node is paused: %s", in.Pause.Reason)
	case in.Doc.Paused:
		return refuse(plan.R11, "commit a document that does not pause it", "the document pauses this node: %s", in.Doc.Reason)
	}
	return nil
}

// Takeover returns a Refused when a rule forbids a takeover, or when it
// would do nothing: a person in a hurry must not believe that it did. A takeover
// that re-roots the claim is the acceptance of a claim that went back (R10).
func Takeover(in *plan.Input, was *plan.Decision, t plan.TakeoverAsk) error {
	if t.Reroot {
		return refuseReroot(in, t)
	}
	d := in.Doc
	switch {
	case d == nil:
		return refuse(plan.R9, "let the agent read the repository once", "no document was accepted on this node yet")
	case !d.Exclusive:
		return refuse(plan.R9, "run it on a node of an exclusive role",
			"%s is of the role %s, which belongs to no side and has no claim", d.Node, d.Role)
	case d.Fenced == d.Side:
		return refuse(plan.R2, "commit a document that does not fence this side",
			"the document says fenced: %s, so this side stays down", d.Fenced)
	}
	if err := refusePaused(in); err != nil {
		return err
	}
	if t.Adopt {
		return refuseAdoption(in)
	}
	return refuseActivation(in, was)
}

func refuseAdoption(in *plan.Input) error {
	role, t := in.Doc.Role, in.Claim.Tip
	switch {
	case !in.Doc.Coordinated:
		return refuse(plan.R8, "", "without coordination there is no claim to adopt")
	case !in.Claim.Read:
		return refuse(plan.R9, "make git answer first", "the claim of %s has not been read since this agent began", role)
	case in.Claim.Regressed:
		return refuseRegressed(role)
	case in.Twin:
		return refuse(plan.R9, "stop the agent of the wrong machine, and give it a node: of its own",
			"another agent that calls itself %s is alive: its machine is not gone", in.Doc.Node)
	case t.Free():
		return refuse(plan.R9, "", "the claim of %s is free, so there is nothing to adopt", role)
	case t.Holder.Side() != in.Doc.Side:
		return refuse(plan.R9, "to activate this side all the same leave --adopt out",
			"the claim of %s is held by %s, and only one of this side can be adopted", role, t.Holder)
	case t.Instance == in.Instance && !t.Unseen():
		return refuse(plan.R9, "", "the claim of %s is this very node's already", role)
	}
	return nil
}

func refuseActivation(in *plan.Input, was *plan.Decision) error {
	switch {
	case in.Blocked != "":
		return refuse(plan.RService, "mend that first", "this node could not start its services: %s", in.Blocked)
	case in.Claim.Regressed:
		return refuseRegressed(in.Doc.Role)
	case was.Status == plan.Active && in.Doc.Active == in.Doc.Side:
		return refuse(plan.R9, "", "%s is Active already, as the document says", in.Doc.Node)
	}
	return nil
}

func refuseRegressed(role string) error {
	return refuse(plan.R10, `settle that first: mainstay accept --claim --attest "…"`, "the claim of %s went back", role)
}

func refuseReroot(in *plan.Input, t plan.TakeoverAsk) error {
	switch {
	case in.Doc == nil || !in.Doc.Exclusive || !in.Doc.Coordinated:
		return refuse(plan.R9, "", "this node has no claim")
	case !inDoubt(in):
		return refuse(plan.R10, "", "the claim of %s has not gone back, so there is nothing to accept", in.Doc.Role)
	}
	return Statement(t.Attest)
}

// inDoubt reports whether the claim went back, or is below what a report names,
// which a declared side does not build on (R10).
func inDoubt(in *plan.Input) bool {
	c := in.Claim
	return c.Regressed || c.Elsewhere > c.Tip.Seq && in.Doc.Active == in.Doc.Side
}

// EndOfTakeover returns a Refused when no takeover is in force (R9).
func EndOfTakeover(in *plan.Input) error {
	if in.Takeover == nil {
		return refuse(plan.R9, "", "no takeover is in force on this node")
	}
	return nil
}
