package etcd

import (
	"context"
	"errors"
	"fmt"

	"mainstay/reconcile"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

const (
	// firstLook is how many changes are read before it is known how many are needed,
	// and onePage how many at a time after that.
	firstLook, onePage = 8, 64
	// mostChanges and mostBytes bound what is read of a claim.
	mostChanges, mostBytes = 4096, 16 << 20
)

// changes are the newest changes of a claim that were read, in the order of their
// numbers, and how far down they go.
type changes struct {
	sheets []git.Sheet
	bytes  int
	// lowest is the lowest number that was read, and last that there is none below.
	lowest uint64
	last   bool
	// key is the key to read below of.
	key string
}

func (p *changes) has(id string) bool {
	for _, s := range p.sheets {
		if s.ID == id {
			return true
		}
	}
	return false
}

func (p *changes) full() bool { return len(p.sheets) >= mostChanges || p.bytes > mostBytes }

// Claim implements git.Place.
func (c *Client) Claim(ctx context.Context, ref, id string, known plan.Tip) (git.ClaimChain, error) {
	switch id {
	case "":
		return git.ClaimChain{ClaimRead: reconcile.ClaimRead{Descends: known.ID == ""}}, nil
	case known.ID:
		return git.ClaimChain{ClaimRead: reconcile.ClaimRead{Tip: known, Descends: true}}, nil
	}
	found, err := c.changesOf(ctx, ref, id, func(p *changes) bool { return known.ID != "" && p.lowest <= known.Seq+1 })
	if err != nil {
		return git.ClaimChain{}, err
	}
	return c.ReadClaim(ref, id, found.sheets, known)
}

// changesOf reads the changes of a claim whose head names id, newest first, until id is
// among them and enough says that they go down far enough.
func (c *Client) changesOf(ctx context.Context, ref, id string, enough func(*changes) bool) (*changes, error) {
	p := &changes{key: end(c.place.changesKey(ref))}
	if err := c.page(ctx, p, ref, id, firstLook); err != nil {
		return nil, err
	}
	for !p.last && !p.full() && (!p.has(id) || !enough(p)) {
		if err := c.page(ctx, p, ref, id, onePage); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// page reads more changes, and that the head still names id: what is read of a claim
// that moved meanwhile is not it.
func (c *Client) page(ctx context.Context, p *changes, ref, id string, limit int) error {
	step, prefix := "read the claim", c.place.changesKey(ref)
	in := txnRequest{Success: []operation{get(c.place.headKey(ref)),
		{Range: &rangeRequest{Key: []byte(prefix), End: []byte(p.key), Limit: limit, Order: "DESCEND", Target: "KEY"}}}}
	out := &txnAnswer{}
	if err := c.read(ctx, step, pathTxn, in, out); err != nil {
		return err
	}
	if err := out.whole(in); err != nil {
		return c.complete(step, []error{err})
	}
	if err := c.still(step, ref, id, out.Responses[0].Range); err != nil {
		return err
	}
	rows := out.Responses[1].Range
	for _, row := range rows.Pairs {
		key := string(row.Key)
		if key >= p.key || key < prefix {
			return damaged(ref, errors.New("its changes came in another order than they were asked for"))
		}
		p.key = key
		seq, name, ok := numberOf(key, prefix)
		if !ok {
			continue // nobody of ours wrote it
		}
		p.lowest, p.bytes = seq, p.bytes+len(row.Value)
		sheet, err := decode(ref, name, string(row.Value))
		if err == nil {
			p.sheets = append(p.sheets, sheet)
		} else if name == id {
			return damaged(ref, err)
		}
	}
	p.last = !rows.More
	return nil
}

// still says what a head is that does not name id any more.
func (c *Client) still(step, ref, id string, head *rangeAnswer) error {
	value, found := head.one()
	switch {
	case found && listed(value) != id, !found:
		return &failure.Error{Kind: failure.ErrMoved, Step: step, At: c.URL(), Err: errors.New(ref)}
	case !hash(value):
		return damaged(ref, errors.New("its head names no change"))
	}
	return nil
}

func damaged(ref string, err error) error {
	return &failure.Error{Kind: failure.ErrDamaged, Step: "read", At: ref, Err: err}
}

// Chain implements git.Place.
func (c *Client) Chain(ctx context.Context, ref, id string, limit int) ([]git.Change, error) {
	if limit <= 0 || limit > mostChanges {
		limit = mostChanges
	}
	found, err := c.changesOf(ctx, ref, id, func(p *changes) bool { return len(p.sheets) >= limit })
	if err != nil {
		return nil, err
	}
	return c.ReadChanges(ref, id, found.sheets, limit)
}

// PushClaim implements git.Place with one transaction: if the head names p.Parent, the
// change is kept and the head names it.
func (c *Client) PushClaim(ctx context.Context, ref string, p plan.Push) (string, error) {
	with := false
	if p.Claim.Action == plan.Reroot && p.Known != "" && p.Known != p.Parent {
		found, err := c.changesOf(ctx, ref, p.Parent, func(q *changes) bool { return q.has(p.Known) })
		with = err == nil && found.has(p.Known)
	}
	sheet, err := c.Change(ref, p, with)
	if err != nil {
		return "", err
	}
	keep := put(c.place.changeKey(ref, p.Claim.Seq, sheet.ID), encode(sheet))
	return sheet.ID, c.move(ctx, step{"push the claim", ref, p.Parent, sheet.ID}, keep)
}

// step makes the head of a ref that names one note name another.
type step struct{ name, ref, from, to string }

// move carries a step out, and puts what goes with it.
func (c *Client) move(ctx context.Context, s step, with ...operation) error {
	head := c.place.headKey(s.ref)
	in := txnRequest{
		Compare: []compare{isAt(head, s.from)},
		Success: append([]operation{put(head, s.to)}, with...),
		Failure: []operation{get(head)},
	}
	out, err := c.change(ctx, s.name, in)
	if err != nil || out.Succeeded {
		return err
	}
	now, _ := out.Responses[0].Range.one()
	if now == s.to {
		return nil // an earlier try of the same was carried out
	}
	return &failure.Error{Kind: failure.ErrRefused, Step: s.name, At: c.URL(),
		Err: &movedOn{ref: s.ref, was: s.from, now: now}}
}

// movedOn is a head that names another note than was expected.
type movedOn struct{ ref, was, now string }

func (m *movedOn) Error() string {
	return fmt.Sprintf("%s was to move from %s: it is at %s", m.ref, orNone(m.was), orNone(m.now))
}

func orNone(id string) string {
	switch {
	case id == "":
		return "no change"
	case !hash(id):
		return "something that is no change"
	}
	return id
}

// mostPut bounds the notes that one transaction puts, in number and in bytes: etcd takes
// 128 operations and 1.5 MB.
const (
	mostPut      = 32
	mostPutBytes = 512 << 10
)

// Restore implements git.Place: it keeps every change again that is missing, and then
// makes the head name the newest (R10).
func (c *Client) Restore(ctx context.Context, ref, listed string, chains *git.ChainStore) (plan.Tip, error) {
	newest, missing, err := chains.Missing(ref, listed)
	if err != nil {
		return plan.Tip{}, err
	}
	const name = "restore the claim"
	var puts []operation
	size := 0
	for _, l := range missing {
		value := encode(l.Sheet(ref))
		if len(puts) == mostPut || size+len(value) > mostPutBytes && len(puts) > 0 {
			if _, err := c.change(ctx, name, txnRequest{Success: puts}); err != nil {
				return plan.Tip{}, err
			}
			puts, size = nil, 0
		}
		puts, size = append(puts, put(c.place.changeKey(ref, l.Tip.Seq, l.Tip.ID), value)), size+len(value)
	}
	return newest, c.move(ctx, step{name, ref, listed, newest.ID}, puts...)
}
