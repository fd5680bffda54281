package main

import "github.com/spf13/cobra"

func (a *app) resumeCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{
		Use:   "resume",
		Short: "End a pause of this node",
		Long: "resume ends what mainstay pause began. A pause that the document asks for is ended by a\n" +
			"commit.\n" + endsWith(),
		Example: "  mainstay resume",
		RunE: func(c *cobra.Command, _ []string) error {
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Resume(c.Context()))
		},
	}
	r.flags(c)
	return c
}
