package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"mainstay/reconcile/gitcmd"
	"mainstay/schema"
	"mainstay/spec"
)

// ErrNoDocument means that a folder holds neither a document nor an agent's file.
var ErrNoDocument = errors.New("no document")

// Validation reads files as nodes would read them, and keeps what is wrong with
// them.
type Validation struct {
	// Files are the documents and agents' files that were looked at.
	Files    []string
	Problems []schema.Problem
	// Warnings are of what nodes accept, and would better not.
	Warnings []string

	ctx   context.Context
	names []spec.Named
	// before is what was wrong with an older revision.
	before []schema.Problem
	// checkouts holds the folders that were opened, by their paths.
	checkouts map[string]*checkout
}

// NewValidation returns one of nothing yet. It must be closed.
func NewValidation(ctx context.Context) *Validation {
	return &Validation{ctx: ctx, Files: []string{}, Problems: []schema.Problem{}, checkouts: map[string]*checkout{}}
}

// End adds what is wrong with all files together: two documents of one name. Problems that
// are no news become warnings.
func (v *Validation) End() {
	v.Problems = append(v.Problems, spec.SameNames(v.names)...)
	v.Problems = slices.DeleteFunc(v.Problems, func(p schema.Problem) bool {
		old := slices.ContainsFunc(v.before, func(o schema.Problem) bool {
			return o.File == p.File && o.Path == p.Path && o.Message == p.Message
		})
		if old {
			v.Warnings = append(v.Warnings, "wrong before already: "+p.String())
		}
		return old
	})
}

// checkout is the top of a checkout, or a folder outside of one.
type checkout struct {
	top    string
	index  *spec.Index
	folder *spec.Folder
}

// Close lets go of the folders that were opened.
func (v *Validation) Close() {
	for _, c := range v.checkouts {
		_ = c.folder.Close()
	}
}

// Look checks one path: a file as what it is, a folder with all that it holds. The
// error is ErrNoDocument for a folder without any.
func (v *Validation) Look(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return v.check(path, spec.NamedKind(os.DirFS(filepath.Dir(path)), filepath.Base(path)))
	}
	found, err := spec.Find(os.DirFS(path), ".")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("%w below %s", ErrNoDocument, path)
	}
	for _, f := range found {
		if err := v.check(filepath.Join(path, filepath.FromSlash(f.Path)), f.Kind); err != nil {
			return err
		}
	}
	return nil
}

// Revision checks all documents and agents' files of a revision, whether or not it is
// checked out anywhere. Problems that an older revision, if one is named, has as well are
// warnings. The error is ErrNoDocument for a revision without any document.
func (v *Validation) Revision(repo gitcmd.Repo, rev, since string) error {
	if err := v.revision(repo, rev); err != nil || since == "" || len(v.Problems)+len(spec.SameNames(v.names)) == 0 {
		return err
	}
	before := NewValidation(v.ctx)
	defer before.Close()
	if err := before.revision(repo, since); err != nil && !errors.Is(err, ErrNoDocument) {
		return err
	}
	before.End()
	v.before = before.Problems
	return nil
}

func (v *Validation) revision(repo gitcmd.Repo, rev string) error {
	tree := repo.At(v.ctx, rev)
	names, err := tree.Files()
	if err != nil {
		return err
	}
	for _, name := range names {
		ext := path.Ext(name)
		if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || ext != ".yaml" && ext != ".yml" {
			continue
		}
		data, err := tree.Read(name)
		if err != nil && strings.TrimSuffix(path.Base(name), ext) == "deployment" {
			_, problems := spec.LoadFrom(name, tree.Read) // the usual name of a document, and nodes cannot read it
			v.add(name, nil, problems)
		}
		switch spec.KindOf(name, data) {
		case schema.Agent:
			file, problems := spec.LoadAgentFile(name, data)
			v.add(name, file, problems)
		case schema.Deployment:
			if n, ok := spec.NameOf(name, data); ok {
				v.names = append(v.names, n)
			}
			_, problems := spec.LoadFrom(name, tree.Read)
			v.add(name, nil, problems)
		}
	}
	if len(v.Files) == 0 {
		return fmt.Errorf("%w in %s", ErrNoDocument, rev)
	}
	return nil
}

// add keeps what was found in a file.
func (v *Validation) add(path string, file *spec.AgentFile, problems []schema.Problem) {
	if file != nil {
		for _, address := range file.PlainHTTP() {
			v.Warnings = append(v.Warnings, fmt.Sprintf("%s: %s is plain http: whoever is on the way reads it, and answers in its place (use https or ssh)", path, address))
		}
	}
	for i := range problems {
		problems[i].File = path
	}
	v.Files = append(v.Files, path)
	v.Problems = append(v.Problems, problems...)
}

// check reads one file; its problems carry the path as it was named.
func (v *Validation) check(path string, kind schema.Kind) error {
	if kind == schema.Agent {
		file, problems := spec.LoadAgentFS(os.DirFS(filepath.Dir(path)), filepath.Base(path))
		v.add(path, file, problems)
		return nil
	}
	problems, err := v.document(path)
	if err == nil {
		v.add(path, nil, problems)
	}
	return err
}

// document reads a document and its templates from the checkout around it.
func (v *Validation) document(path string) ([]schema.Problem, error) {
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
func (v *Validation) around(dir string) (*checkout, error) {
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
