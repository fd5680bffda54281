package main

import (
	"time"

	"github.com/spf13/cobra"

	"mainstay/reconcile/control"
)

func (a *app) pauseCommand() *cobra.Command {
	var r reach
	var reason string
	var length time.Duration
	c := &cobra.Command{
		Use:   "pause --reason TEXT",
		Short: "Keep the agent's hands off this node for a while",
		Long: "pause makes the agent of this node observe and report only: nothing is started, healed,\n" +
			"stopped as planned, rendered or run on a schedule, until the pause ends or `mainstay resume`.\n" +
			"A paused node still stops when its claim is lost or its lease runs out. The other side never\n" +
			"presumes a paused node dead.\n" + endsWith(),
		Example: "  mainstay pause --reason \"new disks\" --for 2h",
		RunE: func(c *cobra.Command, _ []string) error {
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Pause(c.Context(), control.PauseRequest{Reason: stated(reason), For: length.String()}))
		},
	}
	r.flags(c)
	c.Flags().StringVar(&reason, "reason", "", "why, for the people who find the node paused")
	c.Flags().DurationVar(&length, "for", time.Hour, "how long, at most 720h")
	return c
}
