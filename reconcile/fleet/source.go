package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// ErrNoBranch says that a repository has no branch of the name that was asked for.
var ErrNoBranch = errors.New("has no branch")

// Source reads one place again and again. What did not move is not fetched
// twice. It belongs to one goroutine.
type Source struct {
	location Location
	repo     *git.Remote
	coord    git.Place
	mirrors  []*mirror
	docs     *documents
	reports  map[string]plan.Report
	tips     map[string]plan.Tip
	beats    map[string]beat
	now      func() time.Time
	asks     bool    // for the members of a cluster
	wide     *Source // of all deployments, once it was wanted
}

// Open prepares to read. Nothing is read before Read. Close it.
func Open(p Location) (*Source, error) {
	s := &Source{location: p, now: time.Now, reports: map[string]plan.Report{}, tips: map[string]plan.Tip{}, beats: map[string]beat{}}
	var err error
	if s.repo, err = s.open(p.URL); err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	if p.Deployment != "" {
		s.repo.Narrow(git.Branch(p.Branch), p.Deployment)
	}
	switch p.Coordination {
	case spec.CoordinationOff:
	case "", p.URL:
		s.coord = s.repo
	default:
		var m *mirror
		if s.coord, m, err = p.place(p.Coordination); m != nil {
			s.mirrors = append(s.mirrors, m)
		}
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("coordination: %w", err)
		}
		if p.Deployment != "" {
			s.coord.Narrow("", p.Deployment)
		}
	}
	return s, nil
}

func (s *Source) open(address string) (*git.Remote, error) {
	r, m, err := s.location.remote(address)
	if m != nil {
		s.mirrors = append(s.mirrors, m)
	}
	return r, err
}

// Close drops connections and copies.
func (s *Source) Close() {
	if s.repo != nil {
		s.repo.Close()
	}
	if s.coord != nil {
		s.coord.Close()
	}
	for _, m := range s.mirrors {
		m.remove()
	}
	if s.wide != nil {
		s.wide.Close()
	}
}

// update brings the copies up to date, if there are any.
func (s *Source) update(ctx context.Context, depth int) error {
	for _, m := range s.mirrors {
		if err := m.update(ctx, s.location.Branch, depth); err != nil {
			return fmt.Errorf("cannot read %s: %w", Shown(m.from), err)
		}
	}
	return nil
}

// readTries is how often a read begins again because something moved under it.
const readTries = 4

// Read reads the branch, the claims and the reports.
func (s *Source) Read(ctx context.Context) (*View, error) {
	var v *View
	var err error
	for range readTries {
		if v, err = s.readOnce(ctx); err != nil && !errors.Is(err, failure.ErrMoved) {
			return nil, err
		}
		if err == nil && !v.moved {
			break
		}
	}
	return v, err
}

// Names lists every deployment of the place, also when it is asked about one of them.
func (s *Source) Names(ctx context.Context) ([]string, error) {
	place := s.location
	place.Deployment = ""
	all, err := Open(place)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	v, err := all.Read(ctx)
	if err != nil {
		return nil, err
	}
	return v.Names(), nil
}

func (s *Source) readOnce(ctx context.Context) (*View, error) {
	if err := s.update(ctx, 1); err != nil {
		return nil, err
	}
	l, err := s.repo.List(ctx)
	if err != nil {
		return nil, err
	}
	ref := git.Branch(s.location.Branch)
	head := l.Refs[ref]
	if head == "" {
		return nil, fmt.Errorf("%s %w %s", Shown(s.location.URL), ErrNoBranch, s.location.Branch)
	}
	docs, err := s.documents(ctx, head)
	if err != nil {
		return nil, err
	}
	v, err := s.fill(ctx, docs, l.Refs)
	if err == nil {
		v.Timed = timed(l.Refs)
	}
	return v, err
}

// documents are those of a commit of the branch.
func (s *Source) documents(ctx context.Context, commit string) (*documents, error) {
	if s.docs == nil || s.docs.commit != commit {
		rev, err := s.repo.Revision(ctx, git.Branch(s.location.Branch), commit, "")
		if err != nil {
			return nil, err
		}
		if s.docs, err = readDocuments(rev, s.location.Path, s.location.Deployment); err != nil {
			return nil, err
		}
	}
	return s.docs, nil
}

// timed picks out the branches that ask for a switch at a time.
func timed(refs git.Refs) map[string]string {
	out := map[string]string{}
	for ref, commit := range refs {
		if name, is := strings.CutPrefix(ref, git.Branch(Timed)); is {
			out[Timed+name] = commit
		}
	}
	return out
}

// Head returns the commit that the branch is at, empty when there is no such
// branch.
func (s *Source) Head(ctx context.Context) (string, error) {
	if err := s.update(ctx, 1); err != nil {
		return "", err
	}
	l, err := s.repo.List(ctx)
	return l.Refs[git.Branch(s.location.Branch)], err
}

// Subject is a document that somebody has read already.
type Subject struct {
	Path string
	Spec *spec.Deployment
}

// About reads what the nodes of some documents say, without reading documents. The
// deployments of the view are in the order of the documents.
func (s *Source) About(ctx context.Context, about ...Subject) (*View, error) {
	if err := s.update(ctx, 1); err != nil {
		return nil, err
	}
	l, err := s.repo.List(ctx)
	if err != nil {
		return nil, err
	}
	docs := &documents{commit: l.Refs[git.Branch(s.location.Branch)]}
	for _, d := range about {
		docs.list = append(docs.list, document{path: d.Path, name: d.Spec.Name, spec: d.Spec, digest: d.Spec.Digest()})
	}
	return s.fill(ctx, docs, l.Refs)
}

// fill reads what the nodes wrote about documents.
func (s *Source) fill(ctx context.Context, docs *documents, refs git.Refs) (*View, error) {
	v := &View{
		Repository: Shown(s.location.URL), Branch: s.location.Branch, Commit: docs.commit, Author: docs.author,
		Subject: docs.subject, When: docs.when, Coordinated: s.coord != nil, Read: s.now(),
	}
	if s.coord != nil && s.coord != git.Place(s.repo) {
		l, err := s.coord.ListPrimary(ctx)
		if err != nil {
			return nil, fmt.Errorf("coordination: %w", err)
		}
		refs = l.Refs
	}
	if s.coord == nil {
		refs = nil
	}
	own := byDeployment(refs)
	failed := s.learn(ctx, docs, own)
	for _, err := range failed {
		v.moved = v.moved || errors.Is(err, failure.ErrMoved)
	}
	for _, d := range docs.list {
		v.Deployments = append(v.Deployments, s.deployment(d, own.of(d.name), failed))
	}
	if docs.all {
		s.renamed(ctx, v, own)
	}
	v.Members = s.members(ctx)
	v.judge()
	return v, nil
}

// learn reads every claim and report of the documents that moved, all at once:
// asking for them one by one would take a repository of many deployments minutes.
func (s *Source) learn(ctx context.Context, docs *documents, own refsOf) map[string]error {
	all := map[string]string{}
	for _, d := range docs.list {
		refs := own.of(d.name)
		for _, ref := range d.notes(refs) {
			all[ref] = refs[ref]
		}
	}
	return s.hear(ctx, s.unread(all))
}

// unread are those of the claims and reports that were not read yet.
func (s *Source) unread(all map[string]string) map[string]string {
	fresh := map[string]string{}
	for ref, hash := range all {
		_, report := s.reports[hash]
		if _, claim := s.tips[hash]; !report && !claim && hash != "" {
			fresh[ref] = hash
		}
	}
	return fresh
}

// hear reads claims and reports, and says of each why it could not be read.
func (s *Source) hear(ctx context.Context, fresh map[string]string) map[string]error {
	if len(fresh) == 0 {
		return nil
	}
	n := s.coord.Notes(ctx, fresh)
	for ref, t := range n.Claims {
		s.tips[fresh[ref]] = t
	}
	for ref, r := range n.Reports {
		s.reports[fresh[ref]] = r
	}
	return n.Errors
}

// deployment puts together what was read of one document.
func (s *Source) deployment(d document, refs git.Refs, failed map[string]error) Deployment {
	out := Deployment{Name: d.name, Path: d.path, Spec: d.spec, Problems: d.problems, Claims: map[string]Claim{}, Nodes: []Node{}}
	if d.spec != nil {
		out.Active, out.Fenced, out.Digest = d.spec.Active, d.spec.Fenced, d.digest
	}
	for _, role := range d.claimed(refs) {
		ref := git.ClaimRef(d.name, role)
		c := Claim{Tip: s.tips[refs[ref]]}
		if err := failed[ref]; err != nil {
			c.Error = err.Error()
		}
		out.Claims[role] = c
	}
	for _, name := range d.reported(refs) {
		ref := git.ReportRef(d.name, name)
		n := d.node(name)
		if r, ok := s.reports[refs[ref]]; ok && carries(&r, d.name, name) {
			n.Report, n.Moved = &r, s.moved(ref, refs[ref])
		} else if ok {
			n.Unreadable = fmt.Sprintf("its ref carries a report of %q in %q", r.Node, r.Deployment)
		}
		if err := failed[ref]; err != nil {
			n.Unreadable = err.Error()
		}
		out.Nodes = append(out.Nodes, n)
	}
	for _, name := range d.strangers(refs) {
		ref := git.ReportRef(d.name, name)
		if r, ok := s.reports[refs[ref]]; ok && carries(&r, d.name, name) {
			out.strangers = append(out.strangers, Node{Name: name, Report: &r, Moved: s.moved(ref, refs[ref])})
		}
	}
	for _, role := range d.leftRoles(refs) {
		if t, ok := s.tips[refs[git.ClaimRef(d.name, role)]]; ok && t.Holder.Side() != "" {
			out.left = append(out.left, fmt.Sprintf("%s of %s holds the claim of %s, and the document has no exclusive role of that name: "+
				"take a role out while nobody serves it", t.Node, t.Holder, role))
		}
	}
	return out
}

// carries reports whether a report is of the node and the deployment whose ref it was on: a
// report says what it likes, and whoever may write one node's ref speaks for no other.
func carries(r *plan.Report, deployment, node string) bool {
	return (r.Deployment == "" || r.Deployment == deployment) && (r.Node == "" || r.Node == node)
}

// Chain reads every change of a role's claim, newest first. When an older one is
// damaged the newer ones come with the error.
func (s *Source) Chain(ctx context.Context, deployment, role string) ([]git.Change, error) {
	if s.coord == nil {
		return nil, nil
	}
	if err := s.update(ctx, 0); err != nil {
		return nil, err
	}
	l, err := s.coord.ListPrimary(ctx)
	if err != nil {
		return nil, err
	}
	ref := git.ClaimRef(deployment, role)
	if l.Refs[ref] == "" {
		return nil, nil
	}
	return s.coord.Chain(ctx, ref, l.Refs[ref], 0)
}
