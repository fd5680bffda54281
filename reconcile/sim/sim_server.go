package sim

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"mainstay/reconcile/plan"
)

var (
	errNoFile      = errors.New("no such file in the commit")
	errUnreachable = errors.New("the git server is out of reach")
	errUnknown     = errors.New("no answer to the push")
	errRefused     = errors.New("the ref moved")
	errGone        = errors.New("no such object")
)

// server is the git repository: refs that are compared and swapped, and objects
// that are never lost. It is documents, claims and reports in one.
type server struct {
	w *World
	// refs is replaced, never changed, so that a listing can be handed out.
	refs map[string]string
	// mirrored is what a mirror has of them.
	mirrored map[string]string
	commits  map[string]document
	claims   map[string]claimCommit
	reports  map[string]plan.Report
	n        int
	// good are the commits a node may accept.
	good map[string]bool
	// lastGood is the newest of them.
	lastGood string
	// won is when the newest claim push of an instance for a start landed, in
	// ticks of the checker.
	won map[startKey]uint64
}

type document struct {
	parent, text string
	unsigned     bool
}

type claimCommit struct {
	tip    plan.Tip
	parent string
}

// startKey names one start of one instance.
type startKey struct {
	role, instance string
	start          uint64
}

func newServer(w *World) *server {
	return &server{w: w, refs: map[string]string{}, commits: map[string]document{}, claims: map[string]claimCommit{},
		reports: map[string]plan.Report{}, good: map[string]bool{}, won: map[startKey]uint64{}}
}

func (s *server) id(kind string) string {
	s.n++
	return fmt.Sprintf("%s%d", kind, s.n)
}

// set moves a ref; an empty hash deletes it.
func (s *server) set(ref, hash string) {
	refs := maps.Clone(s.refs)
	if refs[ref] = hash; hash == "" {
		delete(refs, ref)
	}
	s.refs = refs
	if s.w.News && ref != branch {
		for _, n := range s.w.nodes {
			n.hear()
		}
	}
	if s.w.Mirror {
		s.w.after(mirrorLag, func() { s.mirrored = refs })
	}
}

// mirrorLag is how far a mirror is behind.
const mirrorLag = 10 * time.Second

// swap is git's own compare-and-swap of a ref.
func (s *server) swap(ref, old, hash string) error {
	if s.refs[ref] != old {
		return errRefused
	}
	s.set(ref, hash)
	return nil
}

// commit puts a document on the branch.
func (s *server) commit(text string) {
	id := s.put(document{parent: s.refs[branch], text: text})
	s.good[id], s.lastGood = true, id
}

func (s *server) put(d document) string {
	id := s.id("d")
	s.commits[id] = d
	s.set(branch, id)
	return id
}

// spoil puts a document on the branch that no node may accept.
func (s *server) spoil(text string, unsigned bool) {
	s.put(document{parent: s.refs[branch], text: text, unsigned: unsigned})
}

// rewrite replaces the newest commit by another one with the same parent. A node
// that has not accepted the first one has no reason to refuse the second.
func (s *server) rewrite(text string) {
	s.good[s.put(document{parent: s.commits[s.refs[branch]].parent, text: text})] = true
}

// mend goes on from the newest commit that is not a mistake.
func (s *server) mend(text string) {
	s.set(branch, s.lastGood)
	s.commit(text)
}

// descends reports whether a commit is, or comes after, another one.
func (s *server) descends(id, from string) bool {
	for ; id != ""; id = s.commits[id].parent {
		if id == from {
			return true
		}
	}
	return from == ""
}

// change carries out a claim push, if its parent is still the tip.
func (s *server) change(role string, p plan.Push) error {
	ref := plan.ClaimRef(deployment, role)
	if s.refs[ref] != p.Parent {
		return errRefused
	}
	id := s.id("k")
	s.w.check.landed(role, s.claims[p.Parent].tip, p)
	s.claims[id] = claimCommit{tip: plan.Tip{ID: id, Claim: p.Claim}, parent: p.Parent}
	s.set(ref, id)
	s.w.trace("git", "claim %s: %d %s by %s start %d (%s)", role, p.Claim.Seq, p.Claim.Action, p.Claim.Node, p.Claim.Start, p.Claim.Guarantee)
	s.win(role, p.Claim)
	return nil
}

func (s *server) win(role string, c plan.Claim) {
	if c.Holder != plan.HeldByNone {
		s.w.check.tick++
		s.won[startKey{role, c.Instance, c.Start}] = s.w.check.tick
	}
}

// tip is the claim of a role as the server has it.
func (s *server) tip(role string) plan.Tip {
	return s.claims[s.refs[plan.ClaimRef(deployment, role)]].tip
}

// chain reports whether claim id is known, or comes after it, and the highest
// seq of a reroot on the way.
func (s *server) chain(id, known string) (descends bool, reroot uint64) {
	for ; id != ""; id = s.claims[id].parent {
		if id == known {
			return true, reroot
		}
		if c := s.claims[id].tip; c.Action == plan.Reroot {
			reroot = max(reroot, c.Seq)
		}
	}
	return known == "", reroot
}

// back takes the claim of a role back by some changes, as a restored backup
// does.
func (s *server) back(role string, changes int) {
	ref := plan.ClaimRef(deployment, role)
	id := s.refs[ref]
	for range changes {
		if id != "" {
			id = s.claims[id].parent
		}
	}
	s.w.trace("git", "claim %s goes back to %d", role, s.claims[id].tip.Seq)
	s.w.check.wentBack(role)
	s.set(ref, id)
}
