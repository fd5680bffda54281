package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/manual"
)

func (a *app) manCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "Print a manual page, or write all of them",
		Long: "man prints the manual page of mainstay, or of one of its commands, in the form that man(1)\n" +
			"reads. With --dir it writes the pages of all commands to a folder.\n" + endsWith(),
		Example: "  mainstay man agent | man -l -\n  mainstay man --dir /usr/local/share/man/man1",
		Args:    cobra.ArbitraryArgs,
		ValidArgsFunction: func(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			return namesOf(c.Root(), given), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			root.DisableAutoGenTag = true
			if dir != "" {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return fmt.Errorf("make the folder: %w", err)
				}
				return manual.Write(root, dir)
			}
			page, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return failf(exitUsage, "there is no command %q", strings.Join(args, " ")).hintf("run mainstay --help for the list")
			}
			text, err := manual.Page(page)
			if err != nil {
				return err
			}
			_, err = a.out.Write(text)
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write the pages of all commands to this folder")
	return c
}
