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
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plain"
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

// order is the form of a switch, as it was sent.
type order struct {
	To     spec.Side
	Base   string
	Key    string
	Reason string
	// Typed is the side's name once more, by hand; Force the objections, by hand.
	Typed, Force string
	// Review pushes a branch instead.
	Review bool
}

func orderOf(get func(string) string) order {
	reason := strings.Join(strings.Fields(plain.Line(get("reason"))), " ")
	return order{
		To: spec.Side(get("to")), Base: get("base"), Key: get("key"), Reason: reason,
		Typed: strings.TrimSpace(get("typed")), Force: get("force"), Review: get("review") != "",
	}
}

// words are the objections that the person named.
func (o order) words() []string {
	return strings.FieldsFunc(o.Force, func(r rune) bool { return r == ',' || r == ' ' })
}

// switchView is the page of a switch that is asked for.
type switchView struct {
	order
	Draft Draft
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
	p.Title, p.Events = p.Word("change.title")+" · "+e.ID, ""
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
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pushBound + answerBound))
	return p, e
}

// switchPage shows what a switch would do, and asks for what it needs.
func (c *Console) switchPage(w http.ResponseWriter, r *http.Request) {
	p, e := c.mayAct(w, r)
	if e == nil {
		return
	}
	v := &switchView{order: order{To: spec.Side(r.URL.Query().Get("to"))}}
	if draft := c.options.Desk.Kept(r); draft != "" {
		v.order = orderOf(formOf(draft).Get)
	}
	if v.To != spec.Main && v.To != spec.Standby {
		v.To = e.D.Active.Other()
	}
	c.prepare(r.Context(), p, e, v, nil)
	c.showSwitch(w, p, e, v, http.StatusOK)
}

// prepare fills a view with what the switch would do now.
func (c *Console) prepare(ctx context.Context, p *page, e *entry, v *switchView, force []string) {
	ctx, cancel := context.WithTimeout(ctx, pushBound)
	defer cancel()
	var err error
	v.Draft, err = e.reader.place.Pen.Prepare(ctx, e.D.Path, change.Request{To: v.To, Reason: v.Reason, Force: force})
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
	p.Here = p.Base + e.Link("switch")
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

// switchNow carries a switch out, once for each form.
func (c *Console) switchNow(w http.ResponseWriter, r *http.Request) {
	p, e := c.mayAct(w, r)
	if e == nil {
		return
	}
	v := &switchView{order: orderOf(r.PostFormValue)}
	if problem := v.wrong(); problem != "" {
		c.prepare(r.Context(), p, e, v, nil)
		v.Problem = p.Word("problem." + problem)
		c.showSwitch(w, p, e, v, http.StatusUnprocessableEntity)
		return
	}
	if len(v.words()) > 0 && !p.Person.Role.Allows(signin.Override) {
		c.note(r, audit.Line{What: "switch", About: e.ID, Result: audit.Refused, Text: "the role does not allow to override " + v.Force})
		c.refuse(w, r, http.StatusForbidden, "override")
		return
	}
	key := strings.Join([]string{p.Person.Name, e.ID, string(v.To), fmt.Sprint(v.Review), v.Key}, "\x00")
	code := http.StatusConflict
	to := c.once.do(key, func() (to string) {
		line := audit.Line{What: "switch to " + string(v.To), About: e.ID, Result: audit.Refused, Text: v.Reason}
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

// wrong names what a form lacks, empty when it lacks nothing.
func (o order) wrong() string {
	switch {
	case o.To != spec.Main && o.To != spec.Standby, len(o.Base) < 40, len(o.Key) < 20, len(o.Key) > 64:
		return "form"
	case o.Reason == "":
		return "no-reason"
	case len(o.Reason) > longestReason:
		return "long-reason"
	case o.Typed != string(o.To):
		return "not-typed"
	case slices.ContainsFunc(o.words(), func(word string) bool { return !slices.Contains(forecast.Words(), word) }):
		return "no-word"
	}
	return ""
}

// commission is a switch on its way: for whom, of what, and what the audit keeps of it.
type commission struct {
	*Console
	page  *page
	entry *entry
	view  *switchView
	line  *audit.Line
}

// carryOut commits and pushes. It returns where to go, or fills the view with why
// nothing was committed, with the code to answer.
func (o *commission) carryOut(ctx context.Context) (to string, code int) {
	p, v, line := o.page, o.view, o.line
	o.prepare(ctx, p, o.entry, v, v.words())
	d := v.Draft
	switch {
	case d.View != nil && d.View.Commit != v.Base:
		line.Text = "the form was made from an older commit"
		return "", http.StatusConflict
	case d.Proposal == nil:
		line.Text = v.Said
		return "", http.StatusUnprocessableEntity
	case d.Proposal.Declared:
		line.Text = "it is declared already"
		return "", http.StatusConflict
	}
	var refused *change.Refused
	if errors.As(d.Proposal.Refusal(), &refused) {
		v.Problem, v.Said, line.Text = p.Word("change.refused"), refused.Reason, refused.Reason
		return "", http.StatusConflict
	}
	return o.push(ctx)
}

// overtaken says who was first, and what is declared now.
func (c *Console) overtaken(p *page, d Draft) string {
	return p.Say("change.overtaken", "Who", p.Author(d.View.Author), "Commit", p.Short(d.View.Commit), "Subject", d.View.Subject,
		"Side", p.Word("side."+string(d.Now.Active)))
}

// push commits what was prepared, and says what came of it.
func (o *commission) push(ctx context.Context) (to string, code int) {
	p, e, v, line := o.page, o.entry, o.view, o.line
	pen, prop, branch := e.reader.place.Pen, v.Draft.Proposal, v.Draft.View.Branch
	offer := fmt.Sprintf("%s-to-%s", prop.Now.Name, v.To)
	if v.Review {
		branch = offer
	}
	by := Author{p.Person.Shown(), p.Person.Email}
	hash, err := pen.Push(ctx, prop, by, branch)
	var said *gitcmd.Error
	switch {
	case err == nil:
		line.Result, line.Text = audit.OK, done(hash, branch, prop, v.Reason)
		if v.Review {
			return o.base + e.Link("review"), 0
		}
		o.show(ctx, e.reader, v.Base)
		return o.base + e.Link(), 0
	case errors.Is(err, change.ErrMoved):
		line.Text = "somebody else pushed meanwhile"
		o.moved(ctx, offer)
		return "", http.StatusConflict
	case errors.As(err, &said):
		if text, refused := said.Refused(); refused {
			line.Text = "the server takes no push to " + branch + ": " + text
			v.Problem, v.Said = p.Say("change.rule", "Branch", branch), text
			if !v.Review {
				v.Offer = offer
			}
			return "", http.StatusConflict
		}
	}
	return o.unsure(ctx, hash, err)
}

// done is what the audit keeps of a commit.
func done(hash, branch string, p *change.Proposal, reason string) string {
	text := fmt.Sprintf("%s on %s: %s", hash, branch, reason)
	for _, o := range p.Forced {
		text += fmt.Sprintf("; overridden: %s %s: %s", o.What, o.Node, o.Why)
	}
	return text
}

// moved tells of a push that came too late.
func (o *commission) moved(ctx context.Context, offer string) {
	if o.view.Review {
		o.view.Problem, o.view.Said = o.page.Say("change.branch-taken", "Branch", offer), ""
		return
	}
	o.prepare(ctx, o.page, o.entry, o.view, nil)
}

// unsure looks whether a push that ended with an error came through: its answer may
// have been lost on the way. What cannot be read again is said to be not known.
func (o *commission) unsure(ctx context.Context, hash string, err error) (to string, code int) {
	p, e, v, line := o.page, o.entry, o.view, o.line
	v.Problem, v.Said, v.Advice = p.Word("change.failed"), err.Error(), ""
	line.Result, line.Text = audit.Failed, err.Error()
	if errors.Is(err, change.ErrNotCommitted) || v.Review {
		return "", http.StatusBadGateway
	}
	again, readErr := e.reader.place.Pen.Prepare(ctx, e.D.Path, change.Request{To: v.To, Reason: v.Reason})
	switch {
	case again.View != nil && again.View.Commit == hash:
		line.Result, line.Text = audit.OK, done(hash, again.View.Branch, v.Draft.Proposal, v.Reason)
		o.show(ctx, e.reader, v.Base)
		return o.base + e.Link(), 0
	case again.View == nil:
		v.Problem = p.Word("change.unknown")
		line.Text = fmt.Sprintf("it is not known whether %s was pushed: %v; %v", hash, err, readErr)
	}
	return "", http.StatusBadGateway
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
