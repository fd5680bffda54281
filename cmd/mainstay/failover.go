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

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/change"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/git"
	"mainstay/reconcile/gitcmd"
	"mainstay/spec"
)

// failoverOptions are the flags of failover.
type failoverOptions struct {
	laptop
	to, fenced, reason, review string
	force                      []string
	unfence, yes               bool
	wait                       time.Duration
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
			"It refuses when a check fails or a rule of safety speaks against it, and names each reason with\n" +
			"the word that --force takes: " + strings.Join(forecast.Words(), ", ") + ".\n" +
			"What was forced is recorded in the commit.\n" + exitStatusHelp,
		Example: "  mainstay failover\n  mainstay failover --to main --reason 'main is repaired'\n" +
			"  mainstay failover --fenced main --reason 'main burned down' --yes\n" +
			"  mainstay failover --branch drill   # for review, nothing happens yet",
		RunE: func(c *cobra.Command, _ []string) error { return a.failover(c.Context(), o) },
	}
	o.flags(c, "base")
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "main or standby (default: the side that is not active)")
	f.StringVar(&o.fenced, "fenced", "", "state that this side is off: nobody waits for it, and it stays down")
	f.BoolVar(&o.unfence, "unfence", false, "take such a statement out again")
	f.StringVar(&o.reason, "reason", "", "why, for the people who read the history")
	f.StringVar(&o.review, "branch", "", "push this new branch for review instead")
	f.DurationVar(&o.wait, "wait", 5*time.Minute, "how long to follow; 0 does not")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.StringSliceVar(&o.force, "force", nil, "what to override, by the words that a refusal names")
	return c
}

// turn is one failover on its way.
type turn struct {
	*app
	*failoverOptions
	source  *fleet.Source
	view    *fleet.View
	now     *fleet.Deployment
	next    *spec.Deployment
	content []byte
	plan    *forecast.Forecast
	forced  []forecast.Objection
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
	t := &turn{app: a, failoverOptions: o, source: s}
	if t.view, t.now, err = o.one(ctx, s); err != nil {
		return withoutGit(err)
	}
	if len(t.now.Problems) > 0 {
		return a.problems(t.now.Path, t.now.Problems)
	}
	repo, done, err := o.workplace(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := o.bring(ctx, repo, t.view.Commit); err != nil {
		return err
	}
	if err := t.prepare(ctx, repo); err != nil {
		return err
	}
	return t.carryOut(ctx, repo)
}

// withoutGit adds the way out to an error of reading: a person on the node needs no
// git (R9).
func withoutGit(err error) error {
	var f *fault
	if !errors.As(err, &f) || f.code != exitFailed || errors.Is(err, git.ErrNotFound) {
		return err
	}
	way := "if git is gone, `mainstay takeover` on a node works without it (examples/RUNBOOK.md, \"Git is gone\")"
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
	if o.fenced != "" && o.unfence {
		return failf(exitUsage, "--fenced and --unfence contradict each other").hintf("use one of them")
	}
	return nil
}

// prepare makes the new document and the plan of it.
func (t *turn) prepare(ctx context.Context, repo gitcmd.Repo) error {
	to := spec.Side(t.to)
	switch {
	case to != "":
	case t.fenced != "":
		to = spec.Side(t.fenced).Other()
	default:
		to = t.now.Active.Other()
	}
	if t.fenced == string(to) {
		return failf(exitUsage, "%s cannot be both active and off", to).hintf("--fenced names the side that goes down")
	}
	if t.unfence && t.now.Fenced == "" {
		return failf(exitUsage, "%s fences nobody", t.now.Path).hintf("leave --unfence out")
	}
	if t.now.Fenced == to && !t.unfence {
		return failf(exitRefused, "the document says fenced: %s, so that side stays down", to).
			hintf("if it may serve again, add --unfence")
	}
	tree := repo.At(ctx, t.view.Commit)
	before, err := tree.Read(t.now.Path)
	if err != nil {
		return err
	}
	t.content, err = change.Edit(before, change.Word{Active: to, Fenced: spec.Side(t.fenced), Unfence: t.unfence})
	if err != nil {
		return failf(exitFailed, "%s: %w", t.now.Path, err)
	}
	next, problems, err := fleet.Load(changed{tree, t.now.Path, t.content}, t.now.Path)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return t.problems(t.now.Path, problems)
	}
	t.next = next
	t.plan = forecast.Of(forecast.Input{From: t.now.Spec, To: next, Now: t.now, Coordinated: t.view.Coordinated})
	return nil
}

// changed is a tree with one file in another content.
type changed struct {
	gitcmd.Tree
	path    string
	content []byte
}

func (c changed) Read(path string) ([]byte, error) {
	if path == c.path {
		return c.content, nil
	}
	return c.Tree.Read(path)
}

// carryOut shows the plan, asks, commits, pushes and follows.
func (t *turn) carryOut(ctx context.Context, repo gitcmd.Repo) error {
	if t.format == "text" {
		drawForecast(t.screen(), t.plan, false)
	}
	if t.now.Active == t.next.Active && t.now.Fenced == t.next.Fenced {
		t.say("%s declares %s already: there is nothing to commit", t.now.Path, t.next.Active)
		return t.follow(ctx, t.view.Commit, time.Now())
	}
	if err := t.refuse(); err != nil {
		return err
	}
	if err := t.confirm(ctx); err != nil {
		return err
	}
	hash, err := change.Commit(ctx, repo, change.File{
		Base: t.view.Commit, Path: t.now.Path, Content: t.content, Message: t.message(),
	})
	if err != nil {
		return t.commitFault(err)
	}
	branch := t.place.Branch
	if t.review != "" {
		branch = t.review
	}
	pushed := time.Now()
	if err := change.Push(ctx, repo, t.remote(ctx, repo), hash, branch); err != nil {
		return t.pushFault(ctx, err)
	}
	if t.review != "" {
		return t.reviewed(hash)
	}
	t.say("pushed %.7s to %s%s", hash, branch, t.behind(ctx, repo))
	return t.follow(ctx, hash, pushed)
}

// behind says that a checkout, in which nothing was changed, does not have the
// commit yet.
func (t *turn) behind(ctx context.Context, repo gitcmd.Repo) string {
	if top, err := gitcmd.Top(ctx, "."); err != nil || top.Dir != repo.Dir {
		return ""
	}
	return "; git pull brings it here"
}

// remote is what to push to: origin by its name, so that the checkout learns of
// the push, or the address.
func (t *turn) remote(ctx context.Context, repo gitcmd.Repo) string {
	if url, err := repo.Text(ctx, gitcmd.Git("remote", "get-url", "origin")); err == nil && url == t.place.URL {
		return "origin"
	}
	return t.place.URL
}

// refuse lists what speaks against it and is not overridden.
func (t *turn) refuse() error {
	var words, nodes []string
	for _, o := range t.plan.Objections {
		if slices.Contains(t.force, o.What) {
			t.forced = append(t.forced, o)
			continue
		}
		words = append(words, o.What)
		nodes = append(nodes, fmt.Sprintf("%s: %s", o.Node, o.Why))
	}
	if len(words) == 0 {
		return nil
	}
	slices.Sort(words)
	return failf(exitRefused, "refused: %s", strings.Join(nodes, "; ")).
		hintf("%s. Or override it: --force %s", t.plan.Objections[0].Advice, strings.Join(slices.Compact(words), ","))
}

// confirm asks the person, unless they said yes before.
func (t *turn) confirm(ctx context.Context) error {
	if t.yes || t.review != "" {
		return nil
	}
	if f, ok := t.in.(*os.File); !ok || !isTerminal(f) {
		return failf(exitUsage, "nobody is here to be asked").hintf("add --yes")
	}
	for _, o := range t.forced {
		t.say("forced: %s %s: %s", o.What, o.Node, o.Why)
	}
	screen := t.screen()
	screen.Out, screen.Colour = t.err, false
	for _, h := range t.plan.Handovers {
		t.say("%s: %s → %s, %s", h.Role, cmp.Or(string(h.From), "nobody"), h.To, expectation(h))
		if h.IfDead != "" {
			screen.Item(ui.Plain, "  ", h.IfDead)
		}
	}
	fmt.Fprintf(t.err, "Type %s to go on: ", t.next.Active)
	line, err := t.answer(ctx)
	if err != nil || line != string(t.next.Active) {
		return failf(exitFailed, "nothing was changed")
	}
	return nil
}

// expectation is what a person accepts by going on.
func expectation(h forecast.Handover) string {
	if h.Guarantee == "" {
		return "which will not happen by itself"
	}
	text := "guarantee " + h.Guarantee
	if h.Longest > 0 {
		text += ", at most " + h.Bound().String()
	}
	return text
}

// message is the commit's: what, why, what to expect, and trailers for programs.
func (t *turn) message() string {
	var b strings.Builder
	verb := "fail over to"
	if t.next.Active == spec.Main {
		verb = "fail back to"
	}
	if t.next.Active == t.now.Active {
		verb = "stay on"
	}
	fmt.Fprintf(&b, "%s: %s %s\n\n", t.now.Name, verb, t.next.Active)
	if t.reason != "" {
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(t.reason))
	}
	for _, h := range t.plan.Handovers {
		guarantee := h.Guarantee
		if guarantee == "" {
			guarantee = "none"
		}
		fmt.Fprintf(&b, "%s: guarantee %s expected: %s.\n", h.Role, guarantee, h.Why)
	}
	if len(t.plan.Handovers) > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "Mainstay-Deployment: %s\nMainstay-From: %s\nMainstay-To: %s\n", t.now.Name, t.now.Active, t.next.Active)
	if t.next.Fenced != "" {
		fmt.Fprintf(&b, "Mainstay-Fenced: %s\n", t.next.Fenced)
	}
	if t.reason != "" {
		fmt.Fprintf(&b, "Mainstay-Reason: %s\n", strings.Join(strings.Fields(t.reason), " "))
	}
	for _, o := range t.forced {
		fmt.Fprintf(&b, "Mainstay-Forced: %s %s: %s\n", o.What, o.Node, strings.Join(strings.Fields(o.Why), " "))
	}
	return b.String()
}

func (t *turn) commitFault(err error) error {
	var e *gitcmd.Error
	if errors.As(err, &e) && (strings.Contains(e.Said, "tell me who you are") || strings.Contains(e.Said, "ident")) {
		return failf(exitFailed, "%w", err).hintf("git config --global user.name and user.email say who commits")
	}
	return failf(exitFailed, "commit: %w", err)
}

// pushFault explains why a push did not go through: most of all that somebody
// else was faster.
func (t *turn) pushFault(ctx context.Context, err error) error {
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
func (t *turn) notPushed(err error) error {
	branch := cmp.Or(t.review, t.place.Branch)
	var g *gitcmd.Error
	if says, refused := "", false; errors.As(err, &g) {
		if says, refused = g.Refused(); refused {
			return failf(exitFailed, "%s does not take a push to %s, and nothing was changed: %s", fleet.Shown(t.place.URL), branch, says).
				hintf("if the branch wants a review, push one that is merged there: add --branch %s-to-%s", t.now.Name, t.next.Active)
		}
	}
	f := failf(exitFailed, "push to %s of %s, and nothing was changed: %w", branch, fleet.Shown(t.place.URL), err)
	f.hint = cmp.Or(byFlags(hintOf(err)), "may you push there? If the branch wants reviews, add --branch NAME")
	return f
}

// pushedForReview is the JSON form of a branch that waits for review.
type pushedForReview struct {
	Deployment string             `json:"deployment"`
	From       spec.Side          `json:"from"`
	To         spec.Side          `json:"to"`
	Commit     string             `json:"commit"`
	Branch     string             `json:"branch"`
	Plan       *forecast.Forecast `json:"plan"`
}

func (t *turn) reviewed(hash string) error {
	if t.format == "json" {
		return t.printJSON(pushedForReview{t.now.Name, t.now.Active, t.next.Active, hash, t.review, t.plan})
	}
	return t.tell("pushed %.7s to the branch %s: nothing happens before it is merged into %s\n", hash, t.review, t.place.Branch)
}
