package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/door"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/forecast"
	"mainstay/spec"
)

// The bounds of a switch from the page.
const (
	// pushBound is how long preparing and pushing may take. It goes on when the browser
	// leaves, so that what came of it is known when the form is sent again.
	pushBound = 100 * time.Second
	// shownBound is how long the page of the deployment waits to show the commit.
	shownBound = 5 * time.Second
	// longestReason is of a reason, in bytes.
	longestReason = 1000
)

// switchView is the page of a change that is asked for.
type switchView struct {
	order
	Draft Draft
	// Heading says what it is, States what the person states by it, empty for a switch.
	Heading, States string
	// Problem says why nothing was committed, in the page's words; Said in English, as
	// git or a rule says it, with what to do.
	Problem, Said, Advice string
	// Offer is the branch for review, when the other one takes no push.
	Offer string
	// Words are the objections to name, May whether the person may.
	Words []string
	May   bool
	// Open is whether the form is to be shown.
	Open bool
}

// Forecast is what the switch will do.
func (v *switchView) Forecast() *forecast.Forecast { return v.Draft.Proposal.Forecast }

// CanSwitch reports whether the page offers a switch to who asks.
func (p *page) CanSwitch() bool {
	return p.Person != nil && p.Person.Role.Allows(signin.Switch) && p.Entry != nil && p.Entry.reader.place.Pen != nil &&
		len(p.Entry.D.Problems) == 0 && p.Entry.D.Active != ""
}

// Stuck reports whether the newest word of git is not known, so that nothing can be
// committed now.
func (p *page) Stuck() bool { return p.Entry.Reading.Failed != "" }

// mayAct finds the deployment of a switch for a person who may make one; when there is
// none it has answered.
func (c *Console) mayAct(w http.ResponseWriter, r *http.Request) (*page, *entry) {
	_, p, e := c.about(w, r, "now")
	if e == nil {
		return nil, nil
	}
	p.Events = ""
	if p.Person == nil || !p.Person.Role.Allows(signin.Switch) {
		c.note(r, audit.Line{What: "switch", About: e.ID, Result: audit.Refused, Text: "the role does not allow it"})
		c.refuse(w, r, http.StatusForbidden, "role")
		return nil, nil
	}
	if e.reader.place.Pen == nil {
		c.missing(w, r)
		return nil, nil
	}
	c.options.Desk.Acted(r)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pushBound + door.AnswerBound))
	return p, e
}

// actPage shows what a change would do, and asks for what it needs.
func (c *Console) actPage(act string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, e := c.mayAct(w, r)
		if e == nil {
			return
		}
		v := &switchView{order: order{Act: act, Node: r.PathValue("node"), Side: spec.Side(r.PathValue("side")), To: spec.Side(r.URL.Query().Get("to"))}}
		if id, draft, kept := strings.Cut(c.options.Desk.Kept(r), "\n"); kept && id == e.ID {
			v.order = orderOf(formOf(draft).Get)
		}
		if v.Act == actSwitch && v.To != spec.Main && v.To != spec.Standby {
			v.To = e.D.Active.Other()
		}
		if !v.named() {
			c.missing(w, r)
			return
		}
		c.prepare(r.Context(), p, e, v, nil)
		c.showSwitch(w, p, e, v, http.StatusOK)
	}
}

// prepare fills a view with what the switch would do now.
func (c *Console) prepare(ctx context.Context, p *page, e *entry, v *switchView, force []string) {
	ctx, cancel := context.WithTimeout(ctx, pushBound)
	defer cancel()
	var err error
	v.Draft, err = e.reader.place.Pen.Prepare(ctx, e.D.Path, v.request(force))
	if err != nil {
		v.Problem, v.Said, v.Advice = p.Word("change.cannot"), err.Error(), ""
		if h := hinter(nil); errors.As(err, &h) {
			v.Advice = h.Hint()
		}
	}
}

// hinter is an error that says what to do.
type hinter interface {
	error
	Hint() string
}

// showSwitch answers with the page of a switch. The form is for the commit that was
// just read.
func (c *Console) showSwitch(w http.ResponseWriter, p *page, e *entry, v *switchView, code int) {
	p.Here = p.Base + v.address(e)
	v.Heading, v.States = v.heading(p.Language), v.states(p.Language)
	p.Title = v.Heading + " · " + e.Title
	v.May = p.Person.Role.Allows(signin.Override)
	if prop := v.Draft.Proposal; prop != nil {
		v.Words = wordsOf(prop)
		v.Open = !prop.Declared && (len(v.Words) == 0 || v.May)
		if v.Base != "" && v.Base != v.Draft.View.Commit {
			v.Problem, v.Said, v.Advice = c.overtaken(p, v.Draft), "", ""
		}
		v.Base = v.Draft.View.Commit
	}
	if v.Key == "" {
		v.Key = rand.Text()
	}
	p.Main = v
	c.render(w, code, "switch", p)
}

// wordsOf are what speaks against a proposal, by the words that override it.
func wordsOf(p *change.Proposal) []string {
	var out []string
	for _, o := range p.Forecast.Objections {
		if !slices.Contains(out, o.What) {
			out = append(out, o.What)
		}
	}
	slices.Sort(out)
	return out
}

// switchNow carries a change out, once for each form.
func (c *Console) switchNow(w http.ResponseWriter, r *http.Request) {
	p, e := c.mayAct(w, r)
	if e == nil {
		return
	}
	v := &switchView{order: orderOf(r.PostFormValue)}
	if !v.named() {
		c.missing(w, r)
		return
	}
	if problem := v.wrong(); problem != "" {
		c.prepare(r.Context(), p, e, v, nil)
		v.Problem = p.Word("problem." + problem)
		c.showSwitch(w, p, e, v, http.StatusUnprocessableEntity)
		return
	}
	if len(v.words()) > 0 && !p.Person.Role.Allows(signin.Override) {
		c.note(r, audit.Line{What: v.what(), About: e.ID, Result: audit.Refused, Text: "the role does not allow to override " + v.Force})
		c.refuse(w, r, http.StatusForbidden, "override")
		return
	}
	key := strings.Join([]string{p.Person.Name, e.ID, v.what(), fmt.Sprint(v.Review), v.Key}, "\x00")
	code := http.StatusConflict
	to := c.once.Do(key, func() (to string) {
		line := audit.Line{What: v.what(), About: e.ID, Result: audit.Refused, Text: v.Reason}
		defer func() { c.note(r, line) }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pushBound)
		defer cancel()
		to, code = (&commission{c, p, e, v, &line}).carryOut(ctx)
		return to
	})
	if to == "" {
		c.showSwitch(w, p, e, v, code)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// show lets the reader look at once, and waits a little until the pages show something
// newer than the commit that a form was made from.
func (c *Console) show(ctx context.Context, r *reader, base string) {
	ctx, cancel := context.WithTimeout(ctx, shownBound)
	defer cancel()
	woken, ok := c.hub.join()
	if !ok {
		r.hurry()
		return
	}
	defer c.hub.leave(woken)
	r.hurry()
	for {
		if v := r.current.Load().View; v != nil && v.Commit != base {
			return
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return
		}
	}
}

// Back reports whether a switch goes back to main.
func (p *page) Back() bool { return p.Entry.D.Active == spec.Standby }
