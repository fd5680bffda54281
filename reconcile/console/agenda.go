package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/fleet"
	"mainstay/spec"
)

// The bounds of a switch at a time.
const (
	// soonest and latest are how far ahead its time lies.
	soonest = time.Minute
	latest  = 7 * 24 * time.Hour
	// lateBy is how long after its time a switch is still carried out: later, who asked
	// for it does not expect it any more.
	lateBy = 10 * time.Minute
	// agendaEvery is how often the agenda is looked at, tryEvery how often a switch is
	// tried again whose repository cannot be read.
	agendaEvery = time.Second
	tryEvery    = 15 * time.Second
	// mostTries is how often a switch begins again because somebody pushed meanwhile.
	mostTries = 3
)

// timedBranch is where a switch of a deployment waits for its time: one for each.
func timedBranch(deployment string) string { return fleet.Timed + deployment }

// agenda carries switches out at their time. It goes by the orders that a page wrote for
// a person who may switch, never by a branch alone: whoever can push to the repository
// can push a branch, with any author and any trailer, also one that was cancelled.
type agenda struct {
	*Console
	// tried is when an order was tried last, and failed why that came to nothing.
	tried  map[string]time.Time
	failed map[string]string
	// wrong is what could not be read last, so that it is told once.
	wrong string
}

// run looks at the agenda until ctx ends.
func (a *agenda) run(ctx context.Context) {
	tick := time.NewTicker(agendaEvery)
	defer tick.Stop()
	for {
		a.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look deals with every order once.
func (a *agenda) look(ctx context.Context) {
	all, err := a.options.Orders.All()
	if text := fmt.Sprint(err); err != nil && text != a.wrong {
		a.options.Log.Error("an order cannot be read, and is not carried out", "error", err)
		a.wrong = text
	}
	for _, one := range all {
		if r := a.readerOf(one); r != nil && ctx.Err() == nil {
			a.deal(ctx, r, one)
		}
	}
	if err := a.options.Orders.Clear(all, a.now()); err != nil {
		a.options.Log.Error("an order that ended is kept", "error", err)
	}
}

// readerOf is the reader of the repository that an order is about, nil when this page
// cannot commit there.
func (c *Console) readerOf(one kept.Order) *reader {
	i := slices.IndexFunc(c.readers, func(r *reader) bool { return r.place.Name == one.Repository && r.place.Pen != nil })
	if i < 0 {
		return nil
	}
	return c.readers[i]
}

// deal does what an order needs now.
func (a *agenda) deal(ctx context.Context, r *reader, one kept.Order) {
	now := a.now()
	switch {
	case one.State == kept.Begun && now.Sub(one.At) > lateBy+pushBound:
		// Whoever had it in hand has ended, in the middle of it or right after.
		one.State, one.Said = kept.Unsure, "the page ended while it carried this out: look at the history"
		a.end(ctx, r, one)
	case one.State != kept.Waits:
	case a.options.Orders.Taken(one.Commit):
		if now.Sub(one.At) > lateBy+pushBound {
			one.State, one.Said = kept.Unsure, "a page took this in hand and ended before it said what came of it: look at the history"
			a.end(ctx, r, one)
		}
	case now.Sub(one.At) > lateBy:
		why := cmp.Or(a.failed[one.Commit], "this page did not run then")
		a.finish(ctx, r, one, kept.Missed, fmt.Sprintf("it could not be carried out within %s of its time: %s", lateBy, why))
	case takenBack(r.current.Load(), one):
		a.finish(ctx, r, one, kept.Cancelled, "its branch was deleted or changed in git")
	case !now.Before(one.At) && now.Sub(a.tried[one.Commit]) >= tryEvery:
		a.tried[one.Commit] = now
		a.carryOut(ctx, r, one)
	}
}

// takenBack reports whether the branch of an order is known to be gone or changed.
func takenBack(reading *Reading, one kept.Order) bool {
	v := reading.View
	return v != nil && v.Timed != nil && reading.Failed == "" && v.Read.After(one.Made.Add(lookBound)) && v.Timed[one.Branch] != one.Commit
}

// finish ends an order that nobody has in hand.
func (a *agenda) finish(ctx context.Context, r *reader, one kept.Order, state kept.State, said string) {
	if !a.take(one) {
		return
	}
	one.State, one.Said = state, said
	a.end(ctx, r, one)
}

// take takes an order in hand; of several pages one does.
func (a *agenda) take(one kept.Order) bool {
	ok, err := a.options.Orders.Take(one.Commit)
	if err != nil {
		a.options.Log.Error("an order cannot be taken in hand, and is not carried out", "error", err)
	}
	return ok
}

// carryOut prepares a switch anew, and commits it when nothing speaks against it.
func (a *agenda) carryOut(ctx context.Context, r *reader, one kept.Order) {
	ctx, cancel := context.WithTimeout(ctx, pushBound)
	defer cancel()
	d, why, again := a.ready(ctx, r, one)
	if again {
		a.failed[one.Commit] = why
		a.options.Log.Warn("a switch at a time waits: git cannot be read", "about", one.Deployment, "error", why)
		return
	}
	if why != "" {
		a.finish(ctx, r, one, kept.Refused, why)
		return
	}
	if !a.take(one) {
		return // another page has it
	}
	one.State = kept.Begun
	if err := a.options.Orders.Put(one); err != nil {
		one.State, one.Said = kept.Refused, err.Error()
		a.end(ctx, r, one)
		return
	}
	for range mostTries {
		hash, err := r.place.Pen.Push(ctx, d.Proposal, Author{one.Name, one.Email}, d.View.Branch)
		if !errors.Is(err, change.ErrMoved) {
			a.judge(ctx, r, &one, hash, d.View.Branch, err)
			a.end(ctx, r, one)
			return
		}
		if d, why, again = a.ready(ctx, r, one); why != "" {
			break
		}
	}
	one.State, one.Said = kept.Refused, cmp.Or(why, "others pushed to the branch again and again")
	a.end(ctx, r, one)
}

// judge says what came of a push.
func (a *agenda) judge(ctx context.Context, r *reader, one *kept.Order, hash, branch string, err error) {
	if err == nil {
		one.State, one.Result = kept.Done, hash
		return
	}
	if text, refused := change.NotTaken(err); refused {
		one.State, one.Said = kept.Refused, "the server takes no push to "+branch+": "+text
		return
	}
	one.State, one.Said = kept.Refused, err.Error()
	if errors.Is(err, change.ErrNotCommitted) {
		return
	}
	arrived, lookErr := r.place.Pen.Has(ctx, branch, hash)
	switch {
	case lookErr != nil:
		one.State, one.Said = kept.Unsure, fmt.Sprintf("it is not known whether %s was pushed: %v; %v", hash, err, lookErr)
	case arrived:
		one.State, one.Said, one.Result = kept.Done, "", hash
	}
}

// ready prepares the switch of an order from what git says now. why is what speaks
// against it, empty for nothing; again says that git cannot be read.
func (a *agenda) ready(ctx context.Context, r *reader, one kept.Order) (d Draft, why string, again bool) {
	d, err := r.place.Pen.Prepare(ctx, one.Path, change.Request{To: spec.Side(one.To), Reason: one.Reason, At: one.At})
	if d.View == nil {
		return d, fmt.Sprint(err), true
	}
	tip, tipErr := r.place.Pen.Tip(ctx, one.Branch)
	if tipErr != nil {
		return d, tipErr.Error(), true
	}
	switch {
	case tip != one.Commit:
		return d, "its branch was deleted or changed in git", false
	case len(d.Now.Problems) > 0:
		return d, err.Error(), false
	case string(d.Now.Active) != one.From:
		return d, fmt.Sprintf("%s was active when it was asked for, and the document declares %s now: %.7s %q by %s", one.From,
			cmp.Or(string(d.Now.Active), "nothing"), d.View.Commit, d.View.Subject, d.View.Author), false
	case err != nil:
		return d, err.Error(), false
	case d.Proposal.Declared:
		return d, "it is declared already", false
	}
	if err := d.Proposal.Refusal(); err != nil {
		return d, err.Error(), false
	}
	return d, a.mayNot(one), false
}

// mayNot says why who asked for a switch may not switch any more, empty when they may.
// Whom no file names was vouched for when they asked, and nobody can be asked now.
func (a *agenda) mayNot(one kept.Order) string {
	users := a.options.Desk.Users
	if users == nil {
		return ""
	}
	who, ok, err := users.Find(one.Who)
	switch {
	case err != nil:
		return "it cannot be told whether " + one.Who + " may still switch: " + err.Error()
	case !ok || !who.Role.Allows(signin.Switch):
		return one.Who + ", who asked for it, may not switch any more"
	}
	return ""
}

// end keeps what became of an order, deletes its branch, and tells everybody.
func (a *agenda) end(ctx context.Context, r *reader, one kept.Order) {
	one.Ended = a.now()
	if err := r.place.Pen.Drop(ctx, one.Branch, one.Commit); err != nil {
		one.Said = cmp.Or(one.Said, "it ended") + "; its branch could not be deleted: " + err.Error()
	}
	if err := a.options.Orders.Put(one); err != nil {
		a.options.Log.Error("what became of an order is not kept", "error", err)
	}
	result := map[kept.State]string{kept.Done: audit.OK, kept.Cancelled: audit.OK, kept.Unsure: audit.Failed}[one.State]
	line := audit.Line{At: one.Ended, Who: one.Who, From: "agenda", What: fmt.Sprintf("switch to %s at %s", one.To, one.At.UTC().Format(time.RFC3339)),
		About: one.Deployment, Result: cmp.Or(result, audit.Refused), Text: string(one.State)}
	for _, more := range []string{one.Result, one.Said, one.Reason} {
		if more != "" {
			line.Text += ": " + more
		}
	}
	if err := a.options.Audit.Write(line); err != nil {
		a.options.Log.Error("the audit is incomplete", "error", err)
	}
	if one.State != kept.Done && one.State != kept.Cancelled {
		a.options.Log.Error("a switch at a time was not carried out", "about", one.Deployment, "why", one.Said)
	}
	delete(a.tried, one.Commit)
	delete(a.failed, one.Commit)
	r.hurry()
	a.hub.tell()
}
