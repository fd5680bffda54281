package main

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/webpage"
	"mainstay/reconcile/fleet"
)

// consoleOptions are the flags of console.
type consoleOptions struct {
	locator
	webpage.Options
}

func (a *app) consoleCommand() *cobra.Command {
	o := &consoleOptions{}
	c := &cobra.Command{
		Use:   "console",
		Short: "A web page of what every deployment is, and was",
		Long: "console serves a web page of every deployment of one or more repositories: who serves, every\n" +
			"node and why it is as it is, a switch while it runs, the history, and what open branches would do.\n" +
			"It follows live, in English or French. When git is out of reach, every page says since when it is\n" +
			"old. It only reads and asks nobody who they are, and listens on this machine alone, unless told\n" +
			"otherwise. With --allow-commits every page is for the people of --users, who may commit a switch\n" +
			"as `mainstay failover` does. /api/v1/openapi.json describes its JSON; /metrics and /healthz are\n" +
			"for monitoring.\n" + endsWith(),
		Example: "  mainstay console\n  mainstay console --repo ssh://git@git.example.org/voice/paris.git\n" +
			"  mainstay console --repos /etc/mainstay-console/repositories\n" +
			"  mainstay console --host page.example.org --tls-cert p.crt --tls-key p.key",
		RunE: func(c *cobra.Command, _ []string) error { return a.console(c.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.location.Branch, "base", "", "the branch that the nodes read (default: that of the remote, or main)")
	f.StringVar(&o.location.Path, "path", "", "the document (default: every one of the branch)")
	o.access(c)
	o.Flags(c)
	c.AddCommand(webpage.UserCommand(a.in, a.out, a.err, endsWith()))
	return c
}

func (a *app) console(ctx context.Context, o *consoleOptions) error {
	if o.Every < time.Second {
		return failf(exitUsage, "--every is %s", o.Every).hintf("use a second or more")
	}
	if err := o.Contradiction(); err != nil {
		return failf(exitUsage, "%w", err)
	}
	asked, err := o.Asked()
	if err != nil {
		return err
	}
	o.Places, err = webpage.Find(ctx, asked, func(ctx context.Context, one webpage.Asked) (fleet.Location, error) {
		l := o.locator
		l.location.URL, l.location.Branch = one.URL, cmp.Or(one.Branch, l.location.Branch)
		err := l.find(ctx)
		return l.location, err
	})
	if err != nil {
		return err
	}
	o.Log = slog.New(slog.NewTextHandler(a.err, nil))
	o.Ready = func(address string) { _ = a.tell("console: %s\n", address) }
	return webpage.Run(ctx, o.Options)
}
