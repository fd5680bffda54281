package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mainstay/spec"
)

// completeWithin bounds what the shell waits for when names are read from git.
const completeWithin = 3 * time.Second

// choices lists what a flag takes.
type choices func() []string

func sides() []string { return []string{string(spec.Main), string(spec.Standby)} }

// complete tells the shell what flags take. One without choices takes names that are
// read from the repository: of deployments, roles or nodes.
func (a *app) complete(c *cobra.Command, l *locator, flags map[string]choices) {
	for name, list := range flags {
		_ = c.RegisterFlagCompletionFunc(name, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			if list != nil {
				return list(), cobra.ShellCompDirectiveNoFileComp
			}
			return l.names(c.Context(), name), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// nodesOf completes arguments that are nodes.
func (a *app) nodesOf(l *locator) cobra.CompletionFunc {
	return func(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		names := l.names(c.Context(), "node")
		return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(given, n) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// names are those of the repository of one kind. What cannot be read completes
// nothing.
func (l *locator) names(ctx context.Context, kind string) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	s, err := l.open(ctx)
	if err != nil {
		return nil
	}
	defer s.Close()
	v, err := s.Read(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for i := range v.Deployments {
		out = append(out, v.Deployments[i].Names(kind)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
