package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/transport"
)

// ErrNoRef is of a ref that cannot be tried out because it is not there yet.
var ErrNoRef = errors.New("no such ref")

// TryRef asks the server whether this node may push a ref, and changes nothing:
// it asks to create the ref where it is already. A server asks its rules and hooks
// first, so a node that may push is refused for being late, and one that may not for
// its rules. Should the ref be gone by then, it is put back where it was.
//
// nil says that this node may push. ErrNoRef says that nothing is known, because the
// ref is not there; failure.ErrUnknown that the server's answer says neither. Other errors
// are those of PushClaim.
func (r *Remote) TryRef(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	s, err := r.openSession(ctx, r.dialers[0], transport.ReceivePack, "try "+ref)
	if err != nil {
		return err
	}
	defer s.close()
	if s.refs[ref] == "" {
		return fmt.Errorf("try %s: %w", ref, ErrNoRef)
	}
	err = s.update(ctx, update{ref: ref, next: s.refs[ref]})
	if !errors.Is(err, failure.ErrRefused) {
		return err
	}
	switch text := strings.ToLower(err.Error()); {
	case says(text, "hook declined", "denied", "not allowed", "protected", "permission", "prohibited", "forbidden"):
		return err
	case says(text, "already exists", "failed to update ref", "failed to lock", "cannot lock", "incorrect old value"):
		return nil
	}
	return &failure.Error{Kind: failure.ErrUnknown, Step: s.step, At: s.at, Err: failure.Scrub(err), Advice: "ask whoever runs the git server what this answer means"}
}

func says(text string, phrases ...string) bool {
	return slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(text, p) })
}
