// Package unfit remembers claims and reports that cannot be read as they are, so that
// they are not fetched again with every look.
//
// It must not know what a claim or a report is: it keeps refs, hashes and errors.
package unfit

import (
	"errors"
	"time"
)

// Refs are the refs that cannot be read, each with why.
type Refs map[string]reading

// reading is what is wrong with what a ref leads to.
type reading struct {
	hash  string
	err   error
	times int
	again time.Duration // boot time
}

const (
	// Tries is how often something is fetched before it is believed to be
	// damaged where it is, and not on the way.
	Tries = 3
	// Again is how often it is tried after that.
	Again = time.Minute
)

// Know returns why a ref that is at hash cannot be read, or nil when it may be
// tried.
func (u Refs) Know(ref, hash string, now time.Duration) error {
	r, known := u[ref]
	if !known || r.hash != hash || r.times < Tries || now >= r.again {
		return nil
	}
	return r.err
}

// Note takes in how a try ended. Only an error that says of itself that another try would
// end the same makes a ref unfit.
func (u Refs) Note(ref, hash string, err error, now time.Duration) {
	if err == nil || !permanent(err) {
		delete(u, ref)
		return
	}
	r := u[ref]
	if r.hash != hash {
		r.times = 0
	}
	u[ref] = reading{hash: hash, err: err, times: r.times + 1, again: now + Again}
}

// Refuse remembers something that was read whole, and is not what it should be.
func (u Refs) Refuse(ref, hash string, err error, now time.Duration) {
	u[ref] = reading{hash: hash, err: err, times: Tries, again: now + Again}
}

// permanent reports whether an error says that another try would end the same.
func permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}
