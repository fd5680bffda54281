package main

import (
	"github.com/spf13/cobra"

	"mainstay/reconcile/control"
)

func (a *app) drainCommand() *cobra.Command {
	var r reach
	var end bool
	c := &cobra.Command{
		Use:   "drain --end",
		Short: "End this node's wait for calls before a planned stop",
		Long: "Before a planned stop a node waits for its calls to end, as drain.within in the document says.\n" +
			"drain --end ends that wait. The services stop now, in order, and are seen down before the claim is released,\n" +
			"as they would have been; calls that are left are cut. The node's reason and the claim's history\n" +
			"say that a person did this. It is refused when nothing drains. A drain begins with a commit, and\n" +
			"in no other way.\n" + endsWith(exitRefused),
		Example: "  mainstay drain --end",
		RunE: func(c *cobra.Command, _ []string) error {
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Drain(c.Context(), control.DrainRequest{End: end}))
		},
	}
	r.flags(c)
	c.Flags().BoolVar(&end, "end", false, "end the drain that is under way")
	return c
}
