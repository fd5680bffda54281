//go:build linux

package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/demo"
	"mainstay/cmd/mainstay/ui"
)

func (a *app) demoCommand() *cobra.Command {
	o := demo.Options{Out: a.out}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a whole deployment on this machine, fail it over and back",
		Long: "demo makes a bare repository and six agents (xivo and cc on both sides, a media server, an\n" +
			"edge proxy) as separate processes with services that really listen, on loopback only. It\n" +
			"brings main up, fails over and fails back by real commits, and checks each time from outside\n" +
			"that the right side answers and the other is silent. It leaves nothing behind.\n" + endsWith(exitNotConverged),
		Example: "  mainstay demo\n  mainstay demo --stay\n  mainstay demo --notify=false --poll 5s --switches 20",
		RunE: func(c *cobra.Command, _ []string) error {
			s := ui.ScreenOf(a.out)
			o.Live, o.Width, o.Plain = ui.IsTerminal(a.out), s.Width, !s.Colour
			err := demo.Run(c.Context(), o)
			if errors.Is(err, context.DeadlineExceeded) {
				return &fault{code: exitNotConverged, err: err}
			}
			return err
		},
	}
	c.Flags().BoolVar(&o.Stay, "stay", false, "keep it running afterwards, until Ctrl-C")
	c.Flags().BoolVar(&o.Notify, "notify", true, "let every push tell the agents")
	c.Flags().DurationVar(&o.Poll, "poll", time.Second, "how often the agents look at git")
	c.Flags().IntVar(&o.Switches, "switches", 2, "how often to change sides")
	c.Flags().DurationVar(&o.Within, "within", time.Minute, "how long one change may take")
	return c
}

// demoServiceCommand is one of the demo's services. It is not for people.
func (a *app) demoServiceCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "demo-service KIND ADDRESS [TEXT…]",
		Hidden: true,
		Args:   cobra.MinimumNArgs(2),
		RunE:   func(c *cobra.Command, args []string) error { return demo.Service(c.Context(), args) },
	}
}
