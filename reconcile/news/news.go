// Package news tells how much of a report is new: what other nodes decide by, or wait
// for, what only people read, or nothing.
package news

import (
	"reflect"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Kind is how a report differs from the one that was published.
type Kind int

// Nothing new; something that nobody decides by; something that others decide by, or
// wait for.
const (
	None Kind = iota
	Detail
	Urgent
)

// Differ compares reports. It keeps what it compared, because every pass compares.
type Differ struct{ compared [2]plan.Report }

// Of tells how offered differs from what was published, nil for nothing yet.
func (d *Differ) Of(published, offered *plan.Report) Kind {
	if published == nil || urgent(*published) != urgent(*offered) {
		return Urgent
	}
	d.compared = [2]plan.Report{significant(*published), significant(*offered)}
	if reflect.DeepEqual(&d.compared[0], &d.compared[1]) {
		return None
	}
	return Detail
}

// Passing reports whether a report says what the node is on its way to, which may be
// over in a moment.
func Passing(r plan.Report) bool {
	return !r.Ready && (r.Status == plan.Activating || r.Status == plan.Deactivating)
}

// urgency is the part of a report that other nodes decide by, or wait for.
type urgency struct {
	status         plan.Status
	running, ready bool
	serving        spec.Side
	accepted       string
	seq            uint64
	heard, beside  string
	besideBeat     uint64
}

// urgent returns what must be told at once. The commit and the seq count only
// when something is said under them.
func urgent(r plan.Report) urgency {
	u := urgency{status: r.Status, running: r.Running, ready: r.Ready, serving: r.Serving, heard: r.Heard, beside: r.Beside, besideBeat: r.BesideBeat}
	if r.Ready {
		u.accepted = r.Accepted
	}
	if r.Ready || r.Status == plan.Active || r.Status == plan.Deactivating {
		u.seq = r.Seq
	}
	return u
}

// significant is a report without what changes all the time and says nothing
// new.
func significant(r plan.Report) plan.Report {
	r.At, r.LastRead = time.Time{}, time.Time{}
	r.Checks = slices.Clone(r.Checks)
	for i := range r.Checks {
		r.Checks[i].At = time.Time{}
		if r.Checks[i].OK {
			r.Checks[i].Output = "" // a number that changes all the time is no news
		}
	}
	r.Leaves = slices.Clone(r.Leaves)
	for i := range r.Leaves {
		r.Leaves[i].At = time.Time{}
	}
	return r
}
