package places

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"mainstay/reconcile/etcd"
)

// News passes on what nodes hear of each other through the place of claims: that
// something changed there, and that one of them saw a commit. It wakes whoever looks, and
// nobody decides by it: what is not heard of is seen at the next poll.
type News struct {
	cluster *etcd.Client
	seen    chan string
	last    atomic.Pointer[string]
	log     *slog.Logger
}

// News is how nodes hear of each other, nil where the place of claims tells nobody.
func (p *Places) News(log *slog.Logger) *News {
	if p.Cluster == nil {
		return nil
	}
	n := &News{cluster: p.Cluster, seen: make(chan string, 1), log: log}
	n.last.Store(new(string))
	return n
}

// Saw takes in the newest commit that a look showed. It never waits, and is for one
// goroutine.
func (n *News) Saw(commit string) {
	if commit == *n.last.Load() || commit == "" {
		return
	}
	n.last.Store(&commit)
	select {
	case <-n.seen: // it was not told yet, and is not the newest any more
	default:
	}
	n.seen <- commit
}

// Run tells the others of commits until ctx ends. It calls look when git may have
// something that this node has not seen, and hear with the commit that somebody named, or
// with none when only claims or reports changed.
func (n *News) Run(ctx context.Context, look func(), hear func(commit string)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		n.cluster.Watch(ctx, func(heard etcd.News) {
			switch {
			case heard.Began:
				look()
			case heard.Commit != "" && heard.Commit != *n.last.Load():
				hear(heard.Commit)
			case heard.Claims:
				hear("")
			}
		})
	})
	for {
		select {
		case <-ctx.Done():
			return
		case commit := <-n.seen:
			if err := n.cluster.Tell(ctx, commit); err != nil {
				n.log.Debug("tell of a commit", "error", err)
			}
		}
	}
}
