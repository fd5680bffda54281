package git

import "mainstay/reconcile/git/failure"

// damaged says that something which should be a claim, a report or an object is
// not.
func damaged(what string, err error) error {
	return &failure.Error{Kind: failure.ErrDamaged, Step: "read", At: what, Err: err}
}
