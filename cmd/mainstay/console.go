package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/webpage"
	"mainstay/reconcile/console"
)

// consoleOptions are the flags of console.
type consoleOptions struct {
	locator
	webpage.Options
	repositories []string
}

func (a *app) consoleCommand() *cobra.Command {
	o := &consoleOptions{}
	c := &cobra.Command{
		Use:   "console",
		Short: "A web page of what every deployment is, and was",
		Long: "console serves a web page of every deployment of one or more repositories: who serves, every\n" +
			"node and why it is as it is, a switch while it runs, the history, and what open branches would do.\n" +
			"It follows live, in English or French as the browser asks. It only reads: a switch is a commit,\n" +
			"made with `mainstay failover`. When git is out of reach, every page says since when it is old.\n\n" +
			"It asks nobody who they are. Let it listen on this machine alone, as it does without --listen, or\n" +
			"put it behind a proxy that asks. /api/v1/openapi.json describes its JSON; /metrics and /healthz\n" +
			"are for monitoring.\n" + endsWith(),
		Example: "  mainstay console\n  mainstay console --repo ssh://git@git.example.org/voice/paris.git\n" +
			"  mainstay console --listen 0.0.0.0:8443 --host page.example.org --tls-cert page.crt --tls-key page.key",
		RunE: func(c *cobra.Command, _ []string) error { return a.console(c.Context(), o) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.repositories, "repo", nil, "a repository, as git takes it; may be given again (default: origin of this checkout)")
	f.StringVar(&o.location.Branch, "base", "", "the branch that the nodes read (default: that of the remote, or main)")
	f.StringVar(&o.location.Path, "path", "", "the document (default: every one of the branch)")
	o.access(c)
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "the address to listen on")
	f.StringArrayVar(&o.Hosts, "host", nil, "a name under which browsers ask for the page, beside addresses, localhost and --listen; may be given again")
	f.StringVar(&o.Prefix, "prefix", "", "the path below which everything is, behind a proxy")
	f.StringVar(&o.Certificate, "tls-cert", "", "a certificate, to serve https")
	f.StringVar(&o.Key, "tls-key", "", "its private key")
	f.DurationVar(&o.Every, "every", console.DefaultEvery, "how often to look at git")
	return c
}

func (a *app) console(ctx context.Context, o *consoleOptions) error {
	if o.Every < time.Second {
		return failf(exitUsage, "--every is %s", o.Every).hintf("use a second or more")
	}
	if (o.Certificate == "") != (o.Key == "") {
		return failf(exitUsage, "--tls-cert and --tls-key go together").hintf("name both files, or neither")
	}
	if len(o.repositories) == 0 {
		o.repositories = []string{""}
	}
	for _, url := range o.repositories {
		l := o.locator
		l.location.URL = url
		if err := l.find(ctx); err != nil {
			return err
		}
		o.Places = append(o.Places, l.location)
	}
	o.Log = slog.New(slog.NewTextHandler(a.err, nil))
	o.Ready = func(address string) { _ = a.tell("console: %s\n", address) }
	return webpage.Run(ctx, o.Options)
}
