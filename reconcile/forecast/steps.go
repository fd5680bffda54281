package forecast

import (
	"slices"
	"strings"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func (p *planner) step(node string, do Does, what, after, text string) *Step {
	n := p.To.Nodes[node]
	p.plan.Steps = append(p.plan.Steps, Step{
		Node: node, Role: n.Role, Side: n.Side, Do: do, What: what, After: after, Text: text,
	})
	return &p.plan.Steps[len(p.plan.Steps)-1]
}

// steps lists what will happen in the order in which it will: what leads stops
// first, its followers stop, it starts on the other side, what is shared and
// follows it points there, and so on with each of its followers.
func (p *planner) steps() {
	p.nodeChanges()
	for _, h := range p.plan.Handovers {
		p.goDown(h)
	}
	told := map[string]bool{}
	for _, h := range p.plan.Handovers {
		p.comeUp(h)
		p.files(told, func(n spec.Node) bool {
			return n.Role == h.Role || p.To.Roles[n.Role].Follows == h.Role && n.Side == ""
		})
	}
	p.files(told, func(spec.Node) bool { return true })
}

// goDown lists what happens on the side that steps down.
func (p *planner) goDown(h Handover) {
	up, _ := p.To.NodeOf(h.Role, h.To)
	follows := p.To.Roles[h.Role].Follows
	after := p.say("once %s is ready", up)
	if follows == "" && h.From != "" && p.Coordinated && h.Guarantee == string(plan.Released) {
		p.step(up, DoReady, "", "", p.say("accepts the commit and says that it is ready"))
	}
	down, ok := p.To.NodeOf(h.Role, h.From)
	if !ok {
		return
	}
	if p.stays(h, down) {
		return
	}
	switch {
	case follows != "":
		after = p.say("once %s has left %s", follows, h.From)
	case h.Guarantee != string(plan.Released):
		after = ""
	}
	if p.To.Fenced == h.From {
		after = ""
		p.step(down, DoStop, "", "", p.say("stays down; should it be alive and reach git, it stops at once"))
	} else if n := p.last(down); n.Stale {
		p.step(down, DoStop, "", "", p.say("is not heard: whether it stops is not known"))
	}
	p.stops(down, after)
	if p.Coordinated && h.Guarantee == string(plan.Released) && p.To.Fenced != h.From {
		p.step(down, DoRelease, h.Role, p.say("once all of it is seen stopped"),
			p.say("releases the claim of %s (#%d)", h.Role, p.Now.Claims[h.Role].Seq+1))
	}
	if !p.last(down).Stale {
		p.jobs(down, spec.WhenActive, "no longer runs")
	}
}

// stays says of a side that is not left go that it goes on: a handover that is held
// stops nothing (R2), unless the document says that it does after a wait.
func (p *planner) stays(h Handover, down string) bool {
	n, c := p.last(down), p.Now.Claims[h.Role]
	if h.Guarantee != "" || p.To.Roles[h.Role].Follows != "" || p.To.Fenced == h.From || n.Report == nil || n.Stale ||
		n.Report.Stuck(c.Seq, p.To.Active) || !p.Coordinated {
		return false
	}
	paused := n.Report.Paused || pausedIn(p.To, down)
	if p.To.Handover.Absent == spec.AbsentStop && !paused && n.Report.Takeover == "" {
		p.stops(down, p.say("after %s: handover.absent is stop", p.To.Handover.Wait))
		return true
	}
	p.step(down, DoKeep, "", "", p.say("goes on as it is: nothing makes it stop"))
	return true
}

// stops lists the services of a node that run, in the order in which they stop.
func (p *planner) stops(node, after string) {
	w, n := p.want(node), p.last(node)
	if w == nil || n.Report == nil || n.Stale {
		return
	}
	for _, s := range slices.Backward(w.Services) {
		run := runOf(n, s.Name)
		if run.Down() && run != "" {
			continue
		}
		if s.Drain != nil && s.Drain.Within > 0 {
			p.step(node, DoDrain, s.Name, after, p.say("waits up to %s for %s to have nothing left to do", s.Drain.Within, s.Name))
		}
		text := p.say("stops %s%s", s.Name, p.nowIs(run))
		if a := s.Address; a != nil {
			text = p.say("takes %s away from %s (%s)%s", a.IP, a.Interface, s.Name, p.nowIs(run))
		}
		p.step(node, DoStop, s.Name, after, text)
		after = p.say("once %s is down", s.Name)
	}
}

// comeUp lists what happens on the side that comes up.
func (p *planner) comeUp(h Handover) {
	up, _ := p.To.NodeOf(h.Role, h.To)
	after := ""
	if follows := p.To.Roles[h.Role].Follows; follows != "" {
		after = p.say("once %s is Active on %s", follows, h.To)
	} else if h.Guarantee == string(plan.Released) && h.From != "" {
		after = p.say("once the claim is released")
	}
	switch {
	case h.Guarantee == "":
		p.step(up, DoTake, h.Role, "", p.say("is Held: %s", h.Why))
		return
	case p.Coordinated:
		p.step(up, DoTake, h.Role, after, p.say("takes the claim of %s (%s)", h.Role, h.Guarantee))
		after = p.say("once the claim is won")
	}
	w, n := p.want(up), p.last(up)
	for _, s := range w.Services {
		run := runOf(n, s.Name)
		text := p.starts(s)
		if s.Ready != nil {
			text = p.say("%s, which must answer within %s", text, s.Ready.Within)
		}
		p.step(up, DoStart, s.Name, after, p.say("%s%s", text, p.nowIs(run)))
		after = p.say("once %s is ready", s.Name)
	}
	p.jobs(up, spec.WhenActive, "runs")
}

// starts says what a start of a service is.
func (p *planner) starts(s spec.Service) string {
	switch {
	case s.Address != nil:
		return p.say("adds %s to %s (%s), unless another machine answers for it", s.Address.IP, s.Address.Interface, s.Name)
	case s.Run != nil && len(s.Run.OnStart) == 0:
		return p.say("remembers to run %s when it stops", s.Name)
	case s.Run != nil && !s.Run.Required:
		return p.say("runs %s once, and goes on if that fails", s.Name)
	case s.Run != nil:
		return p.say("runs %s once, which must succeed", s.Name)
	}
	return p.say("starts %s", s.Name)
}

// jobs says which jobs move with the claim.
func (p *planner) jobs(node string, when spec.When, does string) {
	w := p.want(node)
	if w == nil {
		return
	}
	for _, j := range w.Jobs {
		if j.When == when {
			p.step(node, DoJobs, j.Name, "", p.say("%s the job %s (%s)", verb(does), j.Name, strings.Join(j.Command, " ")))
		}
	}
}

func runOf(n fleet.Node, service string) plan.Run {
	if n.Report == nil {
		return ""
	}
	for _, s := range n.Report.Services {
		if s.Name == service {
			return s.Run
		}
	}
	return ""
}

// nowIs tells what a service was last seen to do.
func (p *planner) nowIs(r plan.Run) string {
	if r == "" {
		return p.say(" (not known what it does now)")
	}
	return p.say(" (now %s)", r)
}

// files lists what is rendered, and what is re-pointed by it, on those nodes that
// are meant and are not listed yet.
func (p *planner) files(told map[string]bool, meant func(spec.Node) bool) {
	for _, name := range fleet.Ordered(p.To) {
		w := p.want(name)
		if w == nil || told[name] || !meant(p.To.Nodes[name]) {
			continue
		}
		told[name] = true
		was, will := p.pointsAt(name), p.willPointAt(name)
		after := ""
		if was != will {
			after = p.pointAfter(w, will)
		}
		for _, f := range w.Files {
			p.file(w, f.Path, [2]spec.Side{was, will}, after)
		}
		if !w.Exclusive && w.Follows != "" && was != will {
			p.step(name, DoPoint, "", after, p.say("points at %s %s", will, p.pointsNow(was)))
		}
	}
}

func (p *planner) pointAfter(w *spec.Wanted, will spec.Side) string {
	if w.Exclusive {
		return p.say("once the claim of %s is %s's", w.Role, will)
	}
	return p.say("once %s is Active on %s", w.Follows, will)
}

// file adds a file whose content will differ.
func (p *planner) file(w *spec.Wanted, path string, sides [2]spec.Side, after string) {
	old := ""
	if p.From != nil {
		if b, err := p.From.RenderFile(w.Node, path, sides[0]); err == nil {
			old = string(b)
		}
	}
	b, err := p.To.RenderFile(w.Node, path, sides[1])
	if err != nil {
		p.step(w.Node, DoRender, path, after, p.say("cannot render %s: %v", path, err))
		return
	}
	if old == string(b) {
		return
	}
	s := p.step(w.Node, DoRender, path, after, p.say("renders %s%s", path, p.reloads(w, path)))
	s.Diff = Diff(path, old, string(b))
}

func (p *planner) reloads(w *spec.Wanted, path string) string {
	for _, f := range w.Files {
		if f.Path != path || f.Reload == nil {
			continue
		}
		if f.Reload.Systemd != "" {
			return p.say(" and reloads %s", f.Reload.Systemd)
		}
		return p.say(" and runs %s", strings.Join(f.Reload.Command, " "))
	}
	return ""
}

// pointsAt is the side a node's files are rendered for now.
func (p *planner) pointsAt(name string) spec.Side {
	n := p.To.Nodes[name]
	role := p.To.Roles[n.Role]
	switch {
	case role.Exclusive:
		return p.serving(n.Role)
	case role.Follows == "":
		return ""
	}
	if r := p.last(name).Report; r != nil && r.Serving != "" {
		return r.Serving
	}
	return p.serving(role.Follows)
}

// willPointAt is the side they will be rendered for.
func (p *planner) willPointAt(name string) spec.Side {
	n := p.To.Nodes[name]
	role := p.To.Roles[n.Role]
	lead := n.Role
	switch {
	case role.Exclusive:
	case role.Follows == "":
		return ""
	default:
		lead = role.Follows
	}
	for _, h := range p.plan.Handovers {
		if h.Role == lead && h.Guarantee != "" {
			return h.To
		}
	}
	return p.pointsAt(name)
}

// pointsNow says which side a shared node uses before a change.
func (p *planner) pointsNow(was spec.Side) string {
	if was == "" {
		return p.say("(it points at no side yet)")
	}
	return p.say("instead of %s", was)
}
