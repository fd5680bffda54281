// Package manual makes manual pages of commands. It must not know what they do.
package manual

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Write writes the page of a command and of all below it.
func Write(c *cobra.Command, dir string) error {
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() || below.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := Write(below, dir); err != nil {
			return err
		}
	}
	text, err := Page(c)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"), text, 0o644)
}

// exitStatus is how the exit codes stand in a description.
var exitStatus = regexp.MustCompile(`(?s)\.PP\nEXIT STATUS\n(.*?)\n\n\n\.SH`)

// Page is the page of a command: the same on every machine and day, so that
// pages can be compared, and with the exit codes where man(7) wants them.
func Page(c *cobra.Command) ([]byte, error) {
	never := time.Unix(0, 0).UTC()
	var text bytes.Buffer
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "mainstay", Manual: "mainstay", Date: &never}, &text); err != nil {
		return nil, err
	}
	page := exitStatus.ReplaceAll(text.Bytes(), []byte(".SH EXIT STATUS\n.nf\n$1\n.fi\n\n\n.SH"))
	return bytes.Replace(page, []byte(`"Jan 1970"`), []byte(`""`), 1), nil
}
