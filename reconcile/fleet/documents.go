package fleet

import (
	"fmt"
	"iter"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"mainstay/reconcile/git"
	"mainstay/schema"
	"mainstay/spec"
)

// documents are those of one commit.
type documents struct {
	commit, author, subject string
	when                    time.Time
	list                    []document
	// all says that the commit has no other documents.
	all bool
}

// document is one document, loaded as far as it could be.
type document struct {
	path, name string
	spec       *spec.Deployment
	digest     string
	problems   []schema.Problem
}

// Tree is a set of files that can be read by their paths.
type Tree interface {
	// Files lists the paths.
	Files() ([]string, error)
	// Read returns a file; an error for one that is not there is an
	// fs.ErrNotExist.
	Read(path string) ([]byte, error)
}

// readDocuments reads the document at a path, or all but those that say by their name
// that they are of another deployment than the one that is asked about.
func readDocuments(rev *git.Revision, only, deployment string) (*documents, error) {
	out := &documents{commit: rev.Commit, author: rev.Author, subject: rev.Subject, when: rev.When}
	if only != "" {
		data, err := rev.Read(only)
		if err != nil {
			return nil, err
		}
		out.list = []document{loadDocument(rev, only, data)}
		return out, nil
	}
	files, err := rev.Files()
	if err != nil {
		return nil, err
	}
	out.list, out.all = loadAll(&oneByOne{tree: rev}, files, deployment), deployment == ""
	if len(out.list) == 0 && deployment == "" {
		return nil, fmt.Errorf("commit %.7s holds no document", rev.Commit)
	}
	return out, nil
}

// loadAll loads those files that are documents, as many at a time as there are
// processors.
func loadAll(t Tree, files []string, deployment string) []document {
	found := make([]*document, len(files))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				if d, ok := candidate(t, files[i], deployment); ok {
					found[i] = &d
				}
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	wg.Wait()
	var list []document
	for _, d := range found {
		if d != nil {
			list = append(list, *d)
		}
	}
	return list
}

// oneByOne lets several read a tree that only one may read at a time.
type oneByOne struct {
	mu   sync.Mutex
	tree Tree
}

// Files lists the paths.
func (o *oneByOne) Files() ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tree.Files()
}

// Read returns a file.
func (o *oneByOne) Read(path string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tree.Read(path)
}

// candidate loads a file if it is a document, and may be that of the deployment that is
// asked about.
func candidate(t Tree, file, deployment string) (document, bool) {
	data, is := readDocument(t, file)
	if !is {
		return document{}, false
	}
	if n, named := spec.NameOf(file, data); deployment != "" && named && n.Name != deployment {
		return document{}, false
	}
	return loadDocument(t, file, data), true
}

// readDocument reads a file of a tree, if it is a document.
func readDocument(t Tree, file string) (data []byte, is bool) {
	if !spec.IsYAML(file) {
		return nil, false
	}
	data, err := t.Read(file)
	return data, err == nil && spec.KindOf(path.Base(file), data) == schema.Deployment
}

// Load reads a document of a tree with its templates, which are beside it.
func Load(t Tree, file string) (*spec.Deployment, []schema.Problem, error) {
	return NewLoader(t).Load(file)
}

// Loader loads documents of one tree. It looks for the names of all of them once,
// however many it loads.
type Loader struct {
	tree Tree
	// names are the documents by the names of their deployments, nil before the first
	// look.
	names map[string][]spec.Named
}

// NewLoader returns a loader of a tree, for one goroutine.
func NewLoader(t Tree) *Loader { return &Loader{tree: t} }

// Load reads a document with its templates, which are beside it. Another one of the
// same name is a problem.
func (l *Loader) Load(file string) (*spec.Deployment, []schema.Problem, error) {
	data, err := l.tree.Read(file)
	if err != nil {
		return nil, nil, err
	}
	d, problems := spec.Load(file, data, spec.TemplatesBeside(file, l.tree.Read))
	if name, ok := spec.NameOf(file, data); ok && len(problems) == 0 {
		if err := l.look(); err != nil {
			return nil, nil, err
		}
		problems = name.Among(l.names[name.Name])
	}
	if len(problems) > 0 {
		return nil, problems, nil
	}
	return d, nil, nil
}

func (l *Loader) look() error {
	if l.names != nil {
		return nil
	}
	files, err := l.tree.Files()
	if err != nil {
		return err
	}
	l.names = map[string][]spec.Named{}
	for _, file := range files {
		if !spec.IsYAML(file) {
			continue
		}
		data, err := l.tree.Read(file)
		if err != nil {
			continue // what cannot be read is no document
		}
		if n, ok := spec.NameOf(file, data); ok {
			l.names[n.Name] = append(l.names[n.Name], n)
		}
	}
	return nil
}

// Document is one that was loaded, or what is wrong with it.
type Document struct {
	Loaded   *spec.Deployment
	Problems []schema.Problem
}

// Documents loads the documents of a tree, by their files. A file that cannot be read is
// left out; the error is that the files could not be listed.
func Documents(t Tree) (iter.Seq2[string, Document], error) {
	files, err := t.Files()
	if err != nil {
		return nil, err
	}
	return func(yield func(string, Document) bool) {
		all := NewLoader(t)
		for _, f := range files {
			if !IsDocument(t, f) {
				continue
			}
			if d, problems, err := all.Load(f); err == nil && !yield(f, Document{d, problems}) {
				return
			}
		}
	}, nil
}

func loadDocument(t Tree, file string, data []byte) document {
	d := document{path: file}
	d.spec, d.problems = spec.Load(file, data, spec.TemplatesBeside(file, t.Read))
	if d.spec != nil {
		d.name, d.digest = d.spec.Name, d.spec.Digest()
		return d
	}
	if read, _ := schema.Read(schema.Deployment, file, data); read != nil {
		d.name, _ = read.Value["name"].(string)
	}
	return d
}

// claimed lists the roles that have a claim: those of the document, or of a
// document that does not load those that the refs show.
func (d document) claimed(refs git.Refs) []string {
	if refs == nil || d.name == "" {
		return nil
	}
	if d.spec == nil {
		return below(refs, git.ClaimRef(d.name, ""))
	}
	var roles []string
	for name, r := range d.spec.Roles {
		if r.Exclusive {
			roles = append(roles, name)
		}
	}
	slices.Sort(roles)
	return roles
}

// reported lists the nodes, those of the document or of a document that does not
// load those that the refs show.
func (d document) reported(refs git.Refs) []string {
	switch {
	case d.spec != nil:
		return Ordered(d.spec)
	case d.name != "":
		return below(refs, git.ReportRef(d.name, ""))
	}
	return nil
}

// notes lists the refs of the claims and the reports.
func (d document) notes(refs git.Refs) []string {
	if refs == nil {
		return nil
	}
	var out []string
	for _, role := range d.claimed(refs) {
		out = append(out, git.ClaimRef(d.name, role))
	}
	for _, name := range append(d.reported(refs), d.strangers(refs)...) {
		out = append(out, git.ReportRef(d.name, name))
	}
	for _, role := range d.leftRoles(refs) {
		out = append(out, git.ClaimRef(d.name, role))
	}
	return out
}

// mostStrangers is how many reports and how many claims are read that the document
// does not name.
const mostStrangers = 50

// strangers lists the nodes that have a report and are not in the document: their
// agent file may name them wrongly, or they were renamed.
func (d document) strangers(refs git.Refs) []string {
	if d.spec == nil {
		return nil
	}
	return unnamed(below(refs, git.ReportRef(d.name, "")), d.reported(refs))
}

// leftRoles lists the roles that have a claim and are no exclusive roles of the
// document.
func (d document) leftRoles(refs git.Refs) []string {
	if d.spec == nil {
		return nil
	}
	return unnamed(below(refs, git.ClaimRef(d.name, "")), d.claimed(refs))
}

// unnamed are those of names that known lacks, no more than mostStrangers.
func unnamed(names, known []string) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(known, name) })
	return names[:min(len(names), mostStrangers)]
}

// refsOf are the refs of each deployment, by what all of them begin with.
type refsOf map[string]git.Refs

// byDeployment sorts refs, once for however many documents. Nil refs stay unknown.
func byDeployment(refs git.Refs) refsOf {
	if refs == nil {
		return nil
	}
	own := refsOf{}
	for ref, hash := range refs {
		parts := strings.SplitAfterN(ref, "/", 4)
		if len(parts) < 4 {
			continue
		}
		start := ref[:len(ref)-len(parts[3])]
		if own[start] == nil {
			own[start] = git.Refs{}
		}
		own[start][ref] = hash
	}
	return own
}

// of are the refs of a deployment, nil when none are known at all.
func (r refsOf) of(deployment string) git.Refs {
	if r == nil {
		return nil
	}
	if own := r[git.RefsOf(deployment)]; own != nil {
		return own
	}
	return git.Refs{}
}

func below(refs git.Refs, prefix string) []string {
	var names []string
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			names = append(names, name)
		}
	}
	return names
}

func (d document) node(name string) Node {
	n := Node{Name: name}
	if d.spec != nil {
		n.Role, n.Side = d.spec.Nodes[name].Role, d.spec.Nodes[name].Side
	}
	return n
}

// Ordered lists the nodes as people think of them: what others follow first,
// then what follows it, then what is shared; main before standby.
func Ordered(d *spec.Deployment) []string {
	names := d.NodeNames()
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(sortKey(d, a), sortKey(d, b))
	})
	return names
}

func sortKey(d *spec.Deployment, name string) string {
	n := d.Nodes[name]
	r := d.Roles[n.Role]
	rank := 0
	if r.Follows != "" {
		rank++
	}
	if !r.Exclusive {
		rank += 2
	}
	return fmt.Sprintf("%d/%s/%s", rank, n.Role, n.Side)
}
