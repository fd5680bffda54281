package forecast

import (
	"slices"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/spec"
)

// Input is what a preview is made from.
type Input struct {
	// From is the document as it is, nil for a new one; To is what it becomes,
	// nil for one that goes away.
	From, To *spec.Deployment
	// Now is what the nodes last said.
	Now *fleet.Deployment
	// Coordinated is false in read-only mode (R8).
	Coordinated bool
	// Unfenced says that a person asks for a fence to be taken out.
	Unfenced bool
}

// Forecast is what a change will do.
type Forecast struct {
	Deployment string `json:"deployment"`
	Path       string `json:"path,omitempty"`
	// From and To are the sides that are declared before and after.
	From spec.Side `json:"from,omitempty"`
	To   spec.Side `json:"to,omitempty"`
	// Fenced is the side that is stated to be off afterwards.
	Fenced spec.Side `json:"fenced,omitempty"`
	// Pending says that anything at all will happen.
	Pending   bool       `json:"pending"`
	Settings  []string   `json:"settings,omitempty"`
	Handovers []Handover `json:"handovers,omitempty"`
	Steps     []Step     `json:"steps,omitempty"`
	// Objections are what speaks against a handover.
	Objections []Objection `json:"objections,omitempty"`
	// Notes are what is good to know, such as nodes that were not heard.
	Notes []string `json:"notes,omitempty"`
	// People are what is left for people to do.
	People []string `json:"people,omitempty"`
	// Phrases are what the texts were made from, by the text: see In.
	Phrases map[string]Phrase `json:"-"`
}

// Handover is a claim that will change hands.
type Handover struct {
	Role string    `json:"role"`
	From spec.Side `json:"from,omitempty"`
	To   spec.Side `json:"to"`
	// First says that nobody has ever held the claim.
	First bool `json:"first,omitempty"`
	// Guarantee is what the side that comes up will know of the other one, empty
	// when the handover will not happen by itself (R4).
	Guarantee string `json:"guarantee,omitempty"`
	// Why says in words what the guarantee rests on.
	Why string `json:"why"`
	// IfDead says what happens instead should the node that steps down be dead. It
	// is empty where that node was heard just now, or is not counted on.
	IfDead string `json:"ifDead,omitempty"`
	// Waits are what it will wait for, in order.
	Waits []string `json:"waits,omitempty"`
	// Longest is how long it may take, in seconds, by the bounds of the document; 0
	// when it may wait for a person.
	Longest float64 `json:"longest"`
}

// Move says in words from which side to which the role goes.
func (h Handover) Move() string {
	switch {
	case h.First:
		return string(h.To) + " starts for the first time"
	case h.From == "":
		return string(h.To) + " starts, nobody holds the claim"
	}
	return string(h.From) + " → " + string(h.To)
}

// Does is the kind of a step.
type Does string

// The steps.
const (
	DoReady   Does = "ready"
	DoDrain   Does = "drain"
	DoStop    Does = "stop"
	DoKeep    Does = "keep"
	DoRelease Does = "release"
	DoTake    Does = "take"
	DoStart   Does = "start"
	DoRender  Does = "render"
	DoPoint   Does = "point"
	DoJobs    Does = "jobs"
	DoChange  Does = "change"
)

// Step is one thing that will happen on one node.
type Step struct {
	Node string    `json:"node"`
	Role string    `json:"role"`
	Side spec.Side `json:"side,omitempty"`
	Do   Does      `json:"do"`
	// What is the service, the file or the claim; Text says all of it in words.
	What string `json:"what,omitempty"`
	Text string `json:"text"`
	// After says what it waits for.
	After string `json:"after,omitempty"`
	// Diff is how a rendered file changes, as a unified diff.
	Diff string `json:"diff,omitempty"`
}

// Objection is something that speaks against a handover. What is the word by
// which a person overrides it.
type Objection struct {
	What   string `json:"what"`
	Node   string `json:"node,omitempty"`
	Why    string `json:"why"`
	Advice string `json:"advice"`
}

// Of says what a change will do.
func Of(in Input) *Forecast {
	p := &planner{Input: in, plan: &Forecast{Deployment: in.Now.Name, Path: in.Now.Path}}
	if in.From != nil {
		p.plan.From = in.From.Active
	}
	if in.To == nil {
		p.plan.Pending = true
		p.plan.Notes = []string{p.say("the document goes away: every node keeps what it accepted last, and nothing fails over any more")}
		return p.plan
	}
	p.plan.To, p.plan.Fenced = in.To.Active, in.To.Fenced
	p.settings()
	p.handovers()
	p.steps()
	p.people()
	p.refusals()
	p.notes()
	p.plan.Pending = len(p.plan.Steps)+len(p.plan.Settings)+len(p.plan.Handovers) > 0
	return p.plan
}

// planner makes one plan.
type planner struct {
	Input
	plan *Forecast
}

// last is what a node last said; the zero Node is one that never did.
func (p *planner) last(node string) fleet.Node {
	n, ok := p.Now.Node(node)
	if !ok {
		return fleet.Node{Name: node, Stale: true}
	}
	return n
}

// serving is the side that holds a role's claim now. Without claims it is the
// side that the document declares.
func (p *planner) serving(role string) spec.Side {
	if !p.Coordinated {
		if p.From != nil {
			return p.From.Active
		}
		return ""
	}
	return p.Now.Claims[role].Holder.Side()
}

// roles lists the exclusive roles, each after the one that it follows.
func (p *planner) roles() []string {
	var out []string
	for _, name := range fleet.Ordered(p.To) {
		role := p.To.Nodes[name].Role
		if p.To.Roles[role].Exclusive && (len(out) == 0 || out[len(out)-1] != role) {
			out = append(out, role)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return p.depth(a) - p.depth(b) })
	return out
}

// depth is how many roles come before a role, each followed by the next.
func (p *planner) depth(role string) (n int) {
	for r := p.To.Roles[role].Follows; r != ""; r = p.To.Roles[r].Follows {
		n++
	}
	return n
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
