package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"mainstay/reconcile/change"
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
			r, err := change.Asked(args[0], args[1:], length, time.Now())
			if err != nil {
				return a.proposed(err)
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
