package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/accepting"
	"mainstay/reconcile/control"
	"mainstay/reconcile/fleet"
)

func (a *app) acceptCommand() *cobra.Command {
	o, r := &failoverOptions{}, &reach{}
	c := accepting.Command(&accepting.Face{
		In: a.in, Out: a.out, Err: a.err, Place: &o.location, Fault: a.proposed,
		OnNode: func(ctx context.Context, q control.AcceptRequest) error {
			r.config = cmp.Or(o.config, defaultConfig)
			agent, err := r.client()
			if err != nil {
				return err
			}
			return a.answered(agent.Accept(ctx, q))
		},
		Open: o.open,
		Look: func(ctx context.Context, s *fleet.Source) (*fleet.View, *fleet.Deployment, error) {
			return o.one(ctx, s)
		},
	}, endsWith(exitProblems, exitNotConverged, exitRefused))
	o.here(c, r)
	a.complete(c, &o.locator, map[string]choices{"deployment": nil})
	return c
}
