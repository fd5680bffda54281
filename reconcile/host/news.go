package host

import (
	"context"
	"time"

	"mainstay/reconcile"
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
