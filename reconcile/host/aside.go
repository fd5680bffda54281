package host

import (
	"context"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/metrics"
	"mainstay/reconcile/places"
	"mainstay/reconcile/plan"
)

// Aside looks on and tells people. No method but Run waits, and nobody waits for Run
// before everything else has ended.
type Aside interface {
	// Prepare is called first, with where to keep what was told.
	Prepare(disk reconcile.Disk)
	// Reported takes in every report of this node, which it must not change.
	Reported(r plan.Report)
	// Looked takes in what every look at git showed.
	Looked(s *reconcile.Snapshot)
	// Read takes in who made a commit that was read, and what it says of itself.
	Read(hash, who, subject string)
	// Conditions are what belongs into this node's report.
	Conditions() []plan.Condition
	// Run tells until ctx ends, and a few seconds longer at most.
	Run(ctx context.Context)
}

// report shows a whole report to who looks on.
func (n *Node) report(r *plan.Report) {
	if n.aside == nil {
		return
	}
	r.Tells = true
	r.Conditions = append(r.Conditions, n.aside.Conditions()...)
	n.aside.Reported(*r)
}

// tell runs who looks on; told is closed when that has ended.
func (n *Node) tell(ctx context.Context) (told chan struct{}) {
	told = make(chan struct{})
	go func() {
		defer close(told)
		if n.aside != nil {
			n.aside.Run(ctx)
		}
	}()
	return told
}

// observer counts, shows looks to who looks on, and passes on what they showed.
func (n *Node) observer() reconcile.Observer {
	var o reconcile.Observer = n.metrics
	if n.aside != nil {
		o = both{n.metrics, n.aside}
	}
	if n.news != nil {
		o = hearing{o, n.news}
	}
	return o
}

// both counts, and shows every look to who looks on.
type both struct {
	*metrics.Metrics
	aside Aside
}

// Looked implements reconcile.Observer.
func (b both) Looked(s *reconcile.Snapshot, took time.Duration) {
	b.Metrics.Looked(s, took)
	b.aside.Looked(s)
}

// document is the repository, which shows each commit that is read to who looks on.
func (n *Node) document(d places.Document) reconcile.Repository {
	if n.aside == nil {
		return d
	}
	return watched{d, n.aside}
}

type watched struct {
	places.Document
	aside Aside
}

// Revision implements reconcile.Repository.
func (w watched) Revision(ctx context.Context, hash, accepted string) (reconcile.Revision, error) {
	v, err := w.Document.Revision(ctx, hash, accepted)
	if said, ok := v.(interface{ Said() (who, subject string) }); ok && err == nil {
		who, subject := said.Said()
		w.aside.Read(hash, who, subject)
	}
	return v, err
}
