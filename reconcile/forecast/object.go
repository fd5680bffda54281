package forecast

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
)

// The words by which a person overrides an objection.
const (
	ObjectUnheard    = "unheard"
	ObjectPaused     = "paused"
	ObjectFailed     = "failed"
	ObjectChecks     = "checks"
	ObjectConditions = "conditions"
	ObjectHeld       = "held"
	ObjectFenced     = "fenced"
	ObjectDual       = "dual"
)

// Words lists what can be overridden.
func Words() []string {
	return []string{ObjectUnheard, ObjectPaused, ObjectFailed, ObjectChecks, ObjectConditions, ObjectHeld, ObjectFenced, ObjectDual}
}

func (p *planner) objection(what, node, why, advice string) {
	o := Objection{What: what, Node: node, Why: why, Advice: advice}
	if !slices.Contains(p.plan.Objections, o) {
		p.plan.Objections = append(p.plan.Objections, o)
	}
}

// String names the node, what is so, and what to do, as sentences: advice is written to
// stand behind "hint:" too.
func (o Objection) String() string {
	text := strings.TrimSuffix(o.Reason(), ".") + "."
	advice := strings.TrimSuffix(o.Advice, ".")
	if advice == "" {
		return text
	}
	first, size := utf8.DecodeRuneInString(advice)
	if !strings.HasPrefix(advice, "mainstay ") {
		advice = string(unicode.ToUpper(first)) + advice[size:]
	}
	return text + " " + advice + "."
}

// Reason names the node and what is so.
func (o Objection) Reason() string {
	if strings.HasPrefix(o.Why, o.Node+" ") {
		return o.Why
	}
	return o.Node + ": " + o.Why
}

// object says what speaks against a handover: what is wrong with the node that
// comes up, and what keeps the claim where it is.
func (h *handover) object() {
	n := h.up
	switch {
	case n.Report == nil:
		h.objection(ObjectUnheard, n.Name, h.say("it was never heard, so nothing says that it would come up"), h.say("is its agent running? `mainstay doctor` on it tells"))
	case n.Stale:
		h.objection(ObjectUnheard, n.Name, h.say("it was last heard %s, so nothing says that it would come up", h.when(n)),
			h.say("look at it first: is its agent running, does it reach git?"))
	default:
		h.objectToReport()
	}
	if h.held != "" && h.To.Fenced != h.from {
		h.objection(ObjectHeld, h.down.Name, h.held, h.wayOut())
	}
}

// wayOut is what a person does about a side that will not give its claim back. A
// side that is alive is never to be stated off.
func (h *handover) wayOut() string {
	n := h.down
	switch {
	case n.Report != nil && !n.Stale && h.isPaused(n) && pausedIn(h.To, n.Name):
		return h.say("take paused: of %s out of the document", n.Name)
	case n.Report != nil && !n.Stale && h.isPaused(n):
		return h.say("run `mainstay resume` on %s", n.Name)
	case h.stuck():
		return h.say("stop its services by hand on %s, or cut its power and then add --fenced %s", n.Name, h.from)
	}
	return h.say("if you know that %s is off, add --fenced %s", h.from, h.from)
}

// brokenSide says that the side to be left has a failed service: a reason to
// leave, and none to stay.
func (h *handover) brokenSide() {
	if r := h.down.Report; r != nil && !h.down.Stale && r.Status == plan.Failed && h.held == "" {
		h.plan.Notes = append(h.plan.Notes, h.say("%s is Failed, and what runs on it is stopped in order: %s", h.down.Name, r.Reason))
	}
}

// leftBehind says what the node that goes down counted of what it would keep. It holds
// nothing up: a person knows then what to fetch.
func (h *handover) leftBehind() {
	r := h.down.Report
	if r == nil || h.from == "" || h.from == h.plan.To {
		return
	}
	for _, c := range r.Leaves {
		switch {
		case !c.OK:
			h.plan.Notes = append(h.plan.Notes, h.say("what stays behind on %s of %s could not be counted: %s", h.down.Name, c.Name, c.Output))
		case c.Output != "":
			h.plan.Notes = append(h.plan.Notes, h.say("%s stay behind on %s: %s", c.Name, h.down.Name, c.Output))
		}
	}
}

// objectToReport says what is wrong with what the node that comes up says.
func (h *handover) objectToReport() {
	n, r := h.up, h.up.Report
	switch {
	case h.isPaused(n):
		h.objection(ObjectPaused, n.Name, h.say("it is paused: its agent would not start anything"), h.say("run `mainstay resume` on it"))
	case r.Status == plan.Failed:
		h.objection(ObjectFailed, n.Name, h.say("it is Failed: %s", r.Reason), h.say("mend it first; `mainstay explain` on it tells more"))
	}
	for _, c := range r.Checks {
		if !c.OK {
			h.objection(ObjectChecks, n.Name, h.say("its readiness check %s fails: %s", c.Name, c.Output), h.say("mend what it finds"))
		}
	}
	for _, c := range r.Conditions {
		switch known := conditions.Of(c.Type); {
		case c.Type == plan.CondDualActive:
			h.objection(ObjectDual, n.Name, c.Message, h.say("stop one side by hand first"))
		case known.Blocks:
			h.objection(ObjectConditions, n.Name, c.Type+": "+c.Message, known.Do)
		}
	}
}

// objectToFence says when a side is stated to be off and is not: the one
// statement by which two sides can come to serve at once (R4, fenced).
func (p *planner) objectToFence() {
	side := p.To.Fenced
	if side == "" || p.From != nil && p.From.Fenced == side {
		return
	}
	for _, name := range fleet.Ordered(p.To) {
		n := p.last(name)
		switch {
		case p.To.Nodes[name].Side != side || !p.Now.MayServe(n):
		case n.Stale:
			p.objection(ObjectFenced, name,
				p.say("its last word, dated %s, was %s; its clock may be behind, and nothing shows that %s is off", n.When(), n.Report.Status, side),
				p.say("make sure that it is off, then say --force %s", ObjectFenced))
		default:
			way := p.say("leave --fenced out, and it will stop first")
			if n.Report.Paused {
				way = p.say("run `mainstay resume` on it and leave --fenced out, and it will stop first")
			}
			p.objection(ObjectFenced, name,
				p.say("it was heard %s, is %s, and its services run: %s is not off", n.When(), n.Report.Status, side),
				p.say("%s; or cut its power, then say --force %s", way, ObjectFenced))
		}
	}
}

// notes says what is good to know about nodes that no handover depends on.
func (p *planner) notes() {
	for _, name := range fleet.Ordered(p.To) {
		n := p.last(name)
		if !n.Stale && n.Ahead == 0 || p.objectedTo(name) {
			continue
		}
		how := p.say("%s has never reported: its lines here are a guess", name)
		if n.Report != nil {
			how = p.say("%s was last heard %s: its lines here are a guess", name, p.when(n))
		}
		p.plan.Notes = append(p.plan.Notes, how)
	}
	p.underWay()
	if !p.Coordinated {
		p.plan.Notes = append(p.plan.Notes, p.say("read-only mode: no claim keeps the two sides apart"))
	}
}

// underWay says that an earlier switch has not come to its end.
func (p *planner) underWay() {
	if len(p.plan.Handovers) == 0 {
		return
	}
	var nodes []string
	for _, name := range fleet.Ordered(p.To) {
		r := p.last(name).Report
		if p.To.Nodes[name].Side != "" && r != nil && (r.Status == plan.Activating || r.Status == plan.Deactivating) {
			nodes = append(nodes, name+" is "+string(r.Status))
		}
	}
	if len(nodes) > 0 {
		p.plan.Notes = append(p.plan.Notes, p.say("an earlier switch is under way (%s): its remaining steps are dropped", strings.Join(nodes, ", ")))
	}
}

// refusals says what the nodes' own files will refuse of the new document, as far as
// the nodes told what they allow. A side that comes up would be Blocked, and not
// come up.
func (p *planner) refusals() {
	for _, name := range fleet.Ordered(p.To) {
		n, why := p.To.Nodes[name], p.refused(name)
		comesUp := slices.ContainsFunc(p.plan.Handovers, func(h Handover) bool { return h.Role == n.Role && h.To == n.Side })
		switch {
		case why == "":
		case comesUp:
			p.objection(ObjectConditions, name, why, p.say("add the line to /etc/mainstay/agent.yaml on it and restart its agent first"))
		default:
			p.plan.Notes = append(p.plan.Notes, p.say("%s: %s", name, why))
		}
	}
}

// refused says what a node's own file will refuse, or "" when nothing is known of it.
func (p *planner) refused(name string) string {
	r, w := p.last(name).Report, p.want(name)
	if r == nil || r.Allow == nil || w == nil {
		return ""
	}
	refused := r.Allow.Refusals(w)
	if len(refused) == 0 {
		return ""
	}
	why := p.say("its own file will refuse this: %s", refused[0].Error())
	if more := len(refused) - 1; more > 0 {
		why = p.say("%s (and %d more)", why, more)
	}
	return why
}

func (p *planner) objectedTo(node string) bool {
	return slices.ContainsFunc(p.plan.Objections, func(o Objection) bool { return o.Node == node && o.What == ObjectUnheard })
}

// people says what is left for people to do once the sides have changed.
func (p *planner) people() {
	if len(p.plan.Handovers) == 0 {
		return
	}
	for _, name := range fleet.Ordered(p.To) {
		n := p.To.Nodes[name]
		if n.URL == "" {
			continue
		}
		switch {
		case n.Side == p.To.Active:
			p.plan.People = append(p.plan.People, p.say("%s users reconnect at %s", n.Role, n.URL))
		case n.Side == "" && p.To.Roles[n.Role].Follows != "":
			p.plan.People = append(p.plan.People, p.say("%s users refresh the page; the address stays %s", n.Role, n.URL))
		}
	}
}
