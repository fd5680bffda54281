//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/alerting"
	"mainstay/cmd/mainstay/footprint"
	"mainstay/cmd/mainstay/hangup"
	"mainstay/reconcile/host"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// machineCommands run services on this machine, which they do on Linux only.
func (a *app) machineCommands() []func() *cobra.Command {
	return []func() *cobra.Command{a.agentCommand, a.guardCommand, a.demoCommand, a.demoServiceCommand, alerting.Command}
}

func (a *app) agentCommand() *cobra.Command {
	var config, level string
	var once bool
	c := &cobra.Command{
		Use:   "agent",
		Short: "Run this node's agent",
		Long: "agent keeps this node as the document says. It pulls the repository, compares it with what\n" +
			"really runs, and starts or stops services until both agree. It looks at git at once on\n" +
			"SIGHUP, and leaves the services as they are when it ends.\n" + endsWith(exitProblems),
		Example: "  mainstay agent --config /etc/mainstay/agent.yaml\n  mainstay agent --once",
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := loadAgentFile(config)
			if err != nil {
				return err
			}
			log, err := a.logger(level)
			if err != nil {
				return err
			}
			return a.runAgent(c.Context(), file, log, once)
		},
	}
	c.Flags().StringVar(&config, "config", defaultConfig, "the agent's own file")
	c.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	c.Flags().BoolVar(&once, "once", false, "look at git once, make one pass and end")
	return c
}

func (a *app) logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, failf(exitUsage, "--log-level: %w", err).hintf("use debug, info, warn or error")
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: l})), nil
}

// passed prints what one pass came to; it failed when there is no document that
// this node accepts.
func (a *app) passed(r plan.Report) error {
	var err error
	if a.format == "json" {
		err = a.printJSON(r)
	} else {
		err = a.tell("%s is %s: %s\n", r.Node, r.Status, plain.Line(r.Reason))
	}
	if err == nil && r.Accepted == "" {
		return failf(exitFailed, "%s accepted no document", r.Node).hintf("the reason above says why; mainstay doctor looks closer")
	}
	return err
}

func (a *app) runAgent(ctx context.Context, f *spec.AgentFile, log *slog.Logger, once bool) error {
	footprint.Keep(ctx, log)
	n, err := host.New(ctx, host.Config{File: f, Versions: versions(), Log: log, Aside: alerting.Of(f, log)})
	if err != nil {
		return fmt.Errorf("start the agent of %s: %w", f.Node, err)
	}
	if once {
		r, err := n.Once(ctx)
		if err != nil {
			return err
		}
		return a.passed(r)
	}
	hangup.Call(ctx, n.Agent.Sync)
	if err := n.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
