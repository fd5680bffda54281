package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/fleet"
)

// The bounds of the time of a switch: how far ahead it lies.
const (
	soonest = time.Minute
	latest  = 7 * 24 * time.Hour
)

// timedBranch is where a switch of a deployment waits for its time: one for each.
func timedBranch(deployment string) string { return fleet.Timed + deployment }

// timeLayout is how a browser sends a moment; the form says that it is UTC.
const timeLayout = "2006-01-02T15:04"

// when is the time of an order, zero for now. A text that is none is the zero time, and
// wrong says so.
func (o order) when() time.Time {
	at, err := time.ParseInLocation(timeLayout, o.At, time.UTC)
	if err != nil {
		return time.Time{}
	}
	return at
}

// wrongTime names what is wrong with the time of an order, empty for nothing.
func (c *Console) wrongTime(e *entry, o order) string {
	if o.At == "" {
		return ""
	}
	at, now := o.when(), c.now()
	switch {
	case o.Act != actSwitch || c.options.Orders == nil || o.Review:
		return "form"
	case at.IsZero() || at.Before(now.Add(soonest)) || at.After(now.Add(latest)):
		return "time"
	case len(o.words()) > 0:
		return "time-force"
	}
	all, err := c.options.Orders.All()
	waits := func(one kept.Order) bool { return one.State == kept.Waits && isAbout(one, e) }
	switch {
	case err != nil && len(all) == 0, len(all) >= kept.MostOrders:
		return "time-many"
	case slices.ContainsFunc(all, waits):
		return "time-taken"
	}
	return ""
}

func isAbout(one kept.Order, e *entry) bool {
	return one.Repository == e.Reading.Repository && one.Base == e.Reading.View.Branch && one.Path == e.D.Path
}

// keep writes the order of a branch that was pushed. Without it the branch orders
// nothing, so it is taken away again.
func (o *commission) keep(ctx context.Context, hash, branch string) (to string, code int) {
	p, e, v, line := o.page, o.entry, o.view, o.line
	one := kept.Order{
		Commit: hash, Branch: branch, Repository: e.Reading.Repository, Base: v.Draft.View.Branch, Path: e.D.Path, Deployment: v.Draft.Now.Name,
		From: string(v.Draft.Now.Active), To: string(v.To), At: v.when(), Made: o.now(),
		Who: p.Person.Name, Name: p.Person.Shown(), Email: p.Person.Email, Reason: v.Reason, State: kept.Waits,
	}
	if err := o.options.Orders.Put(one); err != nil {
		line.Result, line.Text = audit.Failed, err.Error()
		v.Problem, v.Said = p.Word("problem.time-kept"), err.Error()
		if err := e.reader.place.Pen.Drop(ctx, branch, hash); err != nil {
			v.Said += "; " + err.Error()
		}
		return "", http.StatusInternalServerError
	}
	line.Result, line.Text = audit.OK, done(hash, branch, v.Draft.Proposal, v.Reason)
	o.Changed(one.Repository)
	return o.base + e.Link(), 0
}

// timedView is a switch at a time as pages show it.
type timedView struct {
	kept.Order
	// May says that who asks may cancel it.
	May bool
}

// Failed reports whether it ended, and not as it should.
func (t timedView) Failed() bool {
	return t.State == kept.Refused || t.State == kept.Missed || t.State == kept.Unsure
}

// shownFor is how long what became of a switch at a time is shown.
const shownFor = 24 * time.Hour

// ordersOf lists the switches at a time of a deployment, and those that ended of late.
// known are the commits of all orders there are.
func (c *Console) ordersOf(e *entry) (out []kept.Order, known map[string]bool) {
	known = map[string]bool{}
	if c.options.Orders == nil {
		return nil, known
	}
	all, _ := c.options.Orders.All() // what cannot be read is in the log
	for _, one := range all {
		known[one.Commit] = true
		if isAbout(one, e) && (one.Ended.IsZero() || c.now().Sub(one.Ended) < shownFor) {
			out = append(out, one)
		}
	}
	return out, known
}

// timedOf lists the switches at a time of a deployment, and the branches of that kind
// that no order of this page stands behind.
func (c *Console) timedOf(p *page, e *entry) (out []timedView, strangers []string) {
	orders, known := c.ordersOf(e)
	for _, one := range orders {
		out = append(out, timedView{one, one.State == kept.Waits && p.CanSwitch()})
	}
	branch := timedBranch(e.D.Name)
	if commit := e.Reading.View.Timed[branch]; commit != "" && !known[commit] {
		strangers = append(strangers, branch)
	}
	return out, strangers
}

// cancel takes a switch at a time back.
func (c *Console) cancel(w http.ResponseWriter, r *http.Request) {
	_, e := c.mayAct(w, r)
	if e == nil {
		return
	}
	commit := r.PostFormValue("commit")
	line := audit.Line{What: "cancel a switch at a time", About: e.ID, Result: audit.Refused}
	defer func() { c.note(r, line) }()
	one, ok := c.orderOf(e, commit)
	if !ok {
		line.Text = "there is no such order that waits"
		c.refuse(w, r, http.StatusConflict, "time-gone")
		return
	}
	took, err := c.options.Orders.Take(one.Commit)
	if err != nil || !took {
		line.Text = fmt.Sprintf("it is in hand already: %v", err)
		c.refuse(w, r, http.StatusConflict, "time-gone")
		return
	}
	who, _ := personOf(r)
	one.State, one.Said, one.Ended = kept.Cancelled, "by "+who.Shown(), c.now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pushBound)
	defer cancel()
	if err := e.reader.place.Pen.Drop(ctx, one.Branch, one.Commit); err != nil {
		one.Said += "; its branch could not be deleted: " + err.Error()
	}
	line.Result, line.Text = audit.OK, fmt.Sprintf("switch to %s at %s, asked for by %s: %s", one.To, one.At.UTC().Format(time.RFC3339), one.Who, one.Said)
	if err := c.options.Orders.Put(one); err != nil {
		// It is taken in hand, so nobody carries it out.
		line.Result, line.Text = audit.Failed, line.Text+": "+err.Error()
	}
	c.Changed(one.Repository)
	http.Redirect(w, r, c.base+e.Link(), http.StatusSeeOther)
}

// orderOf finds the order of a commit that waits for a deployment.
func (c *Console) orderOf(e *entry, commit string) (kept.Order, bool) {
	if c.options.Orders == nil {
		return kept.Order{}, false
	}
	all, _ := c.options.Orders.All() // what cannot be read is no order
	i := slices.IndexFunc(all, func(one kept.Order) bool {
		return one.Commit == commit && one.State == kept.Waits && isAbout(one, e)
	})
	if i < 0 {
		return kept.Order{}, false
	}
	return all[i], true
}

// CanTime reports whether the page keeps switches for a time.
func (p *page) CanTime() bool { return p.CanSwitch() && p.Times }

// placed is the reader of a repository, nil for one that is not shown.
func (c *Console) placed(repository string) *reader {
	i := slices.IndexFunc(c.readers, func(r *reader) bool { return r.place.Name == repository })
	if i < 0 {
		return nil
	}
	return c.readers[i]
}

// unlisted are the switches that wait for a repository which is not shown any more.
func (c *Console) unlisted() []kept.Order {
	if c.options.Orders == nil {
		return nil
	}
	all, _ := c.options.Orders.All() // what cannot be read is in the log
	return slices.DeleteFunc(all, func(one kept.Order) bool { return one.State != kept.Waits || c.placed(one.Repository) != nil })
}

// Pen is what commits to a repository, nil where this page cannot.
func (c *Console) Pen(repository string) Pen {
	if r := c.placed(repository); r != nil {
		return r.place.Pen
	}
	return nil
}

// Listed is the commit of a branch that asks for a switch at a time, as git was read
// last, and when that was; known is false when git cannot be read.
func (c *Console) Listed(repository, branch string) (commit string, read time.Time, known bool) {
	r := c.placed(repository)
	if r == nil {
		return "", time.Time{}, false
	}
	reading := r.current.Load()
	if reading.View == nil || reading.Failed != "" || reading.View.Timed == nil {
		return "", time.Time{}, false
	}
	return reading.View.Timed[branch], reading.View.Read, true
}

// Changed looks at a repository at once, and tells every browser.
func (c *Console) Changed(repository string) {
	if r := c.placed(repository); r != nil {
		r.hurry()
	}
	c.hub.tell()
}
