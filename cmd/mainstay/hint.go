package main

import (
	"errors"

	"mainstay/cmd/mainstay/flaghint"
	"mainstay/reconcile/git/failure"
)

// hinter is an error with something that a person should do.
type hinter interface {
	error
	Hint() string
}

// hintOf is the first thing to do that an error or one of its causes names.
func hintOf(err error) string {
	for h := hinter(nil); errors.As(err, &h); err = errors.Unwrap(h) {
		if h.Hint() != "" {
			return h.Hint()
		}
	}
	return ""
}

// hintOf is what to do in the words of what this machine was told: of the flags, or
// of the agent's file that --config names.
func (l *locator) hintOf(err error) string {
	var g *failure.Error
	if l.config == "" && errors.As(err, &g) && g.Setting != "" {
		return flaghint.For(g)
	}
	return hintOf(err)
}
