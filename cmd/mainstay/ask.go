package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/initial"
	"mainstay/cmd/mainstay/ui"
)

// askInit asks, on a terminal, for what no flag says, unless --template says that
// the person knows what to write. A wrong answer is asked for again, with the
// reason.
func (a *app) askInit(c *cobra.Command, o *initial.Options, folder string, nodes *string) error {
	if !ui.IsTerminal(a.in) || c.Flags().Changed("template") {
		return nil
	}
	if err := a.askAll(c, initial.Questions(o), o, folder); err != nil {
		return err
	}
	return a.askAll(c, initial.OfNodes(o, nodes), o, folder)
}

func (a *app) askAll(c *cobra.Command, questions []initial.Question, o *initial.Options, folder string) error {
	for _, q := range questions {
		if q.Said || c.Flags().Changed(q.Flag) && q.Flag != "address" {
			if wrong := q.Wrong(); wrong != nil {
				return misused(wrong)
			}
			continue
		}
		switch {
		case q.Flag == "name":
			o.Name = strings.ToLower(filepath.Base(folder))
		case q.Flag == "origin" && o.Template == initial.Local:
			o.Origin = o.Name + ".git"
		}
		if err := a.ask(c, q); err != nil {
			return err
		}
	}
	return nil
}

// ask asks until the answer will do. An empty one is the value that stands in
// brackets.
func (a *app) ask(c *cobra.Command, q initial.Question) error {
	otherwise := *q.Value
	if q.Wrong() != nil {
		otherwise = ""
	}
	for {
		fmt.Fprintf(a.err, "%s [%s] ", q.Text, otherwise)
		line, err := ui.Answer(c.Context(), a.in)
		if err != nil {
			fmt.Fprintln(a.err)
			return failf(exitFailed, "nothing was written")
		}
		if *q.Value = line; line == "" {
			*q.Value = otherwise
		}
		wrong := q.Wrong()
		if wrong == nil {
			return nil
		}
		fmt.Fprintf(a.err, "  %s: %s\n", wrong, wrong.Advice)
	}
}

// misused is an answer that will not do, as a fault.
func misused(w *initial.Wrong) error { return failf(exitUsage, "%w", w).hintf("%s", w.Advice) }
