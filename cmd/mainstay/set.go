package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mainstay/reconcile/change"
	"mainstay/spec"
)

func (a *app) setCommand() *cobra.Command {
	o := &failoverOptions{}
	var length time.Duration
	c := &cobra.Command{
		Use:   "set active SIDE | fenced SIDE|none | paused NODE [on|off]",
		Short: "Change one word of the document by a commit, and follow it",
		Long: "set edits the document, checks it as every node will, shows what the change does, commits, pushes\n" +
			"without force, and follows. Everything else of the document stays as it is written. What speaks\n" +
			"against the change is refused as failover refuses it.\n" + endsWith(exitProblems, exitNotConverged, exitRefused),
		Example: "  mainstay set active standby\n  mainstay set fenced main --reason 'main burned down'\n  mainstay set fenced none\n" +
			"  mainstay set paused mds1 --for 2h --reason 'new disks'\n  mainstay set paused mds1 off",
		Args: cobra.RangeArgs(2, 3),
		ValidArgsFunction: func(c *cobra.Command, given []string, word string) ([]string, cobra.ShellCompDirective) {
			switch {
			case len(given) == 0:
				return []string{"active", "fenced", "paused"}, cobra.ShellCompDirectiveNoFileComp
			case len(given) == 1 && given[0] == "paused":
				return a.nodesOf(&o.locator)(c, given, word)
			case len(given) == 1:
				return sides(), cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"on", "off"}, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 3 && args[0] != "paused" {
				return failf(exitUsage, "set %s takes one value", args[0]).hintf("run mainstay set --help")
			}
			r, err := o.requested(args[0], args[1], cmp.Or(append(args, "")[2:][0], "on"), length)
			if err != nil {
				return err
			}
			return a.byCommit(c.Context(), o, r)
		},
	}
	o.flags(c, "")
	o.committing(c)
	c.Flags().DurationVar(&length, "for", 0, "how long a pause lasts, by the node's own clock; 0 is until a commit ends it")
	a.complete(c, &o.locator, map[string]choices{"deployment": nil})
	return c
}

// requested is what the words of set ask for.
func (o *failoverOptions) requested(word, value, state string, length time.Duration) (change.Request, error) {
	side := spec.Side(value)
	isSide := side == spec.Main || side == spec.Standby
	switch {
	case word != "paused" && length != 0:
		return change.Request{}, failf(exitUsage, "--for is about a pause").hintf("leave it out")
	case word == "active" && isSide:
		return change.Request{To: side}, nil
	case word == "fenced" && isSide:
		return change.Request{To: side.Other(), Fenced: side}, nil
	case word == "fenced" && value == "none":
		return change.Request{Stay: true, Unfence: true}, nil
	case word == "active", word == "fenced":
		return change.Request{}, failf(exitUsage, "%s is %q", word, value).hintf("use main or standby, or none for fenced")
	case word == "paused" && state == "on":
		return pauseOf(value, length)
	case word == "paused" && state == "off":
		return change.Request{Resume: value}, nil
	case word == "paused":
		return change.Request{}, failf(exitUsage, "paused is %q", state).hintf("use on or off")
	}
	return change.Request{}, failf(exitUsage, "set changes no %q", word).hintf("use active, fenced or paused; everything else is an editor's work")
}

// pauseOf asks to pause a node for so long, zero for no end.
func pauseOf(node string, length time.Duration) (change.Request, error) {
	r := change.Request{Pause: node}
	switch {
	case length < 0 || length > longestPause:
		return r, failf(exitUsage, "--for is %s", length).hintf("use at most %s, or 0 for a pause that a commit ends", longestPause)
	case length > 0:
		r.Until = time.Now().Add(length).Round(time.Second)
	}
	return r, nil
}

// longestPause is the longest pause that ends by itself.
const longestPause = 720 * time.Hour

// byCommit makes a change as failover does.
func (a *app) byCommit(ctx context.Context, o *failoverOptions, r change.Request) error {
	o.asked = &r
	return a.failover(ctx, o)
}

// node is the one that the change is about, empty for a change of side.
func (t *switchover) node() string {
	if t.asked == nil {
		return ""
	}
	return t.asked.Pause + t.asked.Resume
}

// resting are the nodes that the document pauses where no side changes: nothing else is
// waited for of them.
func (t *switchover) resting() []string {
	if t.Now.Active != t.Next.Active {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t.Next.Nodes)), func(n string) bool { return !t.Next.Nodes[n].PausedAt(time.Now()) })
}
