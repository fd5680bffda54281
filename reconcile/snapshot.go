package reconcile

import (
	"maps"
	"slices"
	"time"

	"mainstay/reconcile/pace"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Accepted is a document that verified and validated.
type Accepted struct {
	Commit     string
	Digest     string
	Deployment *spec.Deployment
	layout     *layout
}

// Snapshot is what one look at git left this node knowing. It is never changed
// after it was handed over.
type Snapshot struct {
	// Looks counts the looks at git that have ended, well or not.
	Looks uint64
	// Began is when the newest look began, Whole when the newest one did that asked for the
	// document too, and Own what one found last of this node's own report.
	Began, Whole time.Duration
	Own          Own
	// Behind says that somebody else changed this node's own claim since the branch was
	// listed: the document in force may not be the newest one (R4).
	Behind bool
	// Known says that this run of the agent has read what the repository itself has.
	Known bool
	// OK says that the newest look was answered.
	OK bool
	// LastRead is the wall clock of the newest look that was answered.
	LastRead time.Time
	// Edition counts the snapshots: a look may give more than one.
	Edition uint64
	// Pending says that the branch or its newest commit is being read beside the
	// claims, so that these may be newer than the document. Reading says that this
	// has not taken long yet.
	Pending, Reading bool
	// Seen is the newest commit of the branch.
	Seen     string
	Accepted *Accepted
	// Refused is the name that the newest document gives its deployment, as far as it
	// can be told, while no document was ever accepted: the place of this node's
	// report, and nothing else.
	Refused string
	// Claims and Reports are by role and by node.
	Claims     map[string]plan.ClaimView
	Reports    map[string]*plan.ReportView
	Conditions []plan.Condition
	// Twin says that another agent of this node's name lives.
	Twin bool
	// bySide are the reports of each exclusive role's nodes.
	bySide map[string]plan.SideReports
}

// clone returns a snapshot that the next look may change.
func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.Claims = maps.Clone(s.Claims)
	c.Conditions = nil
	return &c
}

// Pace is what this look says of the time until the next one.
func (s *Snapshot) Pace() pace.Look {
	look := pace.Look{Number: s.Looks, Began: s.Began, Claims: s.Whole != s.Began, OK: s.OK, Heads: s.Seen}
	for _, role := range slices.Sorted(maps.Keys(s.Claims)) {
		look.Heads += " " + s.Claims[role].Tip.ID
	}
	if s.Accepted != nil {
		d := s.Accepted.Deployment
		look.Document, look.Poll, look.Lease = true, d.Agent.Poll, d.Handover.Lease > 0
	}
	return look
}

// Try is an order as far as it can be tried after this look: the document need not be
// readable, but the claim must be.
func (s *Snapshot) Try(o Order) pace.Order {
	return pace.Order{Possible: !o.Empty() && s.Claims[o.Role].Reachable, Push: o.Push, Restore: o.Restore}
}
