package sim

import (
	"context"
	"fmt"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

// Fate is what becomes of the pushes of a node.
type Fate int

// The fates of a push.
const (
	Answered Fate = iota // it is carried out or refused, and the node is told
	Unheard              // the same, and the node is not told
	Lost                 // it never arrives, and the node does not know
	Late                 // it arrives after the node has given up
)

// link is one machine's way to git. It is the agent's Coordination.
type link struct {
	n *node
	// cut says that git is out of reach; documents and coordination can be so by
	// themselves where they are two repositories.
	cut, documents, coordination bool
	// slow is added to every way to git and back.
	slow time.Duration
	// claims and reports are what becomes of a push of either; delay is how late
	// a late one arrives.
	claims, reports Fate
	delay           time.Duration
	// took is how long the newest claim push keeps the learner waiting.
	took time.Duration
	// flaky loses one in so many requests after a listing.
	flaky int
}

// reach is an error while claims and reports cannot be reached.
func (l *link) reach() error {
	if l.cut || l.coordination {
		return errUnreachable
	}
	return nil
}

// List is part of reconcile.Coordination.
func (l *link) List(context.Context) (reconcile.Listing, error) {
	if err := l.reach(); err != nil {
		return reconcile.Listing{}, err
	}
	return reconcile.Listing{Refs: l.n.w.server.refs}, nil
}

// repository is the same way to git as the agent's Repository. When the server is
// out of reach a mirror answers, if there is one: late, with what was true some
// time ago.
type repository struct{ *link }

// List is part of reconcile.Repository.
func (r repository) List(context.Context) (reconcile.Listing, error) {
	w := r.n.w
	switch {
	case !r.cut && !r.documents:
		return reconcile.Listing{Refs: w.server.refs}, nil
	case w.Mirror:
		return reconcile.Listing{Refs: w.server.mirrored, Mirror: true}, nil
	}
	return reconcile.Listing{}, errUnreachable
}

// lose decides whether a request after the listing is lost. It draws from the
// request and not from the order of requests, which follows that of maps.
func (l *link) lose(what string) error {
	if err := l.reach(); err != nil {
		return err
	}
	return l.lost(what)
}

func (l *link) lost(what string) error {
	if l.flaky == 0 {
		return nil
	}
	h := uint64(l.n.w.now)*0x9e3779b97f4a7c15 + uint64(len(what))
	for _, b := range []byte(l.n.machine + what) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	if (h>>20)%uint64(l.flaky) == 0 {
		return fmt.Errorf("%s: %w", what, errUnreachable)
	}
	return nil
}

// rewritten is the condition of a branch that does not descend from what was
// accepted.
const rewritten = plan.CondRewound

// permanent is an error that a new tip alone can mend.
type permanent struct{ kind, text string }

// Error says what is wrong.
func (p permanent) Error() string { return p.text }

// Permanent is always true.
func (permanent) Permanent() bool { return true }

// Condition is the condition's word.
func (p permanent) Condition() string { return p.kind }

// Revision is part of reconcile.Repository.
func (r repository) Revision(_ context.Context, hash, accepted string) (reconcile.Revision, error) {
	if err := r.lost("revision"); err != nil {
		return nil, err
	}
	s := r.n.w.server
	switch d := s.commits[hash]; {
	case d.text == "":
		return nil, errGone
	case d.unsigned:
		return nil, permanent{plan.CondSignatureRefused, "not signed by anyone allowed to"}
	case !s.descends(hash, accepted):
		return nil, permanent{rewritten, "it does not descend from " + accepted}
	default:
		return revision(d.text), nil
	}
}

// revision is one commit's document; its templates never change.
type revision string

// Read is part of reconcile.Revision.
func (r revision) Read(path string) ([]byte, error) {
	if path == documentPath {
		return []byte(r), nil
	}
	return readTemplate(path)
}

// Claim is part of reconcile.Coordination.
func (l *link) Claim(_ context.Context, ref, hash string, known plan.Tip) (reconcile.ClaimRead, error) {
	if err := l.lose("claim " + ref); err != nil {
		return reconcile.ClaimRead{}, err
	}
	s := l.n.w.server
	descends, reroot := s.chain(hash, known.ID)
	return reconcile.ClaimRead{Tip: s.claims[hash].tip, Descends: descends, Rerooted: reroot > known.Seq}, nil
}

// PushClaim is part of reconcile.Coordination. The push is on its way when this
// returns; its outcome is known to nobody but the server.
func (l *link) PushClaim(_ context.Context, ref string, p plan.Push) error {
	w := l.n.w
	if err := l.reach(); err != nil {
		return err
	}
	l.n.touch()
	w.check.pushes(l.n, p)
	role := roleOfRef(ref)
	return l.arrive(func() error { return w.server.change(role, p) })
}

// arrive lets a claim push arrive after its way to the server, or not, by its
// fate. What comes back is told by how long the learner waits, see proc.carry.
func (l *link) arrive(land func() error) error {
	w := l.n.w
	way := w.upTo(w.Timing.Network) + l.slow
	l.took = l.n.timeout()
	switch l.claims {
	case Lost:
	case Late:
		w.after(l.delay, func() { _ = land() })
	case Unheard:
		w.after(way, func() { _ = land() })
	default:
		w.after(way, func() { _ = land() })
		l.took = way + w.upTo(w.Timing.Network) + l.slow
		return nil
	}
	return errUnknown
}

func roleOfRef(ref string) string { return ref[len(plan.ClaimRef(deployment, "")):] }

// Restorable is part of reconcile.Coordination: what a ref is at must be an
// older claim of the chain this node knows.
func (l *link) Restorable(_ context.Context, _, hash string, known plan.Tip) (bool, error) {
	if known.ID == "" {
		return false, nil
	}
	older, _ := l.n.w.server.chain(known.ID, hash)
	return older, nil
}

// Restore is part of reconcile.Coordination.
func (l *link) Restore(ctx context.Context, ref string, known plan.Tip) error {
	l.n.touch()
	s := l.n.w.server
	listed := s.refs[ref]
	if err := l.reach(); err != nil {
		return err
	}
	if able, _ := l.Restorable(ctx, ref, listed, known); !able {
		return errRefused
	}
	return l.arrive(func() error {
		err := s.swap(ref, listed, known.ID)
		if err == nil {
			l.n.w.trace(l.n.machine, "restores claim %s to %d", roleOfRef(ref), known.Seq)
			l.n.w.check.restored(roleOfRef(ref))
		}
		return err
	})
}

// Reports is part of reconcile.Coordination.
func (l *link) Reports(_ context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	reports, errs := map[string]plan.Report{}, map[string]error{}
	for ref, hash := range refs {
		if err := l.lose("report " + ref); err != nil {
			errs[ref] = err
			continue
		}
		reports[ref] = l.n.w.server.reports[hash]
	}
	return reports, errs
}

// Publish is part of reconcile.Coordination.
func (l *link) Publish(_ context.Context, ref string, r plan.Report) error {
	s := l.n.w.server
	old := s.refs[ref]
	land := func() error {
		if s.refs[ref] != old {
			return errRefused
		}
		id := s.id("r")
		s.reports[id] = r
		delete(s.reports, old)
		s.set(ref, id)
		return nil
	}
	if err := l.reach(); err != nil {
		return err
	}
	switch l.reports {
	case Lost:
	case Late:
		l.n.w.after(l.delay, func() { _ = land() })
	case Unheard:
		_ = land()
	default:
		return land()
	}
	return errUnknown
}
