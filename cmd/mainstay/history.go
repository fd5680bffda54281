package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
	"mainstay/schema"
	"mainstay/spec"
)

// told is the JSON form of a deployment's history.
type told struct {
	Deployment string         `json:"deployment"`
	Switches   []fleet.Switch `json:"switches"`
	// Damaged says why older switches of a role could not be read.
	Damaged []string `json:"damaged,omitempty"`
}

func (a *app) historyCommand() *cobra.Command {
	l := &laptop{}
	var role string
	var limit int
	c := &cobra.Command{
		Use:   "history",
		Short: "Every switch: who, when, why and by which guarantee",
		Long: "history tells every change of side, newest first, from the chain of the claims and from the log\n" +
			"of the document. TOOK is by the clock of the node that came up, from when it saw the commit; what\n" +
			"other machines measured is shown below it, by their own clocks, and is not part of it.\n" + endsWith(),
		Example: "  mainstay history\n  mainstay history --role xivo --limit 5\n  mainstay history -o json",
		RunE:    func(c *cobra.Command, _ []string) error { return a.history(c.Context(), l, role, limit) },
	}
	l.flags(c, "branch")
	c.Flags().StringVar(&role, "role", "", "only this role's")
	c.Flags().IntVar(&limit, "limit", 20, "how many switches of each role; 0 is all")
	a.complete(c, l, map[string]choices{"deployment": nil, "role": nil})
	return c
}

func (a *app) history(ctx context.Context, l *laptop, role string, limit int) error {
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
	t := told{Deployment: d.Name, Switches: []fleet.Switch{}}
	for _, r := range slices.Sorted(maps.Keys(d.Claims)) {
		if role != "" && r != role {
			continue
		}
		chain, err := s.Chain(ctx, d.Name, r)
		if err != nil && !errors.Is(err, git.ErrDamaged) {
			return l.fault(err)
		}
		if err != nil {
			t.Damaged = append(t.Damaged, fmt.Sprintf("%s: what is before this is not told: %v", r, err))
		}
		switches := fleet.Switches(r, chain)
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
func (l *laptop) declare(ctx context.Context, d *fleet.Deployment, switches []fleet.Switch) error {
	if len(switches) == 0 {
		return nil
	}
	repo, done, err := l.workplace(ctx)
	if err != nil {
		return err
	}
	defer done()
	for i := range switches {
		if c, ok := declared(ctx, repo, d.Path, switches[i].Commit); ok {
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

// logFormat separates what git tells of a commit by a byte that no text has.
const logFormat = "%H%x1f%an%x1f%cI%x1f%s%x1f%(trailers:key=Mainstay-Reason,valueonly,separator=%x20)" +
	"%x1f%(trailers:key=Mainstay-Forced,valueonly,separator=%x1e)"

// declared is the newest commit up to the accepted one that changed the word.
func declared(ctx context.Context, repo gitcmd.Repo, path, accepted string) (fleet.Declared, bool) {
	text, err := repo.Text(ctx, gitcmd.Git("log", "-1", "--format="+logFormat, `-G(active|fenced)["']?[[:space:]]*:`).On(accepted).Paths(path))
	parts := strings.Split(text, "\x1f")
	if err != nil || len(parts) != 6 {
		return fleet.Declared{}, false
	}
	at, err := time.Parse(time.RFC3339, parts[2])
	if err != nil {
		return fleet.Declared{}, false
	}
	d := fleet.Declared{Commit: parts[0], Side: declares(ctx, repo, path, parts[0]), Who: parts[1], At: at.UTC(), Subject: parts[3], Why: parts[4]}
	for f := range strings.SplitSeq(parts[5], "\x1e") {
		if f != "" {
			d.Forced = append(d.Forced, f)
		}
	}
	return d, true
}

// declares is the side that a document declared at a commit, empty when it cannot
// be read: old documents need not be valid any more.
func declares(ctx context.Context, repo gitcmd.Repo, path, rev string) spec.Side {
	data, err := repo.At(ctx, rev).Read(path)
	if err != nil {
		return ""
	}
	doc, _ := schema.Read(schema.Deployment, path, data)
	if doc == nil {
		return ""
	}
	side, _ := doc.Value["active"].(string)
	return spec.Side(side)
}

func (a *app) printHistory(t told) error {
	if a.format == "json" {
		return a.printJSON(t)
	}
	table := ui.Table{Head: []string{"WHEN", "ROLE", "SWITCH", "CLAIM", "GUARANTEE", "TOOK", "WHO"}, Narrow: 7}
	for _, s := range t.Switches {
		table.Rows = append(table.Rows, switchRow(s))
	}
	screen := a.screen()
	if len(t.Switches) == 0 {
		screen.Say(ui.Plain, "no side of %s has ever held a claim", t.Deployment)
		return nil
	}
	err := table.Draw(a.out, screen.Width, screen.Colour)
	explainGuarantees(screen, t.Switches)
	for _, d := range t.Damaged {
		screen.Say(ui.Bad, "! %s", d)
	}
	return err
}

// explainGuarantees adds a line for every guarantee that is not the usual one.
func explainGuarantees(s ui.Screen, switches []fleet.Switch) {
	said := map[plan.Guarantee]bool{}
	for _, sw := range switches {
		g := plan.Guarantee(sw.Guarantee)
		if text := g.Meaning(); text != "" && g != plan.Released && !said[g] {
			said[g] = true
			s.Say(ui.Dim, "%s: %s", g, text)
		}
	}
}

func switchRow(s fleet.Switch) ui.Row {
	from, style := "nobody", ui.Plain
	if s.From != "" {
		from = string(s.From)
	}
	if s.Guarantee != plan.Released {
		style = ui.Warn
	}
	var r ui.Row
	if d := s.Declared; d != nil {
		why := d.Why
		if why == "" {
			why = d.Subject
		}
		r.Notes = append(r.Notes, ui.Cell{Text: fmt.Sprintf("%.7s %s", d.Commit, why)})
		for _, f := range d.Forced {
			r.Notes = append(r.Notes, ui.Cell{Text: "forced: " + f, Style: ui.Warn})
		}
	}
	if strings.Contains(s.Left, plan.DrainEnded) {
		r.Notes = append(r.Notes, ui.Cell{Text: s.Leaver + ": " + s.Left, Style: ui.Warn})
	}
	if s.Reason != "" {
		r.Notes = append(r.Notes, ui.Cell{Text: s.Node + ": " + s.Reason, Style: ui.Dim})
	}
	for _, text := range phasesOf(s) {
		r.Notes = append(r.Notes, ui.Cell{Text: text, Style: ui.Dim})
	}
	took := "-"
	if d := s.Took(); d > 0 {
		took = lasted(d)
	}
	r.Cells = []ui.Cell{
		{Text: s.At.UTC().Format("2006-01-02 15:04:05Z")}, {Text: s.Role}, {Text: from + " → " + string(s.To)},
		{Text: fmt.Sprintf("#%d", s.Seq)}, {Text: string(s.Guarantee), Style: style}, {Text: took}, {Text: s.Who()},
	}
	return r
}

// lasted writes how long a switch took: tenths while they matter.
func lasted(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// phasesOf lists the moments of a switch, a line for each clock that measured them,
// counted from the first moment of that clock: nothing is summed over two clocks.
func phasesOf(s fleet.Switch) []string {
	var lines []string
	for _, c := range s.Clocks() {
		switch {
		case c.Node == "":
			lines = append(lines, fmt.Sprintf("declared at %s by the clock of who made the commit; not part of TOOK",
				c.Phases[0].At.UTC().Format("15:04:05Z")))
		case c.Node == s.Node && len(c.Phases) > 1:
			lines = append(lines, "on "+c.Node+": "+counted(c.Phases))
		case c.Node != s.Node:
			lines = append(lines, "on "+c.Node+", by its own clock, not part of TOOK: "+counted(c.Phases))
		}
	}
	return lines
}

func counted(phases []fleet.Phase) string {
	parts := []string{phases[0].Name}
	for _, p := range phases[1:] {
		parts = append(parts, p.Name+" +"+lasted(p.At.Sub(phases[0].At)))
	}
	return strings.Join(parts, ", ")
}
