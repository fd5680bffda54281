package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/draw"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git/failure"
)

// historyJSON is the JSON form of a deployment's history.
type historyJSON struct {
	Deployment string         `json:"deployment"`
	Switches   []fleet.Switch `json:"switches"`
	// Damaged says why older switches of a role could not be read.
	Damaged []string `json:"damaged,omitempty"`
}

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
	t := historyJSON{Deployment: d.Name, Switches: []fleet.Switch{}}
	for _, r := range slices.Sorted(maps.Keys(d.Claims)) {
		if role != "" && r != role {
			continue
		}
		chain, err := s.Chain(ctx, d.Name, r)
		if err != nil && !errors.Is(err, failure.ErrDamaged) {
			return l.fault(err)
		}
		if err != nil {
			t.Damaged = append(t.Damaged, fmt.Sprintf("%s: what is before this is not told: %v", r, err))
		}
		switches := fleet.SwitchesOf(r, chain)
		if limit > 0 && len(switches) > limit {
			switches = switches[:limit]
		}
		t.Switches = append(t.Switches, switches...)
	}
	if err := l.declare(ctx, d, t.Switches); err != nil {
		return err
	}
	slices.SortStableFunc(t.Switches, func(x, y fleet.Switch) int { return y.At.Compare(x.At) })
	return a.printHistory(t)
}

// declare adds to every switch what the document's log and the newest reports say
// of it.
func (l *locator) declare(ctx context.Context, d *fleet.Deployment, switches []fleet.Switch) error {
	if len(switches) == 0 {
		return nil
	}
	repo, done, err := l.workplace(ctx)
	if err != nil {
		return err
	}
	defer done()
	for i := range switches {
		if c, ok := fleet.DeclaredBy(ctx, repo, d.Path, switches[i].Commit); ok {
			switches[i].Declare(c)
		}
		for _, n := range d.Nodes {
			if n.Report != nil {
				switches[i].Reported(*n.Report)
			}
		}
	}
	return nil
}

func (a *app) printHistory(t historyJSON) error {
	if a.format == "json" {
		return a.printJSON(t)
	}
	table := ui.Table{Head: []string{"WHEN", "ROLE", "SWITCH", "CLAIM", "GUARANTEE", "TOOK", "WHO"}, Narrow: 7}
	for _, s := range t.Switches {
		table.Rows = append(table.Rows, draw.Switch(s))
	}
	screen := ui.ScreenOf(a.out)
	if len(t.Switches) == 0 {
		screen.Say(ui.Plain, "no side of %s has ever held a claim", t.Deployment)
		return nil
	}
	err := table.Draw(a.out, screen.Width, screen.Colour)
	draw.Legend(screen, t.Switches)
	for _, d := range t.Damaged {
		screen.Say(ui.Bad, "! %s", d)
	}
	return err
}
