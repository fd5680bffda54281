//go:build linux

package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/footprint"
	"mainstay/reconcile/host"
)

func (a *app) guardCommand() *cobra.Command {
	var config, level string
	var finish bool
	c := &cobra.Command{
		Use:   "guard",
		Short: "Stop the services when their lease ends and no agent does",
		Long: "guard runs beside the agent, as a service of its own. When the lease of this node has ended\n" +
			"and the agent is stopped, removed, hung or killed again and again, it stops the services,\n" +
			"and runs selfFence when they are not seen down in time. It never starts anything. Told to\n" +
			"end while no agent runs, it first stops what runs under a lease; SIGUSR1 ends it at once,\n" +
			"for another one to follow.\n" + endsWith(),
		Example: "  mainstay guard --config /etc/mainstay/agent.yaml\n  mainstay guard --finish",
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := loadAgentFile(config)
			if err != nil {
				return err
			}
			log, err := a.logger(level)
			if err != nil {
				return err
			}
			footprint.Keep(c.Context(), log)
			usr := make(chan os.Signal, 1)
			signal.Notify(usr, syscall.SIGUSR1)
			defer signal.Stop(usr)
			replaced := make(chan struct{})
			go func() { <-usr; close(replaced) }()
			return host.RunGuard(c.Context(), host.GuardConfig{File: file, Log: log, Finish: finish, Replaced: replaced})
		},
	}
	c.Flags().StringVar(&config, "config", defaultConfig, "the agent's own file")
	c.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	c.Flags().BoolVar(&finish, "finish", false, "end once nothing runs under a lease here")
	return c
}
