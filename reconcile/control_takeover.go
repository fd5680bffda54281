package reconcile

import (
	"context"
	"strings"

	"mainstay/reconcile/plan"
)

// takeover activates this node by a person's word, makes the claim of a dead
// instance of its side its own, or ends such an order (R9).
func (c *Control) takeover(ctx context.Context, r TakeoverRequest) (Answer, error) {
	r.Attest = strings.TrimSpace(r.Attest)
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	if r.End {
		return c.endTakeover(ctx)
	}
	answers := ""
	unsaved, err := c.do(ctx, func(a *Actuator) error { return a.mayTakeOver(r) }, func(a *Actuator) error {
		a.Log.Warn("takeover by a person", "attest", r.Attest, "adopt", r.Adopt)
		if w := a.Machine.Probes.Witness(); w.Known && w.Answers {
			answers = "; but " + a.doc.Peer + " answers the witness probe: look at it now"
		}
		return a.SetTakeover(&plan.TakeoverAsk{Attest: r.Attest, Adopt: r.Adopt})
	})
	if err != nil {
		return Answer{}, err
	}
	message := "taking over; it ends when the document agrees, or by mainstay takeover --end"
	if r.Adopt {
		message = "adopting the claim of this side"
	}
	return c.answer(message+answers, unsaved), nil
}

// check returns a Misused for an order that contradicts itself, and a Refused
// for one that states nothing.
func (r TakeoverRequest) check() error {
	if !r.End {
		return attested(strings.TrimSpace(r.Attest))
	}
	if r.Adopt || r.Attest != "" {
		return &Misused{Reason: "the end of a takeover takes nothing else", Advice: "give --end alone"}
	}
	return nil
}

func (c *Control) endTakeover(ctx context.Context) (Answer, error) {
	unsaved, err := c.do(ctx, func(a *Actuator) error {
		if a.takeover == nil {
			return refusef(plan.R9, "", "no takeover is in force on this node")
		}
		return nil
	}, func(a *Actuator) error {
		a.Log.Warn("takeover ended by a person", "attest", a.takeover.Attest)
		return a.SetTakeover(nil)
	})
	if err != nil {
		return Answer{}, err
	}
	return c.answer("the takeover has ended; the document decides again", unsaved), nil
}

// mayTakeOver returns a Refused when a rule forbids the order, or when it would
// do nothing: a person in a hurry must not believe that it did.
func (a *Actuator) mayTakeOver(r TakeoverRequest) error {
	d := a.doc
	switch {
	case d == nil:
		return refusef(plan.R9, "let the agent read the repository once", "no document was accepted on this node yet")
	case !d.Exclusive:
		return refusef(plan.R9, "run it on a node of an exclusive role",
			"%s is of the role %s, which belongs to no side and has no claim", d.Node, d.Role)
	case d.Fenced == d.Side:
		return refusef(plan.R2, "commit a document that does not fence this side",
			"the document says fenced: %s, so this side stays down", d.Fenced)
	case a.activePause() != nil:
		return refusef(plan.R11, "run mainstay resume first", "this node is paused: %s", a.pause.Reason)
	case d.Paused:
		return refusef(plan.R11, "commit a document that does not pause it", "the document pauses this node: %s", d.Reason)
	case r.Adopt:
		return a.mayAdopt()
	}
	return a.mayActivate()
}

func (a *Actuator) mayAdopt() error {
	claim := a.snap.Claims[a.doc.Role]
	t := claim.Tip
	switch {
	case !a.Coordinated:
		return refusef(plan.R8, "", "without coordination there is no claim to adopt")
	case !claim.Read:
		return refusef(plan.R9, "make git answer first", "the claim of %s has not been read since this agent began", a.doc.Role)
	case claim.Regressed:
		return regressedFirst(a.doc.Role)
	case t.Free():
		return refusef(plan.R9, "", "the claim of %s is free, so there is nothing to adopt", a.doc.Role)
	case t.Holder.Side() != a.doc.Side:
		return refusef(plan.R9, "to activate this side all the same leave --adopt out",
			"the claim of %s is held by %s, and only one of this side can be adopted", a.doc.Role, t.Holder)
	case t.Instance == a.Instance:
		return refusef(plan.R9, "", "the claim of %s is this very node's already", a.doc.Role)
	}
	return nil
}

func (a *Actuator) mayActivate() error {
	switch {
	case a.blocked != "":
		return refusef(plan.RService, "mend that first", "this node could not start its services: %s", a.blocked)
	case a.snap.Claims[a.doc.Role].Regressed:
		return regressedFirst(a.doc.Role)
	case a.last.Status == plan.Active && a.doc.Active == a.doc.Side:
		return refusef(plan.R9, "", "%s is Active already, as the document says", a.doc.Node)
	}
	return nil
}

func regressedFirst(role string) error {
	return refusef(plan.R10, `settle that first: mainstay accept --claim --attest "…"`, "the claim of %s went back", role)
}
