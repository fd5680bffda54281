// Package agenda carries out the switches that people asked for at a time. It goes by
// the orders that a page wrote for a person who may switch, never by a branch alone:
// whoever can push to the repository can push a branch, with any author and any trailer,
// also one that was cancelled.
//
// It must not know how anything is shown.
package agenda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/signin"
	"mainstay/spec"
)

// The bounds of a switch at a time.
const (
	// lateBy is how long after its time a switch is still carried out: later, who asked
	// for it does not expect it any more.
	lateBy = 10 * time.Minute
	// every is how often the agenda is looked at, tryEvery how often a switch is tried
	// again whose repository cannot be read.
	every    = time.Second
	tryEvery = 15 * time.Second
	// pushBound is how long one try may take, inHand how long after its time an order may
	// still be in somebody's hand: the last try, a look at what came of it, and its end.
	pushBound = 100 * time.Second
	inHand    = lateBy + 3*pushBound
	// complainEvery is how often the log has the same complaint.
	complainEvery = time.Minute
	// settled is how long after an order its branch is listed by every look at git.
	settled = 5 * time.Minute
	// mostTries is how often a switch begins again because somebody pushed meanwhile.
	mostTries = 3
)

// Page is what the agenda needs of the page.
type Page interface {
	// Pen is what commits to a repository, nil where this page cannot.
	Pen(repository string) console.Pen
	// Listed is the commit of a branch as git was read last, and when that was; known is
	// false when git cannot be read.
	Listed(repository, branch string) (commit string, read time.Time, known bool)
	// Changed looks at a repository at once, and tells every browser.
	Changed(repository string)
}

// Orders are the records of what people asked for, as package kept keeps them.
type Orders interface {
	// All reads every order that can be read, the one that comes first first.
	All() ([]kept.Order, error)
	// Of reads the order of a commit.
	Of(commit string) (kept.Order, error)
	// Put keeps an order as it is now.
	Put(one kept.Order) error
	// Take takes an order in hand: of any number of pages exactly one is told true.
	Take(commit string) (bool, error)
	// Taken reports whether a page has taken an order in hand.
	Taken(commit string) bool
	// Clear removes orders that ended long ago.
	Clear(all []kept.Order, now time.Time) error
}

// Options say what to carry out, and for whom.
type Options struct {
	Page   Page
	Orders Orders
	// Users says who may still switch; nil where a provider or a proxy says so, whom
	// nobody can ask while the person is away.
	Users *signin.Users
	Audit *audit.Log
	Log   *slog.Logger
	// Now is the clock, nil for the machine's own.
	Now func() time.Time
}

// Agenda carries switches out at their time.
type Agenda struct {
	Options
	mu sync.Mutex
	// tries are the orders whose time has come, by their commit.
	tries map[string]try
	// told is what became of each order as browsers were told last: another page that
	// keeps its orders in the same folder may have dealt with it.
	told map[string]kept.State
	// wrong is when each thing that goes wrong with the records was told last.
	wrong map[string]time.Time
	// busy are the repositories whose orders are dealt with now.
	busy    map[string]bool
	running sync.WaitGroup
	// owed are orders that ended, and whose end could not be kept yet, since at.
	owed map[string]owed
}

// owed is an order as it is to be kept, and when that was tried last.
type owed struct {
	order kept.Order
	at    time.Time
}

// try is when an order was tried last, and why that came to nothing.
type try struct {
	at  time.Time
	why string
}

// New opens an agenda.
func New(o Options) *Agenda {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Agenda{Options: o, tries: map[string]try{}, wrong: map[string]time.Time{}, busy: map[string]bool{}, owed: map[string]owed{}}
}

// Run looks at the agenda until ctx ends.
func (a *Agenda) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer a.running.Wait()
	for {
		a.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look begins to deal with every order. A repository that hangs holds no other one up:
// nobody waits for it, and it is passed over until it answers or its bound is over.
func (a *Agenda) look(ctx context.Context) {
	all, err := a.Orders.All()
	if err != nil {
		a.complain("an order cannot be read, and is not carried out", err)
	}
	a.tell(all)
	byRepository := map[string][]kept.Order{}
	for _, one := range all {
		byRepository[one.Repository] = append(byRepository[one.Repository], one)
	}
	for repository, orders := range byRepository {
		pen := a.Page.Pen(repository)
		if pen == nil {
			a.sayUnlisted(orders)
			continue
		}
		if a.enter(repository) {
			a.running.Go(func() {
				defer a.leave(repository)
				a.dealAll(ctx, pen, orders)
			})
		}
	}
	if err := a.Orders.Clear(all, a.Now()); err != nil {
		a.complain("an order that ended is kept", err)
	}
}

// sayUnlisted tells of switches that wait for a repository which this page does not show:
// nobody carries them out here.
func (a *Agenda) sayUnlisted(orders []kept.Order) {
	for _, one := range orders {
		if one.State == kept.Waits {
			a.complain("a switch at a time waits for a repository that this page does not list, and is not carried out here",
				fmt.Errorf("%s of %s to %s at %s, asked for by %s", one.Deployment, one.Repository, one.To, one.At.UTC().Format(time.RFC3339), one.Who))
		}
	}
}

// enter begins with the orders of a repository, unless they are dealt with already.
func (a *Agenda) enter(repository string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy[repository] {
		return false
	}
	a.busy[repository] = true
	return true
}

func (a *Agenda) leave(repository string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.busy, repository)
}

// dealAll deals with the orders of a repository one after the other, each as it is by
// then: another page may have ended it while the one before it hung.
func (a *Agenda) dealAll(ctx context.Context, pen console.Pen, orders []kept.Order) {
	for _, one := range orders {
		if ctx.Err() != nil {
			return
		}
		if now, err := a.Orders.Of(one.Commit); err == nil && !a.owes(now) {
			a.deal(ctx, pen, now)
		}
	}
}

// tell tells browsers of orders that are in another state than before.
func (a *Agenda) tell(all []kept.Order) {
	now := map[string]kept.State{}
	for _, one := range all {
		now[one.Commit] = one.State
		if a.told != nil && a.told[one.Commit] != one.State {
			a.Page.Changed(one.Repository)
		}
	}
	a.told = now
}

// deal does what an order needs now.
func (a *Agenda) deal(ctx context.Context, pen console.Pen, one kept.Order) {
	now := a.Now()
	switch {
	case one.State == kept.Begun && now.Sub(one.At) > inHand:
		// Whoever had it in hand has ended, in the middle of it or right after.
		one.State, one.Said = kept.Unsure, "the page ended while it carried this out: look at the history"
		a.end(ctx, pen, one)
	case one.State != kept.Waits:
	case a.Orders.Taken(one.Commit):
		if now.Sub(one.At) > inHand {
			one.State, one.Said = kept.Unsure, "a page took this in hand and ended before it said what came of it: look at the history"
			a.end(ctx, pen, one)
		}
	case now.Sub(one.At) > lateBy:
		why := cmp.Or(a.last(one).why, "this page did not run then")
		a.finish(ctx, pen, one, kept.Missed, fmt.Sprintf("it could not be carried out within %s of its time: %s", lateBy, why))
	case a.takenBack(one):
		a.finish(ctx, pen, one, kept.Cancelled, "its branch was deleted or changed in git")
	case !now.Before(one.At) && now.Sub(a.last(one).at) >= tryEvery:
		a.keep(one, try{now, ""})
		a.carryOut(ctx, pen, one)
	}
}

// last is how an order was tried last.
func (a *Agenda) last(one kept.Order) try {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tries[one.Commit]
}

func (a *Agenda) keep(one kept.Order, t try) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tries[one.Commit] = t
}

// takenBack reports whether the branch of an order is known to be gone or changed.
func (a *Agenda) takenBack(one kept.Order) bool {
	commit, read, known := a.Page.Listed(one.Repository, one.Branch)
	return known && read.After(one.Made.Add(settled)) && commit != one.Commit
}

// finish ends an order that nobody has in hand.
func (a *Agenda) finish(ctx context.Context, pen console.Pen, one kept.Order, state kept.State, said string) {
	if !a.take(one) {
		return
	}
	one.State, one.Said = state, said
	a.end(ctx, pen, one)
}

// take takes an order in hand; of several pages one does.
func (a *Agenda) take(one kept.Order) bool {
	ok, err := a.Orders.Take(one.Commit)
	if err != nil {
		a.complain("an order cannot be taken in hand, and is not carried out", err)
	}
	return ok
}

// carryOut prepares a switch anew, and commits it when nothing speaks against it.
func (a *Agenda) carryOut(whole context.Context, pen console.Pen, one kept.Order) {
	ctx, cancel := context.WithTimeout(whole, pushBound)
	defer cancel()
	d, why, again := a.ready(ctx, pen, one)
	if again {
		a.keep(one, try{a.last(one).at, why})
		a.Log.Warn("a switch at a time waits: git cannot be read", "about", one.Deployment, "error", why)
		return
	}
	if why != "" {
		a.finish(whole, pen, one, kept.Refused, why)
		return
	}
	if !a.take(one) {
		return // another page has it
	}
	one.State = kept.Begun
	if err := a.Orders.Put(one); err != nil {
		one.State, one.Said = kept.Refused, err.Error()
		a.end(whole, pen, one)
		return
	}
	for range mostTries {
		hash, err := pen.Push(ctx, d.Proposal, console.Author{Name: one.Name, Email: one.Email}, d.View.Branch)
		if !errors.Is(err, change.ErrMoved) {
			a.end(whole, pen, judged(whole, pen, one, pushed{hash, d.View.Branch, err}))
			return
		}
		if d, why, _ = a.ready(ctx, pen, one); why != "" {
			break
		}
	}
	one.State, one.Said = kept.Refused, cmp.Or(why, "others pushed to the branch again and again")
	a.end(whole, pen, one)
}

// ready prepares the switch of an order from what git says now. why is what speaks
// against it, empty for nothing; again says that git cannot be read.
func (a *Agenda) ready(ctx context.Context, pen console.Pen, one kept.Order) (d console.Draft, why string, again bool) {
	d, err := pen.Prepare(ctx, one.Path, change.Request{To: spec.Side(one.To), Reason: one.Reason, At: one.At})
	if d.View == nil {
		return d, fmt.Sprint(err), true
	}
	tip, tipErr := pen.Tip(ctx, one.Branch)
	if tipErr != nil {
		return d, tipErr.Error(), true
	}
	switch {
	case d.View.Branch != one.Base:
		return d, fmt.Sprintf("it was asked for on the branch %s, and this page shows %s now", one.Base, d.View.Branch), false
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
func (a *Agenda) mayNot(one kept.Order) string {
	users := a.Users
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
func (a *Agenda) end(ctx context.Context, pen console.Pen, one kept.Order) {
	ctx, cancel := context.WithTimeout(ctx, pushBound)
	defer cancel()
	one.Ended = a.Now()
	if err := pen.Drop(ctx, one.Branch, one.Commit); err != nil {
		one.Said = cmp.Or(one.Said, "it ended") + "; its branch could not be deleted: " + err.Error()
	}
	a.record(one)
	result := map[kept.State]string{kept.Done: audit.OK, kept.Cancelled: audit.OK, kept.Unsure: audit.Failed}[one.State]
	line := audit.Line{At: one.Ended, Who: one.Who, From: "agenda", What: fmt.Sprintf("switch to %s at %s", one.To, one.At.UTC().Format(time.RFC3339)),
		About: one.Deployment, Result: cmp.Or(result, audit.Refused), Text: string(one.State)}
	for _, more := range []string{one.Result, one.Said, one.Reason} {
		if more != "" {
			line.Text += ": " + more
		}
	}
	if err := a.Audit.Write(line); err != nil {
		a.Log.Error("the audit is incomplete", "error", err)
	}
	if one.State != kept.Done && one.State != kept.Cancelled {
		a.Log.Error("a switch at a time was not carried out", "about", one.Deployment, "why", one.Said)
	}
	a.mu.Lock()
	delete(a.tries, one.Commit)
	a.mu.Unlock()
	a.Page.Changed(one.Repository)
}
