// Package places opens what a node's own file names: the repository of the document, and
// where claims and reports live, be that a repository or an etcd cluster.
//
// It must not know what is read there.
package places

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/acceptance"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

// Document is the repository of the document, as the loop asks for it. What it lists shows
// a person's note too.
type Document struct {
	git.Document
	desk *Desk
}

// Desk takes up the notes of people.
type Desk = acceptance.Desk

// List implements reconcile.Repository.
func (d Document) List(ctx context.Context) (reconcile.Listing, error) {
	l, err := d.Document.List(ctx)
	if err == nil && !l.Mirror {
		d.desk.Saw(l.Refs)
	}
	return l, err
}

// Places are what an agent reads and writes.
type Places struct {
	Document Document
	// Desk takes up the notes that are listed with the document.
	Desk *Desk
	// Repository is where the document is, without credentials, and Branch the full name
	// of its branch.
	Repository, Branch string
	// Claims is nil where nobody coordinates (R8). Shared says that it is the document's
	// repository, and At where it is, without credentials.
	Claims reconcile.Coordination
	Shared bool
	At     string
	// Place is the place itself, as a person's tools ask for it.
	Place git.Place
	// Cluster is where the claims live when that is an etcd cluster, and nil otherwise.
	Cluster *etcd.Client
}

// Open opens both. Nothing is asked before it is used. The chains of the claims are kept
// on the disk (R10), and every call is bounded by timeout.
func Open(f *spec.AgentFile, disk *state.Folder, timeout time.Duration, log *slog.Logger) (*Places, error) {
	repo, err := open(git.OptionsOf(f), timeout, log)
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	document, branch := git.NewDocument(repo, f.Repository.Branch), git.Branch(f.Repository.Branch)
	p := &Places{Repository: repo.URL(), Branch: branch}
	p.Desk = acceptance.NewDesk(acceptance.Config{Branch: branch, Disk: disk, Read: document.Lone, Changes: p.changes, Log: log,
		Trust: acceptance.Trust{Signers: f.Verify.AllowedSigners, Policy: f.Verify.Policy, Skew: f.Verify.Skew.D()}})
	p.Document = Document{document, p.Desk}
	place, err := p.place(f, repo, timeout, log)
	if err != nil {
		return nil, fmt.Errorf("coordination: %w", err)
	}
	if place != nil {
		p.Claims, p.At, p.Place = git.NewCoordination(place, git.NewChainStore(disk), log), place.URL(), place
	}
	return p, nil
}

// mostChanges is how many changes of a claim are read to see what a person's order came to.
const mostChanges = 50

// changes reads the newest changes of a claim.
func (p *Places) changes(ctx context.Context, deployment, role, tip string) (all []plan.Tip, err error) {
	if p.Place == nil || tip == "" {
		return nil, nil
	}
	read, err := p.Place.Chain(ctx, git.ClaimRef(deployment, role), tip, mostChanges)
	for _, c := range read {
		all = append(all, c.Tip)
	}
	return all, err
}

// place opens where claims and reports live. Without one (R8) it is nil.
func (p *Places) place(f *spec.AgentFile, repo *git.Remote, timeout time.Duration, log *slog.Logger) (git.Place, error) {
	o, same := git.CoordinationOf(f)
	switch {
	case f.Coordination.Off():
		return nil, nil
	case same:
		p.Shared = true
		return repo, nil
	case f.Coordination.Cluster():
		o := etcd.OptionsOf(f)
		o.Timeout, o.Log = timeout, log
		c, err := etcd.Open(o)
		if err != nil {
			return nil, err
		}
		p.Cluster = c
		return c, nil
	}
	r, err := open(o, timeout, log)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func open(o git.Options, timeout time.Duration, log *slog.Logger) (*git.Remote, error) {
	o.Timeout, o.Log = timeout, log
	return git.Open(o)
}
