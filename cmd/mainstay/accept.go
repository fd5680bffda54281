package main

import (
	"github.com/spf13/cobra"

	"mainstay/reconcile/control"
)

func (a *app) acceptCommand() *cobra.Command {
	var r reach
	var q control.AcceptRequest
	c := &cobra.Command{
		Use:   "accept COMMIT [--attest TEXT] | --claim --attest TEXT",
		Short: "Accept a rewritten branch, or a claim that went back",
		Long: "accept COMMIT takes the newest commit of a branch whose history was rewritten, which an agent\n" +
			"refuses by itself. Signature and contents are checked all the same. Run it on every node. A\n" +
			"commit that renames the deployment or a node's role, or makes a role exclusive, leaves the\n" +
			"claim behind that says who serves: state what you saw on both sides with --attest.\n\n" +
			"accept --claim vouches for a claim that went back because the repository was restored from a\n" +
			"backup or the ref was deleted: it is put above the highest number ever seen. State\n" +
			"what you checked: that nothing serves which this node does not know of.\n" + endsWith(exitRefused),
		Example: "  mainstay accept 3f2a91c07d11\n" +
			"  mainstay accept 3f2a91c07d11 --attest \"standby is down, seen by me\"\n  mainstay accept --claim --attest \"restored from Monday, standby seen down\"",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				q.Commit = args[0]
			}
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Accept(c.Context(), q))
		},
	}
	r.flags(c)
	c.Flags().BoolVar(&q.Claim, "claim", false, "accept the claim, not a commit")
	c.Flags().StringVar(&q.Attest, "attest", "", "what you saw, which nothing else tells")
	return c
}
