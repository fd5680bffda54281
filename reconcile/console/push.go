package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console/audit"
)

// commission is a change on its way: for whom, of what, and what the audit keeps of it.
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
	if problem := o.wrongTime(o.entry, v.order); problem != "" {
		v.Problem, v.Said, line.Text = p.Word("problem."+problem), "", "the time: "+problem
		return "", http.StatusUnprocessableEntity
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
	offer := v.branch(prop.Now.Name)
	if v.Review {
		branch = offer
	}
	if v.At != "" {
		branch = timedBranch(prop.Now.Name)
	}
	by := Author{p.Person.Shown(), p.Person.Email}
	hash, err := pen.Push(ctx, prop, by, branch)
	text, refused := change.NotTaken(err)
	switch {
	case err == nil:
		return o.pushed(ctx, hash, branch)
	case errors.Is(err, change.ErrMoved):
		line.Text = "somebody else pushed meanwhile"
		o.moved(ctx, offer)
		return "", http.StatusConflict
	case refused:
		line.Text = "the server takes no push to " + branch + ": " + text
		v.Problem, v.Said = p.Say("change.rule", "Branch", branch), text
		if !v.Review && v.At == "" {
			v.Offer = offer
		}
		return "", http.StatusConflict
	}
	return o.unsure(ctx, hash, branch, err)
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
	if o.view.At != "" {
		offer = timedBranch(o.view.Draft.Proposal.Now.Name)
	}
	if o.view.Review || o.view.At != "" {
		o.view.Problem, o.view.Said = o.page.Say("change.branch-taken", "Branch", offer), ""
		return
	}
	o.prepare(ctx, o.page, o.entry, o.view, nil)
}

// unsure looks whether a push that ended with an error came through: its answer may
// have been lost on the way. What cannot be read again is said to be not known.
func (o *commission) unsure(ctx context.Context, hash, branch string, err error) (to string, code int) {
	p, e, v, line := o.page, o.entry, o.view, o.line
	v.Problem, v.Said, v.Advice = p.Word("change.failed"), err.Error(), ""
	line.Result, line.Text = audit.Failed, err.Error()
	if errors.Is(err, change.ErrNotCommitted) {
		return "", http.StatusBadGateway
	}
	arrived, lookErr := e.reader.place.Pen.Has(ctx, branch, hash)
	switch {
	case lookErr != nil:
		v.Problem = p.Word("change.unknown")
		line.Text = fmt.Sprintf("it is not known whether %s was pushed: %v; %v", hash, err, lookErr)
	case !arrived && errors.Is(err, context.DeadlineExceeded):
		v.Problem, line.Text = p.Word("change.late"), "it is not known whether a slow server still takes "+hash+": "+line.Text
	case arrived:
		return o.pushed(ctx, hash, branch)
	}
	return "", http.StatusBadGateway
}

// pushed keeps in the audit that the branch has the commit, and says where to go.
func (o *commission) pushed(ctx context.Context, hash, branch string) (to string, code int) {
	if o.view.At != "" {
		return o.keep(ctx, hash, branch)
	}
	o.line.Result, o.line.Text = audit.OK, done(hash, branch, o.view.Draft.Proposal, o.view.Reason)
	if o.view.Review {
		return o.base + o.entry.Link("review"), 0
	}
	o.show(ctx, o.entry.reader, o.view.Base)
	return o.base + o.entry.Link(), 0
}
