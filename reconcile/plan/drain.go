package plan

import (
	"strings"
	"time"
)

// draining waits for calls to end, for each service within its own bound and until a person
// ends it (R2). The services still serve, so turning back needs no new start.
func (p *pass) draining(rule Rule, why string) bool {
	if p.drainBound() == 0 || !p.serving() || rule == R10 {
		return false
	}
	if p.mem.Stage == StageServing {
		p.mem.Stage, p.mem.StopRule, p.mem.StopSince = StageDraining, rule, p.in.Now
	}
	bound := p.drainLeft()
	if bound == 0 || p.drainEnded() {
		return false
	}
	for i, s := range p.doc.Services {
		if p.drains(i) && p.in.Services[i].Op == OpNone {
			p.step(DoDrain, i, rule, "waiting up to %s for calls to end", s.Drain)
		}
	}
	p.say(Deactivating, rule, "%s; waiting up to %s for calls to end%s", why, bound, p.leftOver())
	p.until(p.mem.StopSince + bound)
	return true
}

// drains reports whether calls are waited for on a service: it runs, it was not
// found drained, and its own bound has not passed.
func (p *pass) drains(i int) bool {
	o := p.in.Services[i]
	return p.elapsed(p.mem.StopSince) < p.doc.Services[i].Drain && !o.Drained && !o.Run.Down()
}

// drainLeft is the longest bound of the services that calls are waited for on,
// counted from the beginning of the drain, or zero when there are none.
func (p *pass) drainLeft() time.Duration {
	var bound time.Duration
	for i, s := range p.doc.Services {
		if p.drains(i) {
			bound = max(bound, s.Drain)
		}
	}
	return bound
}

// drainBound is the longest that a drain may take.
func (p *pass) drainBound() time.Duration {
	var bound time.Duration
	for _, s := range p.doc.Services {
		bound = max(bound, s.Drain)
	}
	return bound
}

// drainEnded reports whether a person's word ends the drain: one that began
// before, so that a late word does not end the next one.
func (p *pass) drainEnded() bool {
	return p.in.EndDrain && p.in.Memory.Stage == StageDraining && p.drainLeft() > 0
}

// DrainEnded is what a claim's reason says when its release began with a drain
// that a person cut short.
const DrainEnded = "a person ended the drain"

// orEnded adds to a reason that a person ended the drain. It is told until the
// claim is released, so that the claim's history tells it too.
func (p *pass) orEnded(why string) string {
	if p.mem.DrainEnded {
		return why + "; " + DrainEnded
	}
	return why
}

// leftOver tells what the drains wait for, in their commands' words, and by name
// where there are several.
func (p *pass) leftOver() string {
	var named []string
	var only string
	drains := 0
	for i, s := range p.doc.Services {
		if s.Drain == 0 {
			continue
		}
		drains++
		if o := p.in.Services[i]; p.drains(i) && o.Op == OpDrain && o.Left != "" {
			only = o.Left
			named = append(named, s.Name+": "+o.Left)
		}
	}
	switch {
	case len(named) == 0:
		return ""
	case drains == 1:
		return ": " + only
	}
	return ": " + strings.Join(named, ", ")
}
