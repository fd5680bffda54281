package main

import (
	"github.com/spf13/cobra"

	"mainstay/reconcile/control"
)

func (a *app) takeoverCommand() *cobra.Command {
	var r reach
	var q control.TakeoverRequest
	c := &cobra.Command{
		Use:   "takeover --attest TEXT | --end",
		Short: "Activate this node by a person's word",
		Long: "takeover activates this node whatever the document says and also without git, because a person\n" +
			"states that the other side does not serve (R9). The statement is kept in the claim's history.\n" +
			"Nothing else keeps the two sides apart then: look before you state it. It ends once the document\n" +
			"agrees, or by --end.\n\n" +
			"With --adopt it makes the claim of a dead or replaced machine of this very side this node's own,\n" +
			"to serve or to release it as the document says.\n" + exitStatusHelp,
		Example: "  mainstay takeover --attest \"main is powered off, seen in the rack by me\"\n" +
			"  mainstay takeover --adopt --attest \"the old machine is in the skip\"\n" +
			"  mainstay takeover --end",
		RunE: func(c *cobra.Command, _ []string) error {
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Takeover(c.Context(), q))
		},
	}
	r.flags(c)
	c.Flags().StringVar(&q.Attest, "attest", "", "what you state about the other side")
	c.Flags().BoolVar(&q.Adopt, "adopt", false, "only take the claim of a dead machine of this side")
	c.Flags().BoolVar(&q.End, "end", false, "end a takeover that is in force")
	return c
}
