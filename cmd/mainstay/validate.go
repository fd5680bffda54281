package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"mainstay/schema"
	"mainstay/spec"
)

// validated is the JSON form of what validate found.
type validated struct {
	// Files are the documents and agents' files that were looked at.
	Files    []string         `json:"files"`
	Problems []schema.Problem `json:"problems"`
}

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Check documents and agents' files",
		Long: "validate checks a file, or every document and agent's file below a folder, and prints each\n" +
			"problem with its line, its field and what would be right. Without a path it checks the\n" +
			"current folder. Templates are looked for beside their document.\n" + exitStatusHelp,
		Example: "  mainstay validate\n  mainstay validate deployment.yaml\n  mainstay validate -o json examples",
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			return a.validate(paths)
		},
	}
}

func (a *app) validate(paths []string) error {
	result := validated{Files: []string{}, Problems: []schema.Problem{}}
	for _, p := range paths {
		if err := result.look(p); err != nil {
			return err
		}
	}
	if err := a.printValidated(result); err != nil {
		return err
	}
	if n := len(result.Problems); n > 0 {
		return failf(exitProblems, "%s in %s", count(n, "problem"), count(len(result.Files), "file"))
	}
	return nil
}

func (a *app) printValidated(v validated) error {
	if a.format == "json" {
		return a.printJSON(v)
	}
	a.printProblems(a.out, v.Problems)
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

// look checks one path: a file as what it is, a folder with all that it holds.
func (v *validated) look(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return failf(exitFailed, "%w", err).hintf("name a document, an agent's file, or a folder that holds them")
	}
	if !info.IsDir() {
		v.check(path, kindOfFile(path))
		return nil
	}
	found, err := spec.Find(os.DirFS(path), ".")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return failf(exitFailed, "no document below %s", path).hintf("a document is a YAML file with apiVersion: mainstay/v1")
	}
	for _, f := range found {
		v.check(filepath.Join(path, filepath.FromSlash(f.Path)), f.Kind)
	}
	return nil
}

// kindOfFile tells what a file that was named is; one that says nothing about
// itself is taken for a document.
func kindOfFile(path string) schema.Kind {
	data, err := os.ReadFile(path)
	if err == nil {
		if k := spec.KindOf(filepath.Base(path), data); k != "" {
			return k
		}
	}
	return schema.Deployment
}

// check reads one file; its problems carry the path as it was named.
func (v *validated) check(path string, kind schema.Kind) {
	tree, name := os.DirFS(filepath.Dir(path)), filepath.Base(path)
	var problems []schema.Problem
	if kind == schema.Agent {
		_, problems = spec.LoadAgentFS(tree, name)
	} else {
		_, problems = spec.LoadFS(tree, name)
	}
	for i := range problems {
		problems[i].File = path
	}
	v.Files = append(v.Files, path)
	v.Problems = append(v.Problems, problems...)
}
