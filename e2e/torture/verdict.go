package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// noise is what two heartbeats of 20 ms and the clock of a busy machine may make
// of a handover without an overlap.
const noise = 40 * time.Millisecond

// change is one change of a claim.
type change struct {
	Seq       uint64    `json:"seq"`
	Holder    string    `json:"holder"`
	Guarantee string    `json:"guarantee"`
	Action    string    `json:"action"`
	At        time.Time `json:"at"`
}

// claims lists every change of every claim of the run, by its time.
func (s *site) claims() []change {
	var all []change
	for _, repo := range s.repos {
		refs, err := s.output(repo, "for-each-ref", "--format=%(refname)", "refs/mainstay/")
		if err != nil {
			continue
		}
		for _, ref := range strings.Fields(refs) {
			if !strings.Contains(ref, "/claim/") {
				continue
			}
			commits, _ := s.output(repo, "rev-list", ref)
			for _, c := range strings.Fields(commits) {
				text, err := s.output(repo, "cat-file", "blob", c+":claim.json")
				var one change
				if err == nil && json.Unmarshal([]byte(text), &one) == nil {
					all = append(all, one)
				}
			}
		}
	}
	if s.cluster != nil {
		all = append(all, s.cluster.changes()...)
	}
	slices.SortStableFunc(all, func(a, b change) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq))
	})
	return all
}

func (s *site) output(repo string, args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", repo, "-c", "safe.directory=*"}, args...)...).Output()
	return string(out), err
}

// overlap is a time in which processes of both sides served.
type overlap struct {
	later    span // the one that began last
	from, to time.Time
}

func (o overlap) long() time.Duration { return o.to.Sub(o.from) }

// overlaps lists what ran on both sides at once.
func (s *site) overlaps() []overlap {
	var out []overlap
	for _, a := range s.spans(mainSide) {
		for _, b := range s.spans(standbySide) {
			o := both(a, b)
			o.from = latest(o.from, s.since)
			if o.long() > noise {
				out = append(out, o)
			}
		}
	}
	return out
}

// both is the time in which both of two processes served, negative when there is none.
func both(a, b span) overlap {
	o := overlap{later: a, from: latest(a.from, b.from), to: a.to}
	if b.from.After(a.from) {
		o.later = b
	}
	if b.to.Before(a.to) {
		o.to = b.to
	}
	return o
}

// spans lists what ran on a side, on every machine of it.
func (s *site) spans(side string) []span {
	all := spans(s.nodes[side].folder, side)
	if s.twin != nil && s.twin.side == side {
		all = append(all, spans(s.twin.folder, side)...)
	}
	return all
}

func latest(all ...time.Time) time.Time {
	return slices.MaxFunc(all, func(a, b time.Time) int { return a.Compare(b) })
}

// verdict says which overlaps nobody accepted. The claim that was in force when the
// later side began says by which guarantee it did.
func (s *site) verdict() result {
	r := result{violations: s.found, unplayed: s.unplayed}
	claims := s.claims()
	for _, o := range s.overlaps() {
		by := "no claim"
		for _, c := range claims {
			if !c.At.After(o.from) && c.Holder == o.later.side {
				by = c.Guarantee
			}
		}
		s.say("overlap of %v from %s: %s on %s began by %s", o.long(), o.from.Format("15:04:05.000"), o.later.service, o.later.side, by)
		switch {
		case by == "presumed" || by == "attested" || by == "fenced":
			r.accepted += o.long()
		case s.byHand && o.long() < s.slowed(byHandBound):
		default:
			r.violations = append(r.violations, fmt.Sprintf("both sides served for %.2f s; %s began by %q", o.long().Seconds(), o.later.side, by))
		}
	}
	for _, c := range claims {
		s.say("claim %d %s %s %s at %s", c.Seq, c.Action, c.Holder, c.Guarantee, c.At.Format("15:04:05.000"))
	}
	if len(r.violations) > 6 {
		r.violations = append(r.violations[:6], "and more")
	}
	return r
}
