package host

import (
	"context"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/metrics"
	"mainstay/reconcile/places"
)

// hearing tells the other nodes of every new commit that a look showed.
type hearing struct {
	reconcile.Observer
	news *places.News
}

// Looked implements reconcile.Observer.
func (h hearing) Looked(s *reconcile.Snapshot, took time.Duration) {
	h.Observer.Looked(s, took)
	h.news.Saw(s.Seen)
}

// hear looks as soon as another node says something: at git too when that is a commit.
func (n *Node) hear(ctx context.Context) {
	if n.news != nil {
		n.news.Run(ctx, n.Agent.Sync, n.Agent.Hear)
	}
}

// placeOf says what keeps claims and reports, and how to ask its members how they are.
func placeOf(at *places.Places) (engine string, ask func(context.Context) []metrics.Member) {
	switch {
	case at.Claims == nil:
		return "off", nil
	case at.Cluster == nil:
		return "git", nil
	}
	return "etcd", func(ctx context.Context) (all []metrics.Member) {
		for _, m := range at.Cluster.Members(ctx) {
			all = append(all, metrics.Member{At: m.At, Up: m.Err == nil, Led: m.Led, Took: m.Took, Alarms: m.Alarms})
		}
		return all
	}
}
