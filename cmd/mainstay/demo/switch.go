package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Switch is one change of side as it was measured.
type Switch struct {
	To        spec.Side
	Commit    string
	Guarantee plan.Guarantee
	// Seq is the claim's number after it.
	Seq uint64
	// Total is the time from the push to the last node as the commit says.
	Total time.Duration
	// Handed is the time from the push to the new side Active and the old one
	// seen stopped.
	Handed time.Duration
	// Phases are the moments of it, counted from the push.
	Phases []Moment
}

// Moment is one phase of a switch.
type Moment struct {
	Name  string
	Node  string
	After time.Duration
}

// measure reads a switch out of the nodes' reports. They share one clock here.
func measure(to spec.Side, commit string, pushed, done time.Time, rs []plan.Report) Switch {
	s := Switch{To: to, Commit: commit, Total: done.Sub(pushed)}
	for _, r := range rs {
		for _, ph := range r.Phases {
			if !tells(r, ph.Name, to) || ph.At.Before(pushed) {
				continue
			}
			m := Moment{Name: r.Role + " " + ph.Name, Node: r.Node, After: ph.At.Sub(pushed)}
			s.Phases = append(s.Phases, m)
			if r.Role == "xivo" && (ph.Name == plan.PhaseActive || ph.Name == plan.PhaseStopped) {
				s.Handed = max(s.Handed, m.After)
			}
		}
		if r.Role == "xivo" && r.Side == to {
			s.Guarantee, s.Seq = r.Guarantee, r.Seq
		}
	}
	slices.SortStableFunc(s.Phases, func(a, b Moment) int { return int(a.After - b.After) })
	return s
}

// tells says which node's word counts for a phase.
func tells(r plan.Report, phase string, to spec.Side) bool {
	switch phase {
	case plan.PhaseSeen:
		return r.Role == "xivo"
	case plan.PhaseStopped, plan.PhaseReleased:
		return r.Side == to.Other()
	case plan.PhaseReady:
		return r.Role == "xivo" && r.Side == to
	case plan.PhaseTaken, plan.PhaseStarted, plan.PhaseActive:
		return r.Side == to
	}
	return r.Side == ""
}

// print writes a switch as a short table.
func (s Switch) print(b *board) {
	b.say("switched to %s in %s (guarantee: %s, claim #%d); %s handed over after %s",
		s.To, round(s.Total), s.Guarantee, s.Seq, "xivo", round(s.Handed))
	for _, m := range s.Phases {
		b.say("  %8s  %-15s %s", fmt.Sprint(round(m.After)), m.Name, m.Node)
	}
}

// phases is a switch in one line: the phases of the first role, and when the
// last follower was there.
func (s Switch) phases() string {
	var b strings.Builder
	for _, name := range []string{plan.PhaseSeen, plan.PhaseStopped, plan.PhaseReleased, plan.PhaseTaken, plan.PhaseStarted, plan.PhaseActive} {
		if at, ok := s.last("xivo " + name); ok {
			fmt.Fprintf(&b, "%s %s, ", name, round(at))
		}
	}
	var followers time.Duration
	for _, m := range s.Phases {
		if strings.HasSuffix(m.Name, " "+plan.PhaseSwitched) || m.Name == "cc "+plan.PhaseActive {
			followers = max(followers, m.After)
		}
	}
	fmt.Fprintf(&b, "followers %s", round(followers))
	return b.String()
}

// last is when the last node reached a phase.
func (s Switch) last(name string) (at time.Duration, ok bool) {
	for _, m := range s.Phases {
		if m.Name == name {
			at, ok = max(at, m.After), true
		}
	}
	return at, ok
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
