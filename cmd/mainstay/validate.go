package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plain"
	"mainstay/schema"
)

// validated is the JSON form of what validate found.
type validated struct {
	// Files are the documents and agents' files that were looked at.
	Files    []string         `json:"files"`
	Problems []schema.Problem `json:"problems"`
	// Warnings are of what nodes accept, and would better not.
	Warnings []string `json:"warnings,omitempty"`
}

func (a *app) validateCommand() *cobra.Command {
	rev, since := "", ""
	c := &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Check documents and agents' files",
		Long: "validate checks a file, or every document and agent's file below a folder, and prints each\n" +
			"problem with its line, its field and what would be right. Without a path it checks the\n" +
			"current folder. Templates are looked for beside their document. Both are read as git stores\n" +
			"them: what nodes would refuse, such as a link or an ignored file, is refused here too. Two\n" +
			"documents that were named together, or lie in one folder, must not have one name. With --rev it\n" +
			"reads a revision of the repository around, bare or not, and no file that lies there.\n" + endsWith(exitProblems),
		Example: "  mainstay validate\n  mainstay validate deployment.yaml\n  mainstay validate -o json examples\n  mainstay validate --rev HEAD",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, paths []string) error {
			switch {
			case rev != "" && len(paths) > 0:
				return failf(exitUsage, "--rev is for all documents of a revision").hintf("leave the paths out")
			case len(paths) == 0:
				paths = []string{"."}
			}
			return a.validate(c.Context(), paths, rev, since)
		},
	}
	c.Flags().StringVar(&rev, "rev", "", "check this revision, as a hook of the git server does")
	c.Flags().StringVar(&since, "since", "", "with --rev: what this older revision has wrong too is a warning")
	return c
}

func (a *app) validate(ctx context.Context, paths []string, rev, since string) error {
	v := fleet.NewValidation(ctx)
	defer v.Close()
	if rev != "" {
		if err := v.Revision(gitcmd.Repo{Dir: "."}, rev, since); err != nil {
			return notValidated(err)
		}
		paths = nil
	}
	for _, p := range paths {
		if err := v.Look(p); err != nil {
			return notValidated(err)
		}
	}
	v.End()
	if err := a.printValidated(validated{v.Files, v.Problems, v.Warnings}); err != nil {
		return err
	}
	if n := len(v.Problems); n > 0 {
		return failf(exitProblems, "%s in %s", count(n, "problem"), count(len(v.Files), "file"))
	}
	return nil
}

// notValidated says what to name when there is nothing to look at.
func notValidated(err error) error {
	var lost *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &lost):
		return failf(exitFailed, "there is no file or folder %s", lost.Path).hintf("name a document, an agent's file, or a folder that holds them")
	case errors.Is(err, fleet.ErrNoDocument):
		return failf(exitFailed, "%w", err).hintf("a document is a YAML file with apiVersion: mainstay/v1")
	}
	return err
}

func (a *app) printValidated(v validated) error {
	if a.format == "json" {
		return a.printJSON(v)
	}
	a.printProblems(a.out, v.Problems)
	for _, w := range v.Warnings {
		fmt.Fprintln(a.err, "warning: "+plain.Line(w))
	}
	if len(v.Problems) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(a.out, "%s, no problems\n", count(len(v.Files), "file"))
	return err
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
