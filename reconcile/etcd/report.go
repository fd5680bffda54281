package etcd

import (
	"context"
	"errors"
	"maps"
	"slices"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// PublishReport implements git.Place. A report that comes late, after a newer one of
// the same node, changes nothing: its head is not there any more.
func (c *Client) PublishReport(ctx context.Context, ref string, rep plan.Report, last string) (string, error) {
	sheet, err := c.Report(ref, rep)
	if err != nil {
		return "", err
	}
	with := put(c.place.reportKey(ref), encode(sheet))
	for range 3 {
		err = c.move(ctx, step{"publish the report", ref, last, sheet.ID}, with)
		var elsewhere *movedOn
		if !errors.As(err, &elsewhere) {
			break
		}
		c.log.Debug("report was not where this node left it", "ref", ref, "note", elsewhere.now)
		last = elsewhere.now
	}
	if err != nil {
		return "", err
	}
	return sheet.ID, nil
}

// Reports implements git.Place.
func (c *Client) Reports(ctx context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	n := c.Notes(ctx, refs)
	return n.Reports, n.Errors
}

// together is how many notes are asked for at once: two operations each, and a report
// may have a quarter of a megabyte.
const together = 32

// Notes implements git.Place.
func (c *Client) Notes(ctx context.Context, refs map[string]string) git.Notes {
	n := git.NewNotes()
	for some := range slices.Chunk(slices.Sorted(maps.Keys(refs)), together) {
		err := c.notes(ctx, n, refs, some)
		if errors.Is(err, failure.ErrTooLarge) && len(some) > 1 {
			for _, ref := range some {
				if err := c.notes(ctx, n, refs, []string{ref}); err != nil {
					n.Errors[ref] = err
				}
			}
			continue
		}
		if err != nil {
			for _, ref := range some {
				n.Errors[ref] = err
			}
		}
	}
	return n
}

// notes reads some notes at one moment, each with its head.
func (c *Client) notes(ctx context.Context, n git.Notes, refs map[string]string, some []string) error {
	const step = "read notes"
	var in txnRequest
	for _, ref := range some {
		in.Success = append(in.Success, get(c.place.headKey(ref)), c.newest(ref))
	}
	out := &txnAnswer{}
	if err := c.read(ctx, step, pathTxn, in, out); err != nil {
		return err
	}
	if err := out.whole(in); err != nil {
		return c.complete(step, []error{err})
	}
	for i, ref := range some {
		if err := c.still(step, ref, refs[ref], out.Responses[2*i].Range); err != nil {
			n.Errors[ref] = err
			continue
		}
		c.take(ctx, n, ref, refs[ref], out.Responses[2*i+1].Range)
	}
	return nil
}

// newest asks for the note of a ref that its head names, unless a claim went back.
func (c *Client) newest(ref string) operation {
	if !isClaim(ref) {
		return get(c.place.reportKey(ref))
	}
	prefix := c.place.changesKey(ref)
	return operation{Range: &rangeRequest{Key: []byte(prefix), End: []byte(end(prefix)), Limit: 1, Order: "DESCEND", Target: "KEY"}}
}

// take reads a note that a head names.
func (c *Client) take(ctx context.Context, n git.Notes, ref, id string, found *rangeAnswer) {
	if isClaim(ref) && (len(found.Pairs) == 0 || !c.isChange(found, ref, id)) {
		c.takeOlder(ctx, n, ref, id)
		return
	}
	value, is := found.one()
	if !is {
		n.Errors[ref] = damaged(ref, errors.New("its head names a note that is not there"))
		return
	}
	sheet, err := decode(ref, id, value)
	if err != nil {
		n.Errors[ref] = damaged(ref, err)
		return
	}
	n.Take(c.Notary, sheet)
}

func (c *Client) isChange(found *rangeAnswer, ref, id string) bool {
	_, name, ok := numberOf(string(found.Pairs[0].Key), c.place.changesKey(ref))
	return ok && name == id
}

// takeOlder reads a change that is not the one of the highest number, as that of a
// claim that went back is.
func (c *Client) takeOlder(ctx context.Context, n git.Notes, ref, id string) {
	found, err := c.changesOf(ctx, ref, id, func(*changes) bool { return true })
	if err != nil {
		n.Errors[ref] = err
		return
	}
	for _, s := range found.sheets {
		if s.ID == id {
			n.Take(c.Notary, s)
			return
		}
	}
	n.Errors[ref] = damaged(ref, errors.New("its head names a change that is not there"))
}
