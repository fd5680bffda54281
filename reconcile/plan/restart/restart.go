// Package restart is the back-off of what does not follow its orders.
package restart

import (
	"cmp"
	"slices"
	"time"
)

// Policy is how soon a service is started again that does not follow its orders: at
// once, then First after the order before, then after twice as long each time, up to
// Most. What died before it ran for Forgive counts no more.
type Policy struct {
	First   time.Duration `json:"first"`
	Most    time.Duration `json:"most"`
	Forgive time.Duration `json:"forgive"`
}

// Default is the back-off of a service whose document says none. Nobody is called for
// longer than ten seconds because of it: what one start in ten seconds costs is little
// beside a telephone that is silent for a minute.
func Default() Policy {
	return Policy{First: time.Second, Most: 10 * time.Second, Forgive: time.Minute}
}

// Or returns the policy with what it leaves open taken from another.
func (p Policy) Or(o Policy) Policy {
	return Policy{First: cmp.Or(p.First, o.First), Most: cmp.Or(p.Most, o.Most), Forgive: cmp.Or(p.Forgive, o.Forgive)}
}

// Wait returns how long after the newest of count orders the next may come.
func (p Policy) Wait(count int) time.Duration {
	if count == 0 {
		return 0
	}
	d := min(p.First, p.Most)
	for range min(count-1, 20) {
		d = min(2*d, p.Most)
	}
	return d
}

// Sized returns a copy of a list of back-offs, one for each of n things, that fits: an
// empty one when there were others.
func Sized[T any](list []T, n int) []T {
	if n == 0 {
		return nil
	}
	if len(list) != n {
		return make([]T, n)
	}
	return slices.Clone(list)
}
