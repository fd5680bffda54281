package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mainstay/reconcile/plan"
)

// Notes are claims and reports that were read together, by their refs.
type Notes struct {
	// Claims are tips alone: nothing is said of how they came about.
	Claims  map[string]plan.Tip
	Reports map[string]plan.Report
	// Errors says of every other ref that was asked for why it could not be
	// read, in the classes of package failure.
	Errors map[string]error
}

// mostNotes is how many refs are asked for with one fetch.
const mostNotes = 4000

// Notes reads claims and reports for somebody who only looks, with as few fetches
// as can be: listed maps their refs to the hashes that a listing showed. Whoever
// acts on a claim reads it with Claim, which checks where it came from (R10).
func (r *Remote) Notes(ctx context.Context, listed map[string]string) Notes {
	n := NewNotes()
	for refs := range slices.Chunk(slices.Sorted(maps.Keys(listed)), mostNotes) {
		part := make(map[string]string, len(refs))
		for _, ref := range refs {
			part[ref] = listed[ref]
		}
		st := noteStore(reportNotes * len(refs))
		moved, err := r.fetchReports(ctx, part, st)
		for ref, hash := range part {
			switch {
			case moved[ref] != nil:
				n.Errors[ref] = moved[ref]
			case err != nil:
				n.Errors[ref] = err
			default:
				r.take(n, st, ref, hash)
			}
		}
	}
	return n
}

func afterSlash(text string) string {
	_, after, _ := strings.Cut(text, "/")
	return after
}

// take decodes one ref: what it is, its name says.
func (r Notary) take(n Notes, st *store, ref, hash string) {
	if rest, _ := strings.CutPrefix(ref, ownPrefix); !strings.HasPrefix(afterSlash(rest), "claim/") {
		rep, err := r.ownReport(st, ref, hash)
		if err != nil {
			n.Errors[ref] = err
			return
		}
		n.Reports[ref] = rep
		return
	}
	c, err := st.commit(hash)
	if err == nil && c == nil {
		err = damaged("claim "+ref, errors.New("its commit was not sent"))
	}
	if err != nil {
		n.Errors[ref] = err
		return
	}
	l, err := st.link(c)
	if err == nil {
		err = r.ownChanges(ref, []Link{l}, plan.Tip{})
	}
	if err != nil {
		n.Errors[ref] = fmt.Errorf("claim %s: %w", ref, err)
		return
	}
	n.Claims[ref] = l.Tip
}
