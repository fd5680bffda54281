package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile/plan/restart"
	"mainstay/spec"
)

// pass is one decision being made.
type pass struct {
	in  *Input
	doc *Doc
	mem Memory
	out Decision
	// void says that the claim was changed since a person made the statement that
	// stands: it is carried out no more (R9).
	void bool
}

// Decide says what to do now. It does not change in, and the same input gives
// the same decision.
func Decide(in *Input) Decision {
	p := &pass{in: in, doc: in.Doc, mem: in.Memory}
	p.begin()
	switch {
	case p.doc == nil:
		p.say(Unknown, RService, "no document was accepted yet")
	case p.in.Unmanaged:
		p.say(Failed, RService, "%s; nothing is known of what runs here, so nothing is done and no claim is released", p.in.Blocked)
	case !p.doc.Exclusive:
		p.shared()
	case !p.doc.Coordinated:
		p.uncoordinated()
	default:
		p.exclusive()
	}
	return p.end()
}

// begin voids what a reboot voids and settles a push whose outcome has become known: once any
// other tip than its parent was read, it has landed or never can.
func (p *pass) begin() {
	if p.mem.Boot != p.in.Boot {
		if p.mem.Boot != "" {
			p.mem = p.mem.rebooted(p.in.Boot)
		}
		p.mem.Boot = p.in.Boot
	}
	if q := p.mem.Pending; q != nil && p.in.Claim.Read && p.in.Claim.Tip.ID != q.Parent {
		p.mem.Pending = nil
	}
	if p.doc == nil || p.in.Unmanaged {
		return
	}
	p.judgeRestart()
	p.believeFoundUp()
	p.serveWhatIsFound()
	p.countListening()
	p.noteTakeoverPublished()
	p.learnFence()
	p.mem.DrainEnded = p.mem.DrainEnded && p.mine()
	if p.mine() {
		p.mem.HeldBound, p.mem.HeldUnder = p.in.Claim.Tip.StopBound.D(), p.doc.Commit
	}
	p.mem.Tries = restart.Sized(p.mem.Tries, len(p.doc.Services))
	p.mem.Renders = restart.Sized(p.mem.Renders, len(p.in.Files))
}

// judgeRestart decides about the services that a new run of the agent finds. R5:
// services found running are kept. R3: with nothing running, a start needs a new
// claim push. While a claim was still being won this agent had started nothing, so
// services found running then were started by something else, and count for no start.
func (p *pass) judgeRestart() {
	if p.in.Restarted {
		p.mem.Returned, p.mem.FoundUp = false, !p.allDown() && (p.in.Memory.Fresh || p.in.Memory.Boot == p.in.Boot)
	}
	switch {
	case !p.in.Restarted || p.mem.Stage == StageStopping:
	case p.allDown():
		p.rest()
		p.cameBack()
	case p.mem.Stage == StageClaiming:
		p.mem.Stage = StageIdle
		p.newStart()
	}
}

// serveWhatIsFound treats a node that lost its memory as serving when all its services run
// under its own claim: they are kept (R5), and the node steps down only as a serving
// side does (R2). The claim is renewed meanwhile.
func (p *pass) serveWhatIsFound() {
	if !p.in.Memory.Fresh || !p.doc.Exclusive || !p.doc.Coordinated || p.mem.Stage != StageIdle || !p.named(p.in.Claim.Tip) || !p.allUp() {
		return
	}
	p.knowRun(p.in.Claim.Tip.Run)
	p.mem.Stage, p.mem.WasActive, p.mem.Guarantee = StageServing, true, p.in.Claim.Tip.Guarantee
}

func (p *pass) end() Decision {
	if p.doc != nil && !p.in.Unmanaged {
		p.mem.Fresh = p.mem.Fresh && p.mem.Stage == StageIdle && !p.allDown()
		p.files()
	}
	if p.doc != nil {
		p.conditions()
		p.out.Serving = p.mem.Serving
		p.settle()
	}
	if p.out.Push != nil {
		p.mem.Pending = &Pending{Parent: p.out.Push.Parent, Action: p.out.Push.Claim.Action}
	}
	p.out.Memory = p.mem
	return p.out
}

// settle says whether anything is left to do, and whether it is between the
// two sides, so that git is looked at more often.
func (p *pass) settle() {
	quiet := p.out.Push == nil && len(p.out.Steps) == 0 && !p.in.Claim.Regressed
	clean := quiet && p.filesClean()
	switch {
	case !p.doc.Exclusive:
		p.out.Converged = clean && p.out.Status == Active && p.pointsRight()
	case p.wants():
		p.out.Converged = clean && p.out.Status == Active
	default:
		p.out.Converged = clean && p.out.Status == Inactive && !p.mine() && p.allDown()
	}
	p.out.Handover = !p.out.Converged && p.out.Status != Paused
}

// say sets the status and why; the last word counts.
func (p *pass) say(s Status, r Rule, format string, args ...any) {
	p.out.Status, p.out.Rule, p.out.Reason = s, r, fmt.Sprintf(format, args...)
}

func (p *pass) warn(kind, format string, args ...any) {
	p.out.Conditions = append(p.out.Conditions, Condition{Type: kind, Message: fmt.Sprintf(format, args...)})
}

// wake asks to decide again at t; the earliest of several counts.
func (p *pass) wake(t Time) {
	if p.out.Wake == 0 || t < p.out.Wake {
		p.out.Wake = max(t, 1)
	}
}

// until says when the present wait ends.
func (p *pass) until(t Time) {
	p.out.Until = t
	p.wake(t)
}

func (p *pass) step(do Do, index int, r Rule, format string, args ...any) {
	p.out.Steps = append(p.out.Steps, Step{Do: do, Index: index, Rule: r, Reason: fmt.Sprintf(format, args...)})
}

// mine reports whether the claim is held by this very instance, and not by a copy of it (R1).
func (p *pass) mine() bool {
	t := p.in.Claim.Tip
	return t.Holder.Side() != "" && t.Holder.Side() == p.doc.Side && t.Instance == p.in.Instance &&
		(p.in.KnowsRun(t.Run) || slices.Contains(p.mem.Runs, t.Run) || p.mem.FoundUp)
}

// takeover reports whether a person activated this node by hand (R9).
func (p *pass) takeover() bool {
	t := p.in.Takeover
	return t != nil && !t.Adopt && !t.Reroot && !p.void && !(p.mem.TakenOver && !p.mine())
}

// noteTakeoverPublished notes that a person's takeover was written into the claim. R9: from
// then on losing the claim ends the takeover, because a person's statement allows one
// takeover. Another person's takeover that was published first ends it too.
func (p *pass) noteTakeoverPublished() {
	switch t := p.in.Takeover; {
	case t == nil:
		p.mem.TakenOver, p.mem.Stated, p.mem.StatedOn, p.mem.OldWord = false, false, "", false
	case t.Adopt:
		p.noteStatement()
		p.out.Done = p.mine() && !p.in.Claim.Tip.Unseen() || p.void
	case t.Reroot:
		p.noteReroot()
	default:
		p.stated()
	}
}

func (p *pass) stated() {
	tip := p.in.Claim.Tip
	news := p.mem.Stated && tip.ID != p.mem.StatedOn
	p.noteStatement()
	attested := tip.Guarantee == Attested && !tip.Free() && news
	switch {
	case p.mine() && attested && tip.Start == p.mem.Start:
		p.mem.TakenOver = true
	case !p.mine() && attested:
		p.mem.TakenOver = true
	}
	if p.void || p.mem.TakenOver && !p.mine() {
		p.out.Done = true
	}
}

// noteStatement notes on which claim a person made a statement, and finds out
// whether the statement still stands. R9: once another node has changed that claim,
// the side that was said to be dead was not. A release does not count as such a
// change, nor does a change that this node made.
func (p *pass) noteStatement() {
	tip := p.in.Claim.Tip
	if !p.mem.Stated {
		p.mem.Stated, p.mem.StatedOn = true, *cmp.Or(p.in.Takeover.On, &tip.ID)
	}
	switch {
	case p.mem.TakenOver || p.mem.Local == R9: // it was carried out
	case !p.in.Claim.Read || p.in.Claim.Regressed || tip.ID == p.mem.StatedOn:
	case tip.Instance == p.in.Instance:
		p.mem.StatedOn = tip.ID
	case tip.Free() && p.isProven(tip):
	default:
		p.void = true
		p.warn(CondStatementVoid, "%s changed the claim after a person stated: %s; the statement is not carried out: "+
			"look at both nodes, and state it again if it is true", tip.Node, p.in.Takeover.Attest)
	}
}

// wants reports whether this side is to serve: declared, or by a person's word.
func (p *pass) wants() bool {
	return p.doc.Fenced != p.doc.Side && (p.doc.Active == p.doc.Side || p.takeover())
}

func (p *pass) allDown() bool {
	return !slices.ContainsFunc(p.in.Services, func(o Observed) bool { return !o.Down() })
}

func (p *pass) allUp() bool {
	for i, o := range p.in.Services {
		gone := i < len(p.doc.Services) && p.doc.Services[i].Gone
		if !gone && (o.Run != Running || o.Op == OpStop) {
			return false
		}
	}
	return len(p.in.Services) > 0
}

func (p *pass) elapsed(t Time) time.Duration { return p.in.Now - t }

func (p *pass) other() spec.Side { return p.doc.Side.Other() }
