package git

import "mainstay/reconcile/git/failure"

// What this package's errors are. Package failure says what each class means.
var (
	ErrUnreachable = failure.ErrUnreachable
	ErrAuth        = failure.ErrAuth
	ErrHostKey     = failure.ErrHostKey
	ErrMoved       = failure.ErrMoved
	ErrRewound     = failure.ErrRewound
	ErrSignature   = failure.ErrSignature
	ErrAhead       = failure.ErrAhead
	ErrNoBranch    = failure.ErrNoBranch
	ErrTooLarge    = failure.ErrTooLarge
	ErrNotFound    = failure.ErrNotFound
	ErrDamaged     = failure.ErrDamaged
	ErrRefused     = failure.ErrRefused
	ErrUnknown     = failure.ErrUnknown
)

// Error is an error of this package: a step, at an address, that ended in one of the
// classes.
type Error = failure.Error

// damaged says that something which should be a claim, a report or an object is
// not.
func damaged(what string, err error) error {
	return &Error{Kind: ErrDamaged, Step: "read", At: what, Err: err}
}
