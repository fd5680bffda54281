package main

import "errors"

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
