package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"mainstay/reconcile/gitcmd"
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
			"current folder. Templates are looked for beside their document. Both are read as git stores\n" +
			"them: what nodes would refuse, such as a link or an ignored file, is refused here too. Two\n" +
			"documents that were named together, or lie in one folder, must not have one name.\n" + endsWith(exitProblems),
		Example: "  mainstay validate\n  mainstay validate deployment.yaml\n  mainstay validate -o json examples",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			return a.validate(c.Context(), paths)
		},
	}
}

func (a *app) validate(ctx context.Context, paths []string) error {
	v := &validation{ctx: ctx, found: validated{Files: []string{}, Problems: []schema.Problem{}}, checkouts: map[string]*checkout{}}
	defer v.close()
	for _, p := range paths {
		if err := v.look(p); err != nil {
			return err
		}
	}
	v.found.Problems = append(v.found.Problems, spec.SameNames(v.names)...)
	if err := a.printValidated(v.found); err != nil {
		return err
	}
	if n := len(v.found.Problems); n > 0 {
		return failf(exitProblems, "%s in %s", count(n, "problem"), count(len(v.found.Files), "file"))
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

// validation reads files as nodes would read them.
type validation struct {
	ctx   context.Context
	found validated
	names []spec.Named
	// checkouts holds the folders that were opened, by their paths.
	checkouts map[string]*checkout
}

// checkout is the top of a checkout, or a folder outside of one.
type checkout struct {
	top    string
	index  *spec.Index
	folder *spec.Folder
}

func (v *validation) close() {
	for _, c := range v.checkouts {
		_ = c.folder.Close()
	}
}

// look checks one path: a file as what it is, a folder with all that it holds.
func (v *validation) look(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return failf(exitFailed, "%w", err).hintf("name a document, an agent's file, or a folder that holds them")
	}
	if !info.IsDir() {
		return v.check(path, kindOfFile(path))
	}
	found, err := spec.Find(os.DirFS(path), ".")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return failf(exitFailed, "no document below %s", path).hintf("a document is a YAML file with apiVersion: mainstay/v1")
	}
	for _, f := range found {
		if err := v.check(filepath.Join(path, filepath.FromSlash(f.Path)), f.Kind); err != nil {
			return err
		}
	}
	return nil
}

// kindOfFile tells what a file that was named is; one that says nothing about
// itself is taken for a document.
func kindOfFile(path string) schema.Kind {
	found, err := spec.Find(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err == nil && len(found) == 1 {
		return found[0].Kind
	}
	return schema.Deployment
}

// check reads one file; its problems carry the path as it was named.
func (v *validation) check(path string, kind schema.Kind) error {
	var problems []schema.Problem
	if kind == schema.Agent {
		_, problems = spec.LoadAgentFS(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	} else {
		var err error
		if problems, err = v.document(path); err != nil {
			return err
		}
	}
	for i := range problems {
		problems[i].File = path
	}
	v.found.Files = append(v.found.Files, path)
	v.found.Problems = append(v.found.Problems, problems...)
	return nil
}

// document reads a document and its templates from the checkout around it.
func (v *validation) document(path string) ([]schema.Problem, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, err
	}
	c, err := v.around(dir)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(c.top, filepath.Join(dir, filepath.Base(path)))
	if err != nil {
		return nil, err
	}
	_, problems := spec.LoadFrom(filepath.ToSlash(name), c.folder.Read)
	if data, err := c.folder.Read(filepath.ToSlash(name)); err == nil {
		if n, ok := spec.NameOf(path, data); ok {
			v.names = append(v.names, n)
		}
	}
	return problems, nil
}

// around opens the checkout that a folder is in, or the folder itself.
func (v *validation) around(dir string) (*checkout, error) {
	if c := v.checkouts[dir]; c != nil {
		return c, nil
	}
	c := &checkout{top: dir}
	if repo, err := gitcmd.Top(v.ctx, dir); err == nil {
		if index, err := repo.Index(v.ctx); err == nil {
			c.top, c.index = repo.Dir, index
		}
	}
	folder, err := spec.OpenFolder(c.top, c.index)
	if err != nil {
		return nil, err
	}
	c.folder = folder
	v.checkouts[dir] = c
	return c, nil
}
