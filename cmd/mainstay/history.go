package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/carrying"
	"mainstay/cmd/mainstay/draw"
	"mainstay/cmd/mainstay/drill"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
)

func (a *app) historyCommand() *cobra.Command {
	l := &locator{}
	var role string
	var limit int
	c := &cobra.Command{
		Use:   "history",
		Short: "Every switch: who, when, why and by which guarantee",
		Long: "history tells every change of side, newest first, from the chain of the claims and from the log\n" +
			"of the document. TOOK is by the clock of the node that came up, from when it saw the commit; what\n" +
			"other machines measured is shown below it, by their own clocks, and is not part of it.\n" +
			"It also says whose key signed each claim: with --config, as verify.nodes of that file knows it.\n" + endsWith(),
		Example: "  mainstay history\n  mainstay history --role xivo --limit 5\n  mainstay history -o json",
		RunE:    func(c *cobra.Command, _ []string) error { return a.history(c.Context(), l, role, limit) },
	}
	l.flags(c, "branch")
	c.Flags().StringVar(&role, "role", "", "only this role's")
	c.Flags().IntVar(&limit, "limit", 20, "how many switches of each role; 0 is all")
	a.complete(c, l, map[string]choices{"deployment": nil, "role": nil})
	return c
}

func (a *app) history(ctx context.Context, l *locator, role string, limit int) error {
	if limit < 0 {
		return failf(exitUsage, "--limit is %d", limit).hintf("use a number of switches, or 0 for all of them")
	}
	s, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	_, d, err := l.one(ctx, s)
	if err != nil {
		return err
	}
	if _, ok := d.Claims[role]; role != "" && !ok {
		return failf(exitUsage, "no role %q of %s hands a claim over", role, d.Name).
			hintf("use %s", strings.Join(slices.Sorted(maps.Keys(d.Claims)), ", "))
	}
	roles := slices.Sorted(maps.Keys(d.Claims))
	if role != "" {
		roles = []string{role}
	}
	t, err := s.Past(ctx, d.Name, roles, limit)
	if err != nil {
		return l.fault(err)
	}
	if len(t.Switches) > 0 {
		repo, done, err := l.workplace(ctx)
		if err != nil {
			return err
		}
		defer done()
		t.Tell(ctx, repo, d)
	}
	if err := a.printHistory(t); err != nil {
		return err
	}
	return t.Whole()
}

func (a *app) printHistory(t *fleet.History) error {
	if a.format == "json" {
		return a.printJSON(t)
	}
	return draw.History(ui.ScreenOf(a.out), t)
}

func (a *app) drillCommand() *cobra.Command {
	l := &locator{}
	return drill.Command(a.in, a.out, a.err, func(c *cobra.Command) {
		l.flags(c, "")
		a.complete(c, l, map[string]choices{"deployment": nil})
	}, endsWith(exitProblems, exitNotConverged, exitRefused))
}

func (a *app) coordinationCommand() *cobra.Command {
	return carrying.Command(a.out, loadAgentFile, defaultConfig, endsWith(exitProblems, exitRefused))
}
