// Package trust says whether the commits since the accepted one may make the document
// what it is at the branch's newest commit: each that changed it has to be signed by
// somebody who may change that, at a time that can be true, and for this deployment and
// this branch.
//
// It must not know where commits come from, nor what a node does with them. Of a
// document it knows the fields at its top.
package trust

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git/signature"
	"mainstay/spec"
)

// Question is what is to be judged.
type Question struct {
	// Tip is the newest commit. Since is what it has that the one in force has not, nil
	// when there is none or a person overrode it: then the tip alone is judged.
	Tip   string
	Since *Since
	// Document is the path of the document, Files those of all that it names.
	Document string
	Files    []string
	// Deployment is the document's name, Branch that of the branch that is followed.
	Deployment, Branch string
	Signers            signature.Signers
	// Policy is nil when everybody who is allowed may change everything.
	Policy *spec.Policy
	// Now is the time of this machine, and Skew how far a clock may be wrong.
	Now  time.Time
	Skew time.Duration
}

// Refused says which commit may not make the document what it is, and why.
type Refused struct {
	Commit string
	// Ahead says that it is of a later time than now: it may be right later.
	Ahead bool
	Why   error
}

// Error returns the commit and the reason.
func (r *Refused) Error() string { return fmt.Sprintf("commit %.12s: %v", r.Commit, r.Why) }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Why }

// Judge returns a Refused for a commit that may not be a part of what is accepted, and
// other errors when that cannot be found out.
func (q *Question) Judge(h History) error {
	if q.Since == nil {
		return q.first(h)
	}
	from, err := timeOf(h, q.Since.accepted)
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(q.Since.Commits) {
		if err := q.commit(h, c, from); err != nil {
			return err
		}
	}
	return nil
}

// first judges a tip without an accepted commit.
func (q *Question) first(h History) error {
	tip, err := h.Commit(q.Tip)
	if err != nil {
		return err
	}
	if tip == nil {
		return fmt.Errorf("commit %.12s is not at hand", q.Tip)
	}
	return q.signedInTime(tip, time.Time{})
}

// commit judges one commit.
func (q *Question) commit(h History, c *Commit, from time.Time) error {
	before := q.Since.before(c)
	changed, err := q.changed(h, c, before)
	if err != nil || len(changed) == 0 && c.ID != q.Tip {
		return err
	}
	if !q.Since.follows(c.ID) {
		from = time.Time{}
	}
	if err := q.signedInTime(c, from); err != nil || len(changed) == 0 || q.Policy == nil {
		return err
	}
	if err := q.mayChange(c, q.fields(h, c, before, changed)); err != nil {
		return &Refused{Commit: c.ID, Why: err}
	}
	return nil
}

// changed are the files that a commit has otherwise than one of those before it.
func (q *Question) changed(h History, c *Commit, before []string) ([]string, error) {
	var changed []string
	for _, file := range q.Files {
		is, err := h.Find(c.ID, file)
		if err != nil {
			return nil, err
		}
		differs := len(before) == 0 && is != ""
		for _, b := range before {
			was, err := h.Find(b, file)
			if err != nil {
				return nil, err
			}
			differs = differs || was != is
		}
		if differs {
			changed = append(changed, file)
		}
	}
	return changed, nil
}

// signedInTime wants a signature of somebody who is allowed, and a time that is neither
// before from nor after now. A machine whose clock is behind the accepted commit does
// not know what time it is.
func (q *Question) signedInTime(c *Commit, from time.Time) error {
	if _, err := signature.Verify(c.Raw, q.Signers); err != nil {
		return &Refused{Commit: c.ID, Why: err}
	}
	when, err := signature.Time(c.Raw)
	switch {
	case err != nil:
		return &Refused{Commit: c.ID, Why: err}
	case when.Before(from.Add(-q.Skew)):
		return &Refused{Commit: c.ID, Why: fmt.Errorf("its time, %s, is before that of the accepted commit %.12s, %s",
			shown(when), q.Since.accepted, shown(from))}
	case when.After(q.Now.Add(q.Skew)) && !q.Now.Before(from.Add(-q.Skew)):
		return &Refused{Commit: c.ID, Ahead: true, Why: fmt.Errorf("its time, %s, has not come yet: here it is %s", shown(when), shown(q.Now))}
	}
	return nil
}

func shown(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// timeOf is the time of a commit that was accepted; one that is not known is long ago.
func timeOf(h History, id string) (time.Time, error) {
	c, err := h.Commit(id)
	if err != nil {
		return time.Time{}, err
	}
	if c == nil {
		return time.Time{}, fmt.Errorf("the accepted commit %.12s is not at hand", id)
	}
	when, err := signature.Time(c.Raw)
	if err != nil {
		return time.Time{}, nil // it was accepted under other rules
	}
	return when, nil
}

// mayChange holds the fields that a commit changes against who signed it.
func (q *Question) mayChange(c *Commit, touched []string) error {
	who, err := signature.Verify(c.Raw, q.Signers)
	if err != nil {
		return err
	}
	for _, field := range touched {
		may := q.Policy.Who(field)
		if len(may) > 0 && !slices.ContainsFunc(may, who.Is) {
			return fmt.Errorf("it changes %s and is signed by %s: verify.policy lets only %s do that", field, who.Name, strings.Join(may, ", "))
		}
	}
	if q.Policy.Bound && (slices.Contains(touched, "active") || slices.Contains(touched, "fenced")) {
		return q.bound(c)
	}
	return nil
}
