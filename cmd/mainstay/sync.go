package main

import (
	"time"

	"github.com/spf13/cobra"
)

func (a *app) syncCommand() *cobra.Command {
	var r reach
	var wait time.Duration
	c := &cobra.Command{
		Use:   "sync",
		Short: "Make this node look at git now",
		Long: "sync makes the agent of this node look at git now, and waits until it has. What it finds is\n" +
			"acted on as at any other look.\n" + endsWith(),
		Example: "  mainstay sync\n  mainstay sync --wait 0s",
		RunE: func(c *cobra.Command, _ []string) error {
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Sync(c.Context(), wait))
		},
	}
	r.flags(c)
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait until the look has ended, 0s not to wait")
	return c
}
