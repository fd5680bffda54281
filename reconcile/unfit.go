package reconcile

import "time"

// unfit remembers claims and reports that cannot be read as they are, so that
// they are not fetched again with every look.
type unfit map[string]unfitRef

type unfitRef struct {
	hash  string
	err   error
	times int
	again time.Duration // boot time
}

const (
	// unfitTries is how often something is fetched before it is believed to be
	// damaged where it is, and not on the way.
	unfitTries = 3
	// unfitAgain is how often it is tried after that.
	unfitAgain = time.Minute
)

// know returns why a ref that is at hash cannot be read, or nil when it may be
// tried.
func (u unfit) know(ref, hash string, now time.Duration) error {
	r, known := u[ref]
	if !known || r.hash != hash || r.times < unfitTries || now >= r.again {
		return nil
	}
	return r.err
}

// note takes in how a try ended.
func (u unfit) note(ref, hash string, err error, now time.Duration) {
	if err == nil || !isPermanent(err) {
		delete(u, ref)
		return
	}
	r := u[ref]
	if r.hash != hash {
		r.times = 0
	}
	u[ref] = unfitRef{hash: hash, err: err, times: r.times + 1, again: now + unfitAgain}
}

// refuse remembers something that was read whole, and is not what it should be.
func (u unfit) refuse(ref, hash string, err error, now time.Duration) {
	u[ref] = unfitRef{hash: hash, err: err, times: unfitTries, again: now + unfitAgain}
}
