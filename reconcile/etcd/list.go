package etcd

import (
	"context"
	"fmt"

	"mainstay/reconcile"
	"mainstay/reconcile/git/failure"
)

// ListPrimary implements git.Place with one linearizable read.
func (c *Client) ListPrimary(ctx context.Context) (reconcile.Listing, error) {
	only := *c.only.Load()
	l := reconcile.Listing{From: c.URL(), Only: only, Refs: map[string]string{}}
	prefix := c.place.heads(only)
	var out rangeAnswer
	in := rangeRequest{Key: []byte(prefix), End: []byte(end(prefix))}
	if err := c.read(ctx, "list", pathRange, in, &out); err != nil {
		return reconcile.Listing{From: l.From, Only: only}, err
	}
	if out.More {
		return reconcile.Listing{From: l.From, Only: only}, &failure.Error{Kind: failure.ErrTooLarge, Step: "list", At: c.URL(),
			Err: fmt.Errorf("it sent %d keys, and there are more", len(out.Pairs))}
	}
	for _, p := range out.Pairs {
		if ref := c.place.refOf(string(p.Key)); ref != "" {
			l.Refs[ref] = listed(string(p.Value))
		}
	}
	return l, nil
}
