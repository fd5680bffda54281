package explore

import (
	"fmt"

	"mainstay/reconcile/plan"
)

func label(cfg *Config, i int) string {
	m := cfg.nodes[i]
	if m.spare {
		return m.name + " (second machine)"
	}
	return m.name
}

// words says a move in words, as the current world has it. A script names moves
// by these very words.
func (x *explorer) words(m move) string {
	s := x.happening(m)
	switch m.crash {
	case afterPersist:
		s += ", and the agent dies with only its memory kept"
	case afterPush:
		s += ", and the agent dies with the push sent"
	}
	return s
}

func (x *explorer) happening(m move) string {
	switch m.kind {
	case lands:
		f := x.w.refs[m.node].flights[m.arg]
		return fmt.Sprintf("git takes the %s of %s", actions[f.tip.action], x.label(int(f.owner)))
	case commits:
		return "commit " + docCode(m.arg).String()
	case goesBack:
		if m.node == maxNodes {
			return "the claim is deleted"
		}
		return "the claim goes back to what " + x.label(int(m.node)) + " believes"
	case losesRefs:
		return "git loses all claims and reports"
	case cloned:
		return "main's machine is copied"
	case replaced:
		return "main's machine is replaced"
	case ticks:
		return "five seconds pass"
	case carries:
		return "a person carries the claim a step further"
	}
	return x.label(int(m.node)) + " " + x.verb(m)
}

func (x *explorer) verb(m move) string {
	switch m.kind {
	case serviceGo, serviceNo:
		return serviceVerb(x.w.nodes[m.node].svc, m)
	case restarts:
		return []string{"restarts", "restarts and looks at git", "restarts and cannot look at git"}[m.arg]
	case relocates:
		return []string{"is pointed at the other place", "is pointed at the other place and loses its memory"}[m.arg]
	case states:
		return []string{"", "is told to take over", "is told to adopt the claim", "is told to accept the claim"}[m.arg]
	}
	return map[kind]string{
		looks: "looks at git", begins: "begins to look at git", lists: "is answered by git", learns: "has git's answer", hears: "looks at the claims alone",
		blind: "cannot look at git", publishes: "publishes", passes: "looks at its service", waits: "has waited", patience: "saw its witness silent for long",
		probes: "probes", lies: "loses a probe", dies: "loses its agent", powersOff: "is powered off", powersOn: "is powered on",
		ends: "is told to end the takeover", pauses: "is paused", resumes: "is resumed", cuts: "is told to end its drain",
		losesDisk: "loses its agent and its memory", restores: "restores the claim", accepts: "is told to accept the renaming",
	}[m.kind]
}

func serviceVerb(s service, m move) string {
	well := m.kind == serviceGo
	switch s {
	case starting, mute, waking:
		if well {
			return "is up"
		}
		return []string{"fails to start", "starts and does not answer"}[m.arg]
	case stopping, unverified:
		if well {
			return "is down"
		}
		return "fails to stop"
	case draining:
		return "has drained"
	}
	return "dies"
}

// String says what a commit declares.
func (c docCode) String() string {
	s := "active: " + string(sides[declared(c)])
	if f := fenced(c); f != noSide {
		s += ", fenced: " + string(sides[f])
	}
	for _, flag := range []struct {
		bit  docCode
		word string
	}{{docLease, "with a lease"}, {docPausedMain, "main paused"}, {docPausedStandby, "standby paused"},
		{docBroken, "broken"}, {docOther, "with another comment"}} {
		if c&flag.bit != 0 {
			s += ", " + flag.word
		}
	}
	return s
}

// tell describes a world for a person who reads a trace.
func (x *explorer) tell(w *world) string {
	out := ""
	for i := range x.cfg.nodes {
		n := &w.nodes[i]
		if !n.power {
			out += fmt.Sprintf("    %s: off\n", x.label(i))
			continue
		}
		out += fmt.Sprintf("    %s: service %d, stage %q start %d, knows commit %d and claim %d.%d of %s/%d, agent %v, reports %s\n",
			x.label(i), n.svc, stages[n.mem.stage], n.mem.start, n.doc, n.own.epoch, n.own.seq, plan.HeldBy(sides[n.own.holder]), n.own.inst,
			n.agent, statuses[n.out.status])
	}
	r := w.refs[xivo]
	return out + fmt.Sprintf("    git: commit %d (%s), claim %d.%d %s/%d %s, risk %d\n", w.ndocs, w.docs[w.ndocs-1], r.tip.epoch, r.tip.seq,
		plan.HeldBy(sides[r.tip.holder]), r.tip.inst, guarantees[r.tip.guarantee], r.risk)
}
