package forecast

import (
	"math"
	"slices"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/spec"
)

// handovers foretells every claim that will change hands.
func (p *planner) handovers() {
	for _, role := range p.roles() {
		side := p.To.Active
		node, ok := p.To.NodeOf(role, side)
		from := p.serving(role)
		if !ok || from == side || !p.switching(from) {
			continue
		}
		h := handover{planner: p, role: role, from: from, up: p.last(node)}
		if name, ok := p.To.NodeOf(role, side.Other()); ok {
			h.down = p.last(name)
		}
		p.plan.Handovers = append(p.plan.Handovers, h.afterLead(h.canComeUp(h.foretell())))
		h.object()
		h.brokenSide()
		h.leftBehind()
	}
	p.objectToFence()
}

// switching reports whether the change itself asks for a handover, or one that
// was asked for before is still to come.
func (p *planner) switching(from spec.Side) bool {
	return p.From == nil || p.From.Active != p.To.Active || p.From.Fenced != p.To.Fenced || from == p.To.Active.Other()
}

// handover is one claim on its way from one node to another.
type handover struct {
	*planner
	role     string
	from     spec.Side
	up, down fleet.Node
	held     string
}

// foretell says by which guarantee the claim will change hands, best first (R4).
func (h *handover) foretell() Handover {
	claim := h.Now.Claims[h.role]
	out := Handover{Role: h.role, From: h.from, To: h.To.Active, First: h.Coordinated && h.from == "" && claim.Seq == 0 && claim.Error == ""}
	wait := h.To.Handover.Wait.D()
	set := func(g plan.Guarantee, longest time.Duration, why string, args ...any) {
		out.Guarantee, out.Why = string(g), h.say(why, args...)
		out.Longest = seconds(longest + h.startTime())
	}
	switch {
	case !h.Coordinated && h.from != "":
		h.uncoordinated(set)
	case h.from == "":
		h.free(set, &out)
	case h.attested():
		h.held = h.say("%s was activated by a person while the document already declared %s: it stays until a newer commit says so", h.from, h.To.Active)
	case h.To.Fenced == h.from:
		set(plan.Fenced, h.debt(), "the document states that %s is off: nobody waits for it", h.from)
	case h.Now.Claims[h.role].Unseen():
		h.unseen(set, &out)
	case h.speaks():
		set(plan.Released, h.drain()+h.stopTime(), "%s stops, is seen to be down, and releases the claim", h.down.Name)
		out.Waits = h.releaseWaits()
		h.mayBeDead(&out, wait)
	default:
		h.silent(set, wait)
		out.Waits = append(out.Waits, h.silentWaits(wait)...)
	}
	if h.held != "" {
		out.Guarantee, out.Why = "", h.held
	}
	return out
}

// free is what happens to a claim that nobody holds. It is taken at once when the
// claim, or the node of the other side, says that the other side is down (R12,
// R13). Otherwise nothing is known of that side, and the waits are those for a side
// that does not release (R4).
func (h *handover) free(set func(plan.Guarantee, time.Duration, string, ...any), out *Handover) {
	other := h.To.Active.Other()
	proven, why := h.freeClaim().Proven()
	switch {
	case !h.Coordinated:
		set(plan.Released, 0, "nobody is known to serve")
	case proven != "":
		set(proven, h.debt(), "%s", h.proof(why))
	case h.To.Fenced == other:
		set(plan.Fenced, 0, "the document states that %s is off: nobody waits for it", other)
		return
	case h.speaks() && h.Now.Claims[h.role].SpeaksFor(other, h.down.Report.Instance):
		set(plan.Released, h.drain()+h.stopTime()+h.debt(), "the claim is free, and %s reports under the new commit that it is down", h.down.Name)
		out.Waits = []string{h.say("%s to report that it is down", h.down.Name)}
		h.mayBeDead(out, h.To.Handover.Wait.D())
	default:
		h.silent(set, h.To.Handover.Wait.D())
		out.Why = h.say("the claim is free, and nothing says that %s is down; %s", other, out.Why)
		if h.held != "" {
			h.held = h.say("the claim is free, and nothing says that %s is down; %s", other, h.held)
		}
		out.Waits = h.silentWaits(h.To.Handover.Wait.D())
	}
	h.addDebt(out)
}

// unseen is a release that proves nothing: another machine of that side held the
// claim before the one that serves, and nobody saw it down (R12).
func (h *handover) unseen(set func(plan.Guarantee, time.Duration, string, ...any), out *Handover) {
	wait := h.To.Handover.Wait.D()
	h.silent(set, wait)
	out.Why = h.say("another machine held the claim of %s before %s, and nobody saw it down; %s", h.from, h.down.Name, out.Why)
	out.Waits = h.silentWaits(wait)
}

// freeClaim is the claim in the eyes of the node that comes up. A node that was
// never heard comes to the chain where it is now, so nothing before proves anything
// to it (R13).
func (h *handover) freeClaim() plan.FreeClaim {
	t := h.Now.Claims[h.role].Tip
	f := plan.FreeClaim{Tip: t, Taker: h.To.Active, Joined: t.Seq, Peer: h.down.Name}
	if r := h.up.Report; r != nil && r.Accepted != "" && h.Now.Own(r) {
		f.Joined = r.Joined
	}
	return f
}

// attested reports whether a person activated the other side under this very
// document, which cannot undo that (R9).
func (h *handover) attested() bool {
	c := h.Now.Claims[h.role]
	return c.Guarantee == plan.Attested && c.Document == h.To.Digest() && h.To.Fenced != h.from
}

// canComeUp takes the promise back when the node that comes up says itself that it
// would not: it takes no claim, so the other side is not let go.
func (h *handover) canComeUp(out Handover) Handover {
	r := h.up.Report
	if r == nil || h.up.Stale || out.Guarantee == "" {
		return out
	}
	why := ""
	if h.isPaused(h.up) {
		why = h.say("%s is paused and starts nothing", h.up.Name)
	}
	for _, c := range r.Conditions {
		if c.Type == plan.CondBlocked {
			why = h.say("%s would start nothing: %s", h.up.Name, c.Message)
		}
	}
	if why != "" {
		out.Guarantee, out.Why, out.Longest, out.IfDead, out.Waits = "", why, 0, "", []string{h.say("a person")}
	}
	return out
}

// HeardNow is how old a report may be that still tells that its node is alive:
// beyond it a node may have died since, and its next report is not due before a
// heartbeat.
const HeardNow = 30 * time.Second

// mayBeDead says what happens instead when the node that steps down was not heard
// just now, and prolongs the bound so that it holds for both.
func (h *handover) mayBeDead(out *Handover, wait time.Duration) {
	if h.down.HeardWithin(HeardNow) {
		return
	}
	how, longest := h.ifDead(wait)
	out.IfDead = h.say("%s was last heard %s; if it is dead: %s", h.down.Name, h.down.When(), how)
	if longest > 0 {
		longest += h.startTime()
	}
	out.Longest = max(out.Longest, seconds(longest))
}

// ifDead is what happens when the node that steps down does not (R4), and how long
// that takes; 0 when nothing bounds it.
func (h *handover) ifDead(wait time.Duration) (how string, longest time.Duration) {
	claim := h.Now.Claims[h.role]
	switch {
	case h.leased():
		longest = wait + plan.SeizeWait(claim.Lease.D(), claim.StopBound.D())
		return h.say("lease after %s", Handover{Longest: seconds(longest)}.Bound()), longest
	case h.To.Handover.Unconfirmed != spec.UnconfirmedStart:
		return h.say("held until a person says that it is off"), 0
	case h.To.Roles[h.role].Witness != nil:
		return h.say("presumed after %s, if its witness is silent", wait), wait + h.debt()
	}
	return h.say("presumed after %s", wait), wait + h.debt()
}

// leased reports whether the claim that is held carries a lease: a free one obeys
// none.
func (h *handover) leased() bool { return h.from != "" && h.Now.Claims[h.role].Lease > 0 }

// afterLead adds what a role that follows another waits for: it starts once that
// one is Active, so the other's bound comes on top of its own.
func (h *handover) afterLead(out Handover) Handover {
	follows := h.To.Roles[h.role].Follows
	i := slices.IndexFunc(h.plan.Handovers, func(l Handover) bool { return l.Role == follows })
	if follows == "" || i < 0 || out.Guarantee == "" {
		return out
	}
	lead := h.plan.Handovers[i]
	wait := h.say("%s to be Active on %s", follows, h.To.Active)
	if lead.Longest > 0 {
		wait = h.say("%s, at most %s", wait, lead.Bound())
		out.Longest += lead.Longest
	} else {
		out.Longest = 0
	}
	out.Waits = append(out.Waits, wait)
	return out
}

// Bound is Longest as a duration, in whole seconds and never less.
func (h Handover) Bound() time.Duration {
	return time.Duration(math.Ceil(h.Longest)) * time.Second
}

// speaks reports whether the node that goes down is there to release its claim.
func (h *handover) speaks() bool {
	n := h.down
	return n.Report != nil && !n.Stale && n.Report.Status != plan.Unknown && n.Report.Takeover == "" && !h.isPaused(n) && !h.stuck()
}

// witness says why the node that goes down would not be presumed dead, as far as
// the node that comes up was heard and says so: a witness that cannot be asked is
// never silent (R4).
func (h *handover) witness() string {
	r := h.up.Report
	if h.To.Roles[h.role].Witness == nil || r == nil || h.up.Stale {
		return ""
	}
	for _, c := range r.Conditions {
		if c.Type == plan.CondWitnessUnusable {
			return h.say("%s is not heard, and its witness cannot be asked: %s", h.down.Name, c.Message)
		}
	}
	return ""
}

// stuck reports whether the node that goes down says that a stop of it failed: it
// was told to leave under this very claim, and runs. A service that failed to
// start keeps no side from leaving (R2), and nobody presumes a node dead that is
// known to run (R4).
func (h *handover) stuck() bool {
	r := h.down.Report
	return r != nil && !h.down.Stale && r.Stuck(h.Now.Claims[h.role].Seq, h.To.Active)
}

// pausedIn reports whether a document pauses a node now.
func pausedIn(d *spec.Deployment, node string) bool { return d.Nodes[node].PausedAt(time.Now()) }

func (h *handover) isPaused(n fleet.Node) bool {
	return pausedIn(h.To, n.Name) || n.Report != nil && n.Report.Paused
}

func (h *handover) uncoordinated(set func(plan.Guarantee, time.Duration, string, ...any)) {
	switch {
	case h.To.Fenced == h.from:
		set(plan.Fenced, 0, "the document states that %s is off; there is no claim to check it (R8)", h.from)
	case h.To.Handover.Unconfirmed != spec.UnconfirmedStart:
		h.held = h.say("there is no claim and handover.unconfirmed is hold (R8)")
	default:
		set(plan.Presumed, h.To.Handover.Wait.D(), "there is no claim: %s is presumed to have stopped after %s (R8)",
			h.from, h.To.Handover.Wait)
	}
}

// silent is what happens when the other side does not release (R4).
func (h *handover) silent(set func(plan.Guarantee, time.Duration, string, ...any), wait time.Duration) {
	claim := h.Now.Claims[h.role]
	name := h.down.Name
	switch {
	case h.leased():
		d := max(plan.SeizeWait(claim.Lease.D(), claim.StopBound.D()), h.debt())
		set(plan.Lease, wait+d, "%s is not heard; its lease of %s and its stop bound are waited out", name, claim.Lease)
	case name == "":
		h.held = h.say("the document names no node of %s on %s that could be asked: a person has to say that it is off", h.role, h.To.Active.Other())
	case h.isPaused(h.down):
		h.held = h.say("%s is paused: it will not step down until somebody resumes it", name)
	case h.stuck():
		h.held = h.say("%s was told to stop and could not: %s", name, h.down.Report.Reason)
	case h.To.Handover.Unconfirmed != spec.UnconfirmedStart:
		h.held = h.say("%s is not heard, and handover.unconfirmed is hold: a person has to say that it is off", name)
	case h.witness() != "":
		h.held = h.witness()
	case h.To.Roles[h.role].Witness != nil:
		set(plan.Presumed, wait+h.debt(), "%s is not heard; it is presumed dead once its witness was silent for %s", name, wait)
		h.objectToWitness()
	default:
		set(plan.Presumed, wait+h.debt(), "%s is not heard; it is presumed dead after %s, with no witness to ask", name, wait)
	}
}

// objectToWitness says when the side that comes up cannot ask the witness that the
// forecast counts on: it would presume nothing (R4).
func (h *handover) objectToWitness() {
	n := h.up
	if n.Report == nil || n.Stale {
		return
	}
	for _, c := range n.Report.Conditions {
		if c.Type == plan.CondWitnessUnusable {
			h.objection(ObjectConditions, n.Name, c.Type+": "+c.Message, conditions.Of(c.Type).Do)
		}
	}
}

func (h *handover) silentWaits(wait time.Duration) []string {
	waits := []string{h.say("up to %s for a release that may still come", wait)}
	if h.held != "" {
		waits = append(waits, h.say("a person"))
	}
	return waits
}

func (h *handover) releaseWaits() []string {
	waits := []string{h.say("%s to accept the commit and say that it is ready", h.up.Name)}
	if d := h.drain(); d > 0 {
		waits = append(waits, h.say("calls on %s to end, at most %s", h.down.Name, d))
	}
	return append(waits, h.say("the services of %s to be seen stopped, at most %s", h.down.Name, h.stopTime()))
}

// debt is what an earlier taker left to be waited out (R7).
func (h *handover) debt() time.Duration { return h.Now.Claims[h.role].Debt.D() }

func (h *handover) addDebt(out *Handover) {
	if d := h.debt(); d > 0 {
		out.Waits = append(out.Waits, h.say("%s that an earlier takeover left", d))
	}
}

// want is what a node should be by the new document, nil when it is not in it.
func (p *planner) want(node string) *spec.Wanted {
	w, err := p.To.Want(node)
	if err != nil {
		return nil
	}
	return w
}

func (h *handover) drain() time.Duration {
	var bound time.Duration
	if w := h.want(h.down.Name); w != nil {
		for _, s := range w.Services {
			if s.Drain != nil {
				bound = max(bound, s.Drain.Within.D())
			}
		}
	}
	return bound
}

func (h *handover) stopTime() time.Duration {
	if w := h.want(h.down.Name); w != nil {
		return w.StopTime
	}
	return 0
}

func (h *handover) startTime() time.Duration {
	var sum time.Duration
	if w := h.want(h.up.Name); w != nil {
		for _, s := range w.Services {
			if s.Ready != nil {
				sum += s.Ready.Within.D()
			} else {
				sum += s.StartTimeout.D()
			}
		}
	}
	return sum
}
