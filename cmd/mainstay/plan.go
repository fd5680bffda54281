package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/draw"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/change"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plain"
	"mainstay/schema"
)

// planned is the JSON form of what plan found.
type planned struct {
	Pending bool                 `json:"pending"`
	Plans   []*forecast.Forecast `json:"plans"`
	// Refused says which nodes will not accept what the branch has.
	Refused []change.Refusal `json:"refused,omitempty"`
}

// planOptions are the flags of plan.
type planOptions struct {
	locator
	from, to, node string
	exitCode       bool
}

func (a *app) planCommand() *cobra.Command {
	o := &planOptions{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "What every node would do, in order",
		Long: "plan compares two revisions of the repository and says what every node will do, in the order in\n" +
			"which it will happen across nodes: what stops, starts, is rendered and re-pointed; by which\n" +
			"guarantee the sides hand over and what that waits for; what speaks against it; and what is left\n" +
			"for people to do. It goes by what the nodes last reported. Without --from it begins at what the\n" +
			"nodes read now, without --to it ends at the files of this checkout, committed or not.\n" + endsWith(exitProblems, exitPending),
		Example:     "  mainstay plan\n  mainstay plan --from main --to my-branch\n  mainstay plan --to HEAD -o markdown --exit-code",
		Annotations: map[string]string{alsoPrints: "markdown"},
		RunE:        func(c *cobra.Command, _ []string) error { return a.plan(c.Context(), o) },
	}
	o.flags(c, "branch")
	c.Flags().StringVar(&o.from, "from", "", "the revision to begin at (default: what the nodes read now)")
	c.Flags().StringVar(&o.to, "to", "", "the revision to end at (default: the files of this checkout)")
	c.Flags().StringVar(&o.node, "node", "", "only what happens on this node")
	a.complete(c, &o.locator, map[string]choices{"node": nil, "deployment": nil})
	c.Flags().BoolVar(&o.exitCode, "exit-code", false, "end with 4 when anything will happen")
	return c
}

func (a *app) plan(ctx context.Context, o *planOptions) error {
	s, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	from, to, done, err := o.trees(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	result := planned{Plans: []*forecast.Forecast{}}
	documents := []string{o.location.Path}
	if o.location.Path == "" {
		if documents, err = fleet.Affected(from, to); err != nil {
			return err
		}
	}
	if err := a.allBroken(to, documents, o); err != nil {
		return err
	}
	var v *fleet.View
	if result.Plans, v, err = a.plans(ctx, s, documents, [2]gitcmd.Tree{from, to}, o); err != nil {
		return err
	}
	result.Pending = slices.ContainsFunc(result.Plans, func(p *forecast.Forecast) bool { return p.Pending })
	if err := o.known(to, result); err != nil {
		return err
	}
	if result.Refused, err = o.refused(ctx, s, to, v, result.Pending); err != nil {
		return err
	}
	if err := a.printPlans(result); err != nil {
		return err
	}
	if len(result.Refused) > 0 {
		for _, r := range result.Refused[1:] {
			fmt.Fprintln(a.err, plain.Line(r.String()))
		}
		return failf(exitProblems, "%s", result.Refused[0]).hintf("%s", result.Refused[0].Advice)
	}
	if result.Pending && o.exitCode {
		return &fault{code: exitPending, err: errSaid{}}
	}
	return nil
}

// allBroken says, when nothing changes, which document no node accepts: what is
// broken already is not fine because it stays so.
func (a *app) allBroken(to gitcmd.Tree, changing []string, o *planOptions) error {
	if len(changing) > 0 || o.deployment != "" {
		return nil
	}
	all, err := fleet.Documents(to)
	if err != nil {
		return err
	}
	for file, d := range all {
		if len(d.Problems) > 0 {
			return a.problems(file, d.Problems)
		}
	}
	return nil
}

// refused says which nodes will not accept the newest commit of the branch, when the
// plan begins there. Without a change it looks at the nodes of all documents.
func (o *planOptions) refused(ctx context.Context, s *fleet.Source, to gitcmd.Tree, v *fleet.View, pending bool) ([]change.Refusal, error) {
	tip, err := s.Head(ctx)
	if err != nil {
		return nil, o.fault(err)
	}
	if tip != o.from {
		return nil, nil
	}
	if len(v.Deployments) == 0 {
		all, err := change.All(to, o.deployment)
		if err == nil {
			v, err = change.Ask(ctx, s, all)
		}
		if err != nil {
			return nil, o.fault(err)
		}
	}
	return change.Outlook{Tip: tip, Target: cmp.Or(o.to, "HEAD"), Stays: !pending}.Refusals(ctx, to.Repo(), v), nil
}

// known makes sure that the deployment that was asked for is there at all.
func (o *planOptions) known(to gitcmd.Tree, r planned) error {
	if o.deployment == "" || len(r.Plans) > 0 {
		return nil
	}
	all, err := fleet.Documents(to)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range all {
		switch {
		case d.Loaded == nil:
		case d.Loaded.Name == o.deployment:
			return nil
		default:
			names = append(names, d.Loaded.Name)
		}
	}
	return failf(exitUsage, "no deployment %q in %s", o.deployment, fleet.Shown(o.location.URL)).hintf("it has %s", ui.Some(names))
}

func (a *app) printPlans(r planned) error {
	switch a.format {
	case "json":
		return a.printJSON(r)
	case "markdown":
		return forecast.Markdown(a.out, r.Plans)
	}
	screen := ui.ScreenOf(a.out)
	for _, p := range r.Plans {
		draw.Forecast(screen, p, true)
	}
	if len(r.Plans) == 0 && len(r.Refused) == 0 {
		screen.Say(0, "no deployment changes")
	}
	return nil
}

// trees finds the two revisions: in the checkout around the current folder, or
// in a copy of the repository that was named.
func (o *planOptions) trees(ctx context.Context, s *fleet.Source) (from, to gitcmd.Tree, done func(), err error) {
	repo, done, err := o.workplace(ctx)
	if err != nil {
		return from, to, nil, err
	}
	if o.to == "" && !repo.Checkout(ctx) {
		done()
		return from, to, nil, failf(exitUsage, "plan what? This folder is no checkout of %s", fleet.Shown(o.location.URL)).
			hintf("name the revision to end at with --to, or run this in a checkout of it")
	}
	if o.from == "" {
		if o.from, err = o.tip(ctx, repo, s); err != nil {
			done()
			return from, to, nil, err
		}
	}
	for _, rev := range []*string{&o.from, &o.to} {
		if *rev == "" {
			continue
		}
		if strings.HasPrefix(*rev, "HEAD") && !repo.Checkout(ctx) {
			done()
			return from, to, nil, failf(exitUsage, "%s of what? This folder is no checkout of %s", *rev, fleet.Shown(o.location.URL)).
				hintf("name a branch, a tag or a commit, or run this in a checkout of it")
		}
		hash, err := repo.Text(ctx, gitcmd.Git("rev-parse", "--verify", "--quiet").On(*rev+"^{commit}"))
		if err != nil {
			done()
			return from, to, nil, failf(exitUsage, "there is no revision %q", *rev).hintf("fetch it first, or name a commit, a branch or a tag")
		}
		*rev = hash
	}
	from, to = repo.At(ctx, o.from), repo.Checked(ctx)
	if o.to != "" {
		to = repo.At(ctx, o.to)
	}
	return from, to, done, nil
}

// tip is what the nodes read now, brought into the repository.
func (o *planOptions) tip(ctx context.Context, repo gitcmd.Repo, s *fleet.Source) (string, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return "", o.fault(err)
	}
	if head == "" {
		return "", failf(exitFailed, "%s has no branch %s", fleet.Shown(o.location.URL), o.location.Branch).hintf("name the branch that the nodes read with --base")
	}
	return head, o.location.FetchCommit(ctx, repo, head)
}

// workplace is where revisions are looked at.
func (l *locator) workplace(ctx context.Context) (repo gitcmd.Repo, done func(), err error) {
	repo, done, err = l.location.Workplace(ctx)
	if err != nil {
		err = l.fault(err)
	}
	return repo, done, err
}

// plans makes the plan of each document that changes, and tells from what the nodes said.
func (a *app) plans(ctx context.Context, s *fleet.Source, documents []string, trees [2]gitcmd.Tree, o *planOptions) ([]*forecast.Forecast, *fleet.View, error) {
	all, err := change.Compare(documents, trees[0], trees[1], o.deployment)
	if broken := new(change.Broken); errors.As(err, &broken) {
		return nil, nil, a.problems(broken.Path, broken.Problems)
	}
	if err != nil {
		return nil, nil, err
	}
	v, err := change.Ask(ctx, s, all)
	if err != nil {
		return nil, nil, o.fault(err)
	}
	plans := change.Forecasts(v, all, trees[0])
	for i, p := range plans {
		if d := all[i].Document(); o.node != "" {
			if _, ok := d.Nodes[o.node]; !ok {
				return nil, nil, failf(exitUsage, "no node %q in %s", o.node, d.Name).hintf("it has %s", strings.Join(d.NodeNames(), ", "))
			}
			p.Steps = slices.DeleteFunc(p.Steps, func(t forecast.Step) bool { return t.Node != o.node })
		}
	}
	return plans, v, nil
}

// problems tells what is wrong with a document, and returns exit code 3.
func (a *app) problems(file string, ps []schema.Problem) error {
	a.printProblems(a.err, ps)
	return failf(exitProblems, "%s in %s", count(len(ps), "problem"), file).hintf("no node would accept it")
}
