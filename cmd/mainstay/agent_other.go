//go:build !linux

package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/alerting"
)

// machineCommands are those that run services, which this system cannot. Every
// other command is for a laptop too.
func (a *app) machineCommands() []func() *cobra.Command {
	return []func() *cobra.Command{
		func() *cobra.Command { return linuxOnly("agent", "Run this node's agent (on Linux)") },
		func() *cobra.Command {
			return linuxOnly("guard", "Stop the services when their lease ends and no agent does (on Linux)")
		},
		func() *cobra.Command { return linuxOnly("demo", "Run a whole deployment on this machine (on Linux)") },
		alerting.Command,
	}
}

func linuxOnly(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return failf(exitUsage, "mainstay %s runs on Linux, and this is %s", name, runtime.GOOS).
				hintf("run it on a node; status, plan, failover and the other commands work here")
		},
	}
}
