package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
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
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			root.DisableAutoGenTag = true
			if dir != "" {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return fmt.Errorf("make the folder: %w", err)
				}
				return writePages(root, dir)
			}
			page, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return failf(exitUsage, "there is no command %q", strings.Join(args, " ")).hintf("run mainstay --help for the list")
			}
			text, err := manPage(page)
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

// writePages writes the page of a command and of all below it.
func writePages(c *cobra.Command, dir string) error {
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() || below.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := writePages(below, dir); err != nil {
			return err
		}
	}
	text, err := manPage(c)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"), text, 0o644)
}

// exitStatus is how the exit codes stand in a description.
var exitStatus = regexp.MustCompile(`(?s)\.PP\nEXIT STATUS\n(.*?)\n\n\n\.SH`)

// manPage is the page of a command: the same on every machine and day, so that
// pages can be compared, and with the exit codes where man(7) wants them.
func manPage(c *cobra.Command) ([]byte, error) {
	never := time.Unix(0, 0).UTC()
	var text bytes.Buffer
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "mainstay", Manual: "mainstay", Date: &never}, &text); err != nil {
		return nil, err
	}
	page := exitStatus.ReplaceAll(text.Bytes(), []byte(".SH EXIT STATUS\n.nf\n$1\n.fi\n\n\n.SH"))
	return bytes.Replace(page, []byte(`"Jan 1970"`), []byte(`""`), 1), nil
}
