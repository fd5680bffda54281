package carry

import (
	"context"
	"errors"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

// Halfway is why a claim is carried in part: it ended in one place, as far as is known, and
// counts in no other one.
type Halfway struct {
	Err           error
	What, Advised string
}

// Error says what that means, and why.
func (h *Halfway) Error() string { return h.What + ": " + h.Err.Error() }

// Hint says how it is over.
func (h *Halfway) Hint() string { return h.Advised }

// Unwrap is the cause. That of a refusal says that nothing was changed, which is not so.
func (h *Halfway) Unwrap() error {
	if errors.As(h.Err, new(*Refused)) {
		return nil
	}
	return h.Err
}

// halfway adds to an error what it leaves behind, as far as both places were read: a claim
// that ended in one. Sure says that it does not count in the other one.
func halfway(from, to *end, err error, sure bool) error {
	ended, next := from, to
	switch {
	case from.endsFor(to.word):
	case to.endsFor(from.word) && !from.counts(): // it counts since it came from there
		ended, next = to, from
	default:
		return err
	}
	advised := again(next)
	if first := hintOf(err); first != "" {
		advised = first + "; then " + advised
	}
	counts := " and does not count in " + next.word + " yet: "
	if !sure {
		counts = ", and whether it counts in " + next.word + " is not known: if not, "
	}
	return &Halfway{Err: err, What: "the claim has ended in " + ended.word + counts + "nobody can switch until this is over", Advised: advised}
}

// hintOf is what an error says to do.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// again says what a person does about it.
func again(next *end) string {
	return "run this command again; or take the claim back, with both files the other way round, which needs " + next.word + " to take changes too"
}

// undone reports whether a change was certainly not made.
func undone(err error) bool {
	return errors.As(err, new(*Refused)) || errors.Is(err, failure.ErrRefused) || errors.Is(err, failure.ErrMoved)
}

// TryOut returns what tries that a place takes changes of a claim from a node: in etcd by a
// change that is never carried out, in git by asking for the claim's ref, and by a ref of the
// node's own that is taken away again.
func TryOut(place git.Place, deployment, node string) func(ctx context.Context, ref string) error {
	return func(ctx context.Context, ref string) error {
		switch p := place.(type) {
		case interface {
			Try(ctx context.Context, ref string) error
		}:
			return p.Try(ctx, ref)
		case *git.Remote:
			allowed := p.TryRef(ctx, ref)
			if allowed != nil && !errors.Is(allowed, git.ErrNoRef) {
				return allowed
			}
			_, err := p.TryPush(ctx, git.DoctorRef(deployment, node), time.Now())
			if allowed == nil && errors.Is(err, failure.ErrRefused) {
				return nil // a server with tight rules lets it push the claim and nothing else
			}
			return err
		}
		return errors.New("it cannot be tried out")
	}
}
