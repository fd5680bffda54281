package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"mainstay/reconcile/change"
	"mainstay/reconcile/control"
)

func (a *app) pauseCommand() *cobra.Command {
	o, r := &failoverOptions{}, &reach{}
	var length time.Duration
	c := &cobra.Command{
		Use:   "pause [NODE] --reason TEXT",
		Short: "Keep the agent's hands off a node for a while",
		Long: "pause makes the agent of this node observe and report only: nothing is started, healed,\n" +
			"stopped as planned, rendered or run on a schedule, until the pause ends or `mainstay resume`.\n" +
			"A paused node still stops when its claim is lost or its lease runs out. The other side never\n" +
			"presumes a paused node dead.\n" +
			"With a NODE it is done from anywhere, by a commit that says until when: that node ends it by its own\n" +
			"clock. --for 0 is a pause that only a commit ends.\n" + endsWith(exitProblems, exitNotConverged, exitRefused),
		Example:           "  mainstay pause --reason \"new disks\" --for 2h\n  mainstay pause mds1 --reason \"new disks\" --for 2h",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.nodesOf(&o.locator),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				asked, err := change.PauseFor(args[0], length, time.Now())
				if err != nil {
					return a.proposed(err)
				}
				return a.byCommit(c.Context(), o, asked)
			}
			r.config = cmp.Or(o.config, defaultConfig)
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Pause(c.Context(), control.PauseRequest{Reason: stated(o.reason), For: length.String()}))
		},
	}
	o.here(c, r)
	c.Flags().StringVar(&o.reason, "reason", "", "why, for the people who find the node paused")
	c.Flags().DurationVar(&length, "for", time.Hour, "how long, at most 720h")
	o.committing(c)
	a.complete(c, &o.locator, map[string]choices{"deployment": nil})
	return c
}

// here adds the flags of a command that is for the agent of this node, or with a NODE for
// the repository.
func (o *failoverOptions) here(c *cobra.Command, r *reach) {
	o.flags(c, "")
	c.Flags().StringVar(&r.socket, "socket", "", "the control socket of this node's agent (default: what the agent's own file says)")
}

func (a *app) resumeCommand() *cobra.Command {
	o, r := &failoverOptions{}, &reach{}
	c := &cobra.Command{
		Use:   "resume [NODE]",
		Short: "End a pause of a node",
		Long: "resume ends what mainstay pause began on this node. With a NODE it is done from anywhere: a commit\n" +
			"takes the pause out of the document.\n" + endsWith(exitProblems, exitNotConverged, exitRefused),
		Example:           "  mainstay resume\n  mainstay resume mds1",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.nodesOf(&o.locator),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return a.byCommit(c.Context(), o, change.Request{Resume: args[0]})
			}
			r.config = cmp.Or(o.config, defaultConfig)
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Resume(c.Context()))
		},
	}
	o.here(c, r)
	o.committing(c)
	a.complete(c, &o.locator, map[string]choices{"deployment": nil})
	return c
}
