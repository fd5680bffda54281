package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// History is every switch of a deployment, newest first.
type History struct {
	Deployment string   `json:"deployment"`
	Switches   []Switch `json:"switches"`
	// Damaged says why older switches of a role could not be read.
	Damaged []string `json:"damaged,omitempty"`
}

// Whole is an error where a part of the history could not be read.
func (h *History) Whole() error {
	if len(h.Damaged) == 0 {
		return nil
	}
	return fmt.Errorf("a part of the history of %s cannot be read", h.Deployment)
}

// Past reads the switches of some roles of a deployment, at most limit of each; 0 is
// all. What the document's log and the reports say of them is added by Tell.
func (s *Source) Past(ctx context.Context, deployment string, roles []string, limit int) (*History, error) {
	h := &History{Deployment: deployment, Switches: []Switch{}}
	for _, r := range roles {
		chain, err := s.Chain(ctx, deployment, r)
		if err != nil && !errors.Is(err, failure.ErrDamaged) {
			return nil, err
		}
		if err != nil {
			h.Damaged = append(h.Damaged, fmt.Sprintf("%s: what is before this is not told: %v", r, err))
		}
		switches := SwitchesOf(r, chain)
		if limit > 0 && len(switches) > limit {
			switches = switches[:limit]
		}
		h.Switches = append(h.Switches, switches...)
	}
	return h, nil
}

// Tell adds to every switch what the document's log and the newest reports say of it,
// and puts all in the order of time. The repository holds the branch's commits.
func (h *History) Tell(ctx context.Context, repo gitcmd.Repo, d *Deployment) {
	known := map[string]func() (Declared, bool){} // two roles go over by one commit
	for i := range h.Switches {
		commit := h.Switches[i].Commit
		if known[commit] == nil {
			known[commit] = sync.OnceValues(func() (Declared, bool) { return DeclaredBy(ctx, repo, d.Path, commit) })
		}
		if c, ok := known[commit](); ok {
			h.Switches[i].Declare(c)
		}
		for _, n := range d.Nodes {
			if n.Report != nil && d.Own(n.Report) {
				h.Switches[i].Reported(*n.Report)
			}
		}
		if d.Spec != nil {
			h.Switches[i].hold(d.Spec.Handover.Objective)
		}
	}
	slices.SortStableFunc(h.Switches, func(x, y Switch) int { return y.At.Compare(x.At) })
	newest := map[string]bool{}
	for i := range h.Switches {
		if s := &h.Switches[i]; !newest[s.Role] {
			newest[s.Role] = true
			s.stay(d)
		}
	}
}

// Switch is one change of the side that holds a role's claim.
type Switch struct {
	Role string    `json:"role"`
	Seq  uint64    `json:"seq"`
	From spec.Side `json:"from,omitempty"`
	To   spec.Side `json:"to"`
	// First says that this is the first claim of the role: nobody held one before.
	First bool `json:"first,omitempty"`
	// At is when the claim was taken, by the clock of Node.
	At        time.Time      `json:"at"`
	Node      string         `json:"node"`
	Action    plan.Action    `json:"action"`
	Guarantee plan.Guarantee `json:"guarantee,omitempty"`
	// Reason is the claim's own: what the node knew.
	Reason string `json:"reason,omitempty"`
	// Signer is who signed the claim that ended the switch, nil when nobody looked.
	Signer *signature.NoteSigner `json:"signer,omitempty"`
	// Left is why the side before gave the claim back, and Leaver its node; both are
	// empty when it did not.
	Left   string `json:"left,omitempty"`
	Leaver string `json:"leaver,omitempty"`
	// Declared is the commit that asked for it, nil when it is not known.
	Declared *Declared `json:"declared,omitempty"`
	// Commit is the one that the node had accepted.
	Commit string `json:"commit"`
	// Phases are in the order of time, by the clocks of those who reported them.
	Phases []Phase `json:"phases"`
	// Objective says whether it took no longer than the document wants, nil where the
	// document wants nothing, and of the first claim of a role.
	Objective *Objective `json:"objective,omitempty"`
	// Stays is what lies on the side that went, as its node counted it last. It is known of a
	// role's newest switch only.
	Stays []Stay `json:"stays,omitempty"`
	// after is when the side before came to hold the claim: what happened earlier
	// is of another switch.
	after time.Time
	// seen is when Node saw a document that declares another side.
	seen *plan.Phase
}

// Declared is a commit that changed the word.
type Declared struct {
	Commit  string    `json:"commit"`
	Who     string    `json:"who"`
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
	// Side is the one that it declares.
	Side spec.Side `json:"side,omitempty"`
	// Why and Forced are what the person recorded.
	Why    string   `json:"why,omitempty"`
	Forced []string `json:"forced,omitempty"`
}

// Phase is one moment of a switch.
type Phase struct {
	Name string    `json:"name"`
	Node string    `json:"node,omitempty"`
	At   time.Time `json:"at"`
}

// Switches returns the switches of a role's claim, newest first, from its changes in
// any order.
func Switches(role string, chain []plan.Tip) []Switch {
	chain = slices.Clone(chain)
	slices.SortFunc(chain, func(a, b plan.Tip) int { return int(int64(a.Seq) - int64(b.Seq)) })
	var out []Switch
	var held spec.Side
	var released *plan.Tip
	for _, t := range chain {
		if len(out) > 0 {
			out[len(out)-1].served(t)
		}
		side := t.Holder.Side()
		if side == "" {
			released = &t
			continue
		}
		if side != held {
			s := Switch{Role: role, From: held, First: t.Seq == chain[0].Seq && t.Seq == 1}
			if len(out) > 0 {
				s.after = out[len(out)-1].At
			}
			s.take(t, released)
			out = append(out, s)
		}
		held, released = side, nil
	}
	slices.Reverse(out)
	return out
}

// SwitchesOf is Switches of changes whose signatures were looked at.
func SwitchesOf(role string, chain []git.Change) []Switch {
	var tips []plan.Tip
	signers := map[uint64]*signature.NoteSigner{}
	for i := range chain {
		tips = append(tips, chain[i].Tip)
		signers[chain[i].Seq] = &chain[i].Signer
	}
	switches := Switches(role, tips)
	for i := range switches {
		switches[i].Signer = signers[switches[i].Seq]
	}
	return switches
}

// take adds the claim that the switch ends with, and the release before it.
func (s *Switch) take(t plan.Tip, released *plan.Tip) {
	s.Seq, s.To, s.At, s.Node, s.Action = t.Seq, t.Holder.Side(), t.At, t.Node, t.Action
	s.Guarantee, s.Reason, s.Commit, s.Phases = t.Guarantee, t.Reason, t.Commit, []Phase{}
	if released != nil {
		s.Left, s.Leaver = released.Reason, released.Node
		s.Phases = append(s.Phases, Phase{plan.PhaseReleased, released.Node, released.At})
		s.add(released.Node, released.Phases, plan.PhaseStopped)
	}
	s.Phases = append(s.Phases, Phase{plan.PhaseTaken, t.Node, t.At})
	s.add(t.Node, t.Phases, plan.PhaseReady)
	if i := slices.IndexFunc(t.Phases, func(p plan.Phase) bool { return p.Name == plan.PhaseSeen }); i >= 0 {
		s.seen = &t.Phases[i]
	}
}

// served adds how this switch came up from a later claim that remembers it.
func (s *Switch) served(t plan.Tip) {
	if t.Before != nil && t.Before.Seq >= s.Seq {
		s.add(s.Node, t.Before.Phases, cameUp()...)
	}
}

// cameUp names the phases of the side that comes up, but for the claim's own.
func cameUp() []string { return []string{plan.PhaseReady, plan.PhaseStarted, plan.PhaseActive} }

// add adds those phases of a node that have one of these names, once, and no
// earlier ones than the switch before.
func (s *Switch) add(node string, phases []plan.Phase, names ...string) {
	for _, p := range phases {
		known := slices.ContainsFunc(s.Phases, func(q Phase) bool { return q.Name == p.Name && q.Node == node })
		if !known && !p.At.Before(s.after) && slices.Contains(names, p.Name) {
			s.Phases = append(s.Phases, Phase{p.Name, node, p.At})
		}
	}
	s.sort()
}

// Declare adds the commit that asked for the switch. One that declares the other
// side did not: a person on the node knew better (R9).
func (s *Switch) Declare(d Declared) {
	if d.Side != s.To {
		return
	}
	s.Declared = &d
	if !d.At.Before(s.after) {
		s.Phases = append(s.Phases, Phase{plan.PhaseDeclared, "", d.At})
		s.sort()
	}
	if s.seen != nil {
		s.add(s.Node, []plan.Phase{*s.seen}, plan.PhaseSeen)
	}
}

// Move says in a few words from which side to which the role went. Without an older
// claim that could be read it is not known who served before.
func (s *Switch) Move() string {
	switch {
	case s.First:
		return "first → " + string(s.To)
	case s.From == "":
		return "not known → " + string(s.To)
	}
	return string(s.From) + " → " + string(s.To)
}

// Who asked for the switch, empty when it is not known.
func (s *Switch) Who() string {
	switch {
	case s.Declared != nil:
		return s.Declared.Who
	case s.Guarantee == plan.Attested:
		return "a person on " + s.Node
	}
	return ""
}

// Reported adds what a node's newest report says of the switch.
func (s *Switch) Reported(r plan.Report) {
	if r.Role != s.Role || r.Seq != s.Seq {
		return
	}
	switch r.Side {
	case s.To:
		s.add(r.Node, r.Phases, cameUp()...)
	case s.From:
		s.add(r.Node, r.Phases, plan.PhaseStopped)
	}
}

// Stay is something that a switch left behind.
type Stay struct {
	Node string `json:"node"`
	// Name is what it is, and Said how many there are and where they lie, or, when Failed,
	// why they could not be counted.
	Name   string    `json:"name"`
	Said   string    `json:"said"`
	Failed bool      `json:"failed,omitempty"`
	At     time.Time `json:"at"`
}

// stay adds what the node of the side that went counts there, once it knows of the switch.
func (s *Switch) stay(d *Deployment) {
	for _, n := range d.Nodes {
		r := n.Report
		if r == nil || !d.Own(r) || n.Role != s.Role || n.Side != s.From || s.From == "" || r.Seq < s.Seq || r.Status == plan.Active {
			continue
		}
		for _, c := range r.Leaves {
			if c.Output != "" || !c.OK {
				s.Stays = append(s.Stays, Stay{Node: n.Name, Name: c.Name, Said: c.Output, Failed: !c.OK, At: c.At})
			}
		}
	}
}

func (s *Switch) sort() {
	slices.SortStableFunc(s.Phases, func(a, b Phase) int { return a.At.Compare(b.At) })
}

// Timeline is what one machine measured of a switch: moments of two clocks cannot be
// compared.
type Timeline struct {
	// Node is the machine, empty for the one where the commit was made.
	Node   string
	Phases []Phase
}

// Took is the time from the first moment to the last.
func (c Timeline) Took() time.Duration {
	if len(c.Phases) == 0 {
		return 0
	}
	return c.Phases[len(c.Phases)-1].At.Sub(c.Phases[0].At)
}

// Timelines sorts the phases by who measured them: first the node that came up, then
// the other ones in the order of their first moment.
func (s *Switch) Timelines() []Timeline {
	out := []Timeline{{Node: s.Node}}
	for _, p := range s.Phases {
		i := slices.IndexFunc(out, func(c Timeline) bool { return c.Node == p.Node })
		if i < 0 {
			i, out = len(out), append(out, Timeline{Node: p.Node})
		}
		out[i].Phases = append(out[i].Phases, p)
	}
	return out
}

// Took is the time from the first moment that the node which came up knows of a
// switch to its last, by its own clock. What other machines measured is left out:
// their clocks may be wrong by any time. It is zero when only one moment is known.
func (s *Switch) Took() time.Duration { return s.Timelines()[0].Took() }
