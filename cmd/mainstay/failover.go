package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/draw"
	"mainstay/cmd/mainstay/later"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/change"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/gitcmd"
	"mainstay/spec"
)

// failoverOptions are the flags of failover.
type failoverOptions struct {
	locator
	to, fenced, reason, review string
	at                         string
	when                       time.Time // what at says
	force                      []string
	unfence, yes, dryRun       bool
	wait                       time.Duration
	// asked is what another command than failover asks for.
	asked *change.Request
}

func (a *app) failoverCommand() *cobra.Command {
	o := &failoverOptions{}
	c := &cobra.Command{
		Use:   "failover",
		Short: "Change the active side, and follow until every node has",
		Long: "failover shows what will happen, by which guarantee, and what speaks against it. Then it changes\n" +
			"the one word of the document, commits, pushes without force, and follows until every node is as\n" +
			"the commit says. Failing back is the same: failover --to main. It works in a copy, so this\n" +
			"checkout stays as it is.\n\n" +
			"It refuses when a check fails or a rule of safety speaks against it. Each refusal names the word to\n" +
			"give to --force: " + strings.Join(forecast.Words(), ", ") + ".\n" +
			"What was forced is recorded in the commit.\n" + endsWith(exitProblems, exitNotConverged, exitRefused),
		Example: "  mainstay failover\n  mainstay failover --to main --reason 'main is repaired'\n" +
			"  mainstay failover --fenced main --reason 'main burned down' --yes\n" +
			"  mainstay failover --at 02:30 --yes\n" +
			"  mainstay failover --push-to drill   # for review, nothing happens yet",
		RunE: func(c *cobra.Command, _ []string) error { return a.failover(c.Context(), o) },
	}
	o.flags(c, "")
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "main or standby (default: the side that is not active)")
	f.StringVar(&o.fenced, "fenced", "", "state that this side is off: nobody waits for it, and it stays down")
	f.StringVar(&o.at, "at", "", "wait here until this time, such as 02:30, then look anew and switch")
	f.BoolVar(&o.unfence, "unfence", false, "take the statement of --fenced out again")
	o.committing(c)
	a.complete(c, &o.locator, map[string]choices{"to": sides, "fenced": sides, "force": forecast.Words, "deployment": nil})
	return c
}

// committing adds the flags of every command that commits a change and follows it.
func (o *failoverOptions) committing(c *cobra.Command) {
	f := c.Flags()
	if f.Lookup("reason") == nil {
		f.StringVar(&o.reason, "reason", "", "why, for the people who read the history")
	}
	f.StringVar(&o.review, "push-to", "", "push this new branch for review instead")
	f.StringVar(&o.review, "branch", "", "the same as --push-to")
	_ = f.MarkHidden("branch")
	f.DurationVar(&o.wait, "wait", 5*time.Minute, "how long to follow; 0 does not")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would happen and what speaks against it, and change nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.StringSliceVar(&o.force, "force", nil, "what to override, by the words that a refusal names")
}

// switchover is one failover on its way.
type switchover struct {
	*app
	*failoverOptions
	*change.Proposal
	source *fleet.Source
	view   *fleet.View
}

func (a *app) failover(ctx context.Context, o *failoverOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	s, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	v, d, err := o.one(ctx, s)
	if err != nil {
		return withoutGit(err, "if git is gone, `mainstay takeover` on a node works without it (examples/RUNBOOK.md, \"Git is gone\")")
	}
	if len(d.Problems) > 0 {
		return a.problems(d.Path, d.Problems)
	}
	if v, d, err = a.listen(ctx, o, s, v, d); err != nil {
		return err
	}
	repo, done, err := o.workplace(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := o.location.FetchCommit(ctx, repo, v.Commit); err != nil {
		return err
	}
	p, err := change.Prepare(ctx, repo, v, d, o.request())
	if err != nil {
		return a.proposed(err)
	}
	t := &switchover{app: a, failoverOptions: o, Proposal: p, source: s, view: v}
	return t.carryOut(ctx, repo)
}

// listen waits for a sign of life of a side that the person states to be off, when
// only its own clock says that it was not heard for long (R4, fenced).
func (a *app) listen(ctx context.Context, o *failoverOptions, s *fleet.Source, v *fleet.View, d *fleet.Deployment) (*fleet.View, *fleet.Deployment, error) {
	bound := change.Listens(d, spec.Side(o.fenced))
	if bound == 0 || slices.Contains(o.force, forecast.ObjectFenced) {
		return v, d, nil
	}
	a.say("listening for %s whether %s still reports", bound, o.fenced)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	look := func(ctx context.Context) (*fleet.View, *fleet.Deployment, error) { return o.one(ctx, s) }
	return change.Listen(ctx, look, spec.Side(o.fenced), bound, tick.C)
}

func (o *failoverOptions) request() change.Request {
	if o.asked != nil {
		r := *o.asked
		r.Reason, r.Force = o.reason, o.force
		return r
	}
	return change.Request{To: spec.Side(o.to), Fenced: spec.Side(o.fenced), Unfence: o.unfence, Reason: o.reason, Force: o.force}
}

// proposed gives an error of package change its exit code.
func (a *app) proposed(err error) error {
	var broken *change.Broken
	var misuse *change.Misuse
	var refused *change.Refused
	var overtaken *change.Overtaken
	var late *change.Late
	switch {
	case errors.As(err, &late):
		return &fault{code: exitNotConverged, err: err, hint: late.Hint()}
	case errors.As(err, &broken):
		return a.problems(broken.Path, broken.Problems)
	case errors.As(err, &misuse):
		return &fault{code: exitUsage, err: err, hint: misuse.Advice}
	case errors.As(err, &refused):
		return &fault{code: exitRefused, err: err, hint: refused.Advice}
	case errors.As(err, &overtaken):
		return &fault{code: exitNotConverged, err: err, hint: overtaken.Hint()}
	}
	return err
}

// withoutGit adds the way out to an error of reading: a person on the node needs no
// git (R9).
func withoutGit(err error, way string) error {
	var f *fault
	if !errors.As(err, &f) || f.code != exitFailed || errors.Is(err, failure.ErrNotFound) || errors.Is(err, fleet.ErrNoBranch) {
		return err
	}
	f.hint = strings.TrimPrefix(f.hint+"; "+way, "; ")
	return f
}

func (o *failoverOptions) check() error {
	for flag, side := range map[string]string{"--to": o.to, "--fenced": o.fenced} {
		if side != "" && side != string(spec.Main) && side != string(spec.Standby) {
			return failf(exitUsage, "%s is %q", flag, side).hintf("use main or standby")
		}
	}
	if o.wait < 0 {
		return failf(exitUsage, "--wait is %s", o.wait).hintf("use a time such as 5m, or 0 to follow nothing")
	}
	for _, w := range o.force {
		if !slices.Contains(forecast.Words(), w) {
			return failf(exitUsage, "--force is %q", w).hintf("use %s", strings.Join(forecast.Words(), ", "))
		}
	}
	if o.at != "" {
		var err error
		if o.when, err = later.Parse(o.at, time.Now()); err != nil {
			return failf(exitUsage, "--at: %w", err).hintf("use a time of day such as 02:30, or 2030-01-31T02:30:00Z")
		}
		if o.review != "" || o.fenced != "" || len(o.force) > 0 {
			return failf(exitUsage, "--at goes with none of --push-to, --fenced and --force").hintf("what is stated or overridden now may be wrong by then; the page has switches at a time too, see mainstay console")
		}
	}
	if o.fenced != "" && o.unfence {
		return failf(exitUsage, "--fenced and --unfence contradict each other").hintf("use one of them")
	}
	return nil
}

func (t *switchover) carryOut(ctx context.Context, repo gitcmd.Repo) error {
	if t.format == "text" {
		draw.Forecast(ui.ScreenOf(t.out), t.Forecast, false)
	}
	if t.dryRun {
		if t.format == "json" {
			_ = t.printJSON(pushedForReview{t.Now.Name, t.Now.Active, t.Next.Active, "", "", t.Forecast})
		}
		return t.proposed(t.Refusal())
	}
	if t.Declared {
		what := "declares " + string(t.Next.Active)
		if t.node() != "" {
			what = "says so of " + t.node()
		}
		t.say("%s %s already: there is nothing to commit", t.Now.Path, what)
		return t.follow(ctx, t.view.Commit, time.Now())
	}
	if err := t.Refusal(); err != nil {
		return t.proposed(err)
	}
	if err := t.confirm(ctx); err != nil {
		return err
	}
	if t.at != "" {
		return t.later(ctx)
	}
	branch := cmp.Or(t.review, t.location.Branch)
	pushed := time.Now()
	hash, err := t.Push(ctx, repo, t.remote(ctx, repo), branch)
	switch {
	case errors.Is(err, change.ErrNotCommitted):
		return t.commitFault(err)
	case err != nil:
		return t.pushFault(ctx, err)
	case t.review != "":
		return t.reviewed(hash)
	}
	t.say("pushed %.7s to %s%s", hash, branch, t.behind(ctx, repo))
	return t.follow(ctx, hash, pushed)
}

// later carries the same out when its time has come, with everything looked at anew.
func (t *switchover) later(ctx context.Context) error {
	tick, stop := later.Tick()
	defer stop()
	if err := later.Wait(ctx, t.when, time.Now, tick, t.err); err != nil {
		return failf(exitFailed, "%w", err)
	}
	o := *t.failoverOptions
	o.at, o.yes = "", true
	if o.to == "" && !o.unfence {
		o.to = string(t.Next.Active) // what was shown, whoever switched meanwhile
	}
	return t.failover(ctx, &o)
}

// behind says that a checkout, in which nothing was changed, does not have the
// commit yet.
func (t *switchover) behind(ctx context.Context, repo gitcmd.Repo) string {
	if top, err := gitcmd.Top(ctx, "."); err != nil || top.Dir != repo.Dir {
		return ""
	}
	return "; git pull brings it here"
}

// remote is what to push to: origin by its name, so that the checkout learns of
// the push, or the address.
func (t *switchover) remote(ctx context.Context, repo gitcmd.Repo) string {
	if url, err := repo.Text(ctx, gitcmd.Git("remote", "get-url", "origin")); err == nil && fleet.SameRepository(url, t.location.URL) {
		return "origin"
	}
	return t.location.URL
}

// confirm asks the person, unless they said yes before.
func (t *switchover) confirm(ctx context.Context) error {
	if t.yes || t.review != "" {
		return nil
	}
	if f, ok := t.in.(*os.File); !ok || !ui.IsTerminal(f) {
		return failf(exitUsage, "nobody is here to be asked").hintf("add --yes")
	}
	for _, o := range t.Forced {
		t.say("forced: %s %s: %s", o.What, o.Node, o.Why)
	}
	screen := ui.ScreenOf(t.out)
	screen.Out, screen.Colour = t.err, false
	for _, h := range t.Forecast.Handovers {
		t.say("%s: %s, %s", h.Role, h.Move(), draw.Expectation(h))
		if h.IfDead != "" {
			screen.Item(ui.Plain, "  ", h.IfDead)
		}
	}
	word := cmp.Or(t.node(), string(t.Next.Active))
	fmt.Fprintf(t.err, "Type %s to go on: ", word)
	line, err := ui.Answer(ctx, t.in)
	if err != nil || line != word {
		return failf(exitFailed, "nothing was changed")
	}
	return nil
}

func (t *switchover) commitFault(err error) error {
	var e *gitcmd.Error
	if errors.As(err, &e) && (strings.Contains(e.Said, "tell me who you are") || strings.Contains(e.Said, "ident")) {
		return failf(exitFailed, "%w", err).hintf("git config --global user.name and user.email say who commits")
	}
	return failf(exitFailed, "%w", err)
}

// pushFault explains why a push did not go through: most of all that somebody
// else was faster.
func (t *switchover) pushFault(ctx context.Context, err error) error {
	if !errors.Is(err, change.ErrMoved) {
		return t.notPushed(err)
	}
	if t.review != "" {
		return failf(exitRefused, "the branch %s is there already, with something else on it", t.review).hintf("take another name")
	}
	text := "somebody else pushed meanwhile, and nothing was changed"
	if v, d, e := t.one(ctx, t.source); e == nil {
		text = fmt.Sprintf("somebody else pushed meanwhile, and nothing was changed: %.7s %q by %s, which declares %s",
			v.Commit, v.Subject, v.Author, d.Active)
	}
	return failf(exitRefused, "%s", text).hintf("look at what it does with `mainstay status`, then run this again if it is still right")
}

// notPushed explains a push that the server, or the way to it, did not let
// through. Nothing was changed.
func (t *switchover) notPushed(err error) error {
	branch := cmp.Or(t.review, t.location.Branch)
	var g *gitcmd.Error
	if says, refused := "", false; errors.As(err, &g) {
		if says, refused = g.Refused(); refused {
			return failf(exitFailed, "%s does not take a push to %s, and nothing was changed: %s", fleet.Shown(t.location.URL), branch, says).
				hintf("if the branch wants a review, push one that is merged there: add --push-to %s-to-%s", t.Now.Name, t.Next.Active)
		}
	}
	f := failf(exitFailed, "push to %s of %s, and nothing was changed: %w", branch, fleet.Shown(t.location.URL), err)
	f.hint = cmp.Or(t.hintOf(err), "may you push there? If the branch wants reviews, add --push-to NAME")
	return f
}

// pushedForReview is the JSON form of a branch that waits for review.
type pushedForReview struct {
	Deployment string             `json:"deployment"`
	From       spec.Side          `json:"from"`
	To         spec.Side          `json:"to"`
	Commit     string             `json:"commit,omitempty"`
	Branch     string             `json:"branch,omitempty"`
	Plan       *forecast.Forecast `json:"plan"`
}

func (t *switchover) reviewed(hash string) error {
	if t.format == "json" {
		return t.printJSON(pushedForReview{t.Now.Name, t.Now.Active, t.Next.Active, hash, t.review, t.Forecast})
	}
	return t.tell("pushed %.7s to the branch %s: nothing happens before it is merged into %s\n", hash, t.review, t.location.Branch)
}
