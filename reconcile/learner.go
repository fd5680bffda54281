package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// LearnerConfig is what a Learner works with.
type LearnerConfig struct {
	// Node is this node's name, Branch the full ref of the branch, Path the
	// document's place in the repository.
	Node, Branch, Path string
	Repository         Repository
	// Coordination is nil in read-only mode (R8). Shared says that it is the
	// repository itself, so that one listing serves both.
	Coordination Coordination
	Shared       bool
	// Load reads and validates a document; nil means LoadDocument.
	Load  Loader
	Clock Clock
	Disk  Disk
	Log   *slog.Logger
}

// Loader reads and validates a document and the templates it names. The
// conditions are its problems, for people; the deployment is nil with any.
type Loader func(path string, document []byte, templates spec.TemplateReader) (*spec.Deployment, []plan.Condition)

// LoadDocument is spec.Load with its problems as conditions.
func LoadDocument(path string, document []byte, templates spec.TemplateReader) (*spec.Deployment, []plan.Condition) {
	d, problems := spec.Load(path, document, templates)
	var out []plan.Condition
	for _, p := range problems {
		out = append(out, plan.Condition{Type: "DocumentInvalid", Message: p.String()})
	}
	return d, out
}

// Learner looks at git. It is owned by one goroutine; every look bounds itself
// by its context, and what it learnt is in a Snapshot.
type Learner struct {
	LearnerConfig
	snap *Snapshot
	// refused is the newest tip that was not accepted, and why, so that it is
	// not fetched again on every look.
	refused  string
	refusal  []plan.Condition
	override string
	hashes   map[string]string // report ref -> hash that was read
	// othersRead is when all reports that had moved were read, in boot time.
	othersRead time.Duration
	// unsaved is what the disk did not take, by name.
	unsaved map[string]unsaved
	// recalled is what the disk knew when the agent started. It is not written
	// again.
	recalled *Snapshot
}

type unsaved struct {
	value any
	err   error
}

// NewLearner returns a learner that knows what the disk knows.
func NewLearner(c LearnerConfig) *Learner {
	l := &Learner{LearnerConfig: c, hashes: map[string]string{}, unsaved: map[string]unsaved{}}
	if l.Load == nil {
		l.Load = LoadDocument
	}
	l.snap = &Snapshot{Claims: map[string]plan.ClaimView{}, Reports: map[string]*plan.ReportView{}}
	l.recall()
	l.recalled = l.snap
	return l
}

// Snapshot returns what is known now.
func (l *Learner) Snapshot() *Snapshot { return l.snap }

// Look asks git once and returns what is known after it. A failed look keeps
// everything that was known.
//
// It takes at most twice the document's timeout, which is what the inequality of
// R7 allows for.
func (l *Learner) Look(ctx context.Context) *Snapshot {
	ctx, cancel := context.WithTimeout(ctx, 2*l.timeout())
	defer cancel()
	next := l.snap.clone()
	next.Looks++
	next.Began = l.Clock.Boot()
	next.OK = false
	l.saveAgain()
	claims, unheard := l.listClaims(ctx) // before the document, so that no claim is newer than it
	listing, err := bounded(ctx, l, l.Repository.List)
	if err != nil {
		next.warn("GitUnreachable", "the repository cannot be read: %v", err)
	} else {
		next.OK, next.LastRead = true, l.Clock.Wall()
		l.learnDocument(ctx, next, listing)
	}
	next.Conditions = append(next.Conditions, l.refusal...)
	if l.Shared {
		claims, unheard = listing, err
	}
	l.coordinate(ctx, next, claims, unheard)
	l.sayUnsaved(next)
	l.snap = next
	return next
}

// bounded makes one call to git within the accepted document's timeout (R7
// counts on that bound).
func bounded[T any](ctx context.Context, l *Learner, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout())
	defer cancel()
	return call(ctx)
}

// timeout is the hard bound on one git operation.
func (l *Learner) timeout() time.Duration {
	if a := l.snap.Accepted; a != nil {
		return a.Deployment.Agent.Timeout.D()
	}
	return DefaultTimeout
}

func (s *Snapshot) warn(kind, format string, args ...any) {
	s.Conditions = append(s.Conditions, plan.Condition{Type: kind, Message: fmt.Sprintf(format, args...)})
}

// learnDocument fetches, verifies and validates a tip that moved, and accepts
// it only once it is on disk. Whatever is wrong with it leaves the accepted
// document in force.
func (l *Learner) learnDocument(ctx context.Context, next *Snapshot, listing Listing) {
	tip := listing.Refs[l.Branch]
	if tip == "" {
		next.warn("NoBranch", "the repository has no %s", l.Branch)
		return
	}
	next.Seen = tip
	if next.Accepted != nil && next.Accepted.Commit == tip {
		l.refused, l.refusal = "", nil
		return
	}
	if l.refused == tip {
		return
	}
	l.refusal = nil
	saved, d, problems, err := l.fetch(ctx, next, tip)
	switch {
	case err != nil && listing.Mirror:
		next.warn("MirrorBehind", "a mirror has a commit that cannot be accepted from there: %v", err)
	case err != nil:
		l.refuse(tip, isPermanent(err), plan.Condition{Type: refusalType(err), Message: err.Error()})
	case len(problems) > 0:
		l.refuse(tip, true, problems...)
	default:
		l.accept(next, saved, d)
	}
}

func (l *Learner) refuse(tip string, permanent bool, why ...plan.Condition) {
	l.refusal = why
	l.refused = ""
	if permanent {
		l.refused = tip
	}
	for _, c := range why {
		l.Log.Warn("commit not accepted", "commit", tip, "type", c.Type, "reason", c.Message)
	}
}

func isPermanent(err error) bool {
	var p Permanent
	return errors.As(err, &p) && p.Permanent()
}

// refusalType is the condition's word for a commit that was not accepted.
func refusalType(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) && k.Kind() != "" {
		return k.Kind()
	}
	return "CommitRefused"
}

// Saved is the accepted document as it is kept on disk.
type Saved struct {
	Commit    string            `json:"commit"`
	Document  []byte            `json:"document"`
	Templates map[string][]byte `json:"templates,omitempty"`
}

const (
	acceptedFile = "accepted"
	claimsFile   = "claims"
)

// load validates what was fetched or saved, and keeps in s what it read.
func (l *Learner) load(s Saved, read spec.TemplateReader) (*spec.Deployment, []plan.Condition) {
	return l.Load(l.Path, s.Document, func(name string) ([]byte, error) {
		b, err := read(name)
		if err == nil {
			s.Templates[name] = b
		}
		return b, err
	})
}

// fetch reads the document of a tip and everything it names.
func (l *Learner) fetch(ctx context.Context, next *Snapshot, tip string) (Saved, *spec.Deployment, []plan.Condition, error) {
	s := Saved{Commit: tip, Templates: map[string][]byte{}}
	accepted := ""
	if next.Accepted != nil && l.override != tip {
		accepted = next.Accepted.Commit
	}
	rev, err := bounded(ctx, l, func(ctx context.Context) (Revision, error) {
		return l.Repository.Revision(ctx, tip, accepted)
	})
	if err != nil {
		return s, nil, nil, fmt.Errorf("commit %.12s: %w", tip, err)
	}
	if s.Document, err = rev.Read(l.Path); err != nil {
		return s, nil, nil, fmt.Errorf("commit %.12s: %s: %w", tip, l.Path, err)
	}
	d, problems := l.load(s, spec.TemplatesBeside(l.Path, rev.Read))
	if len(problems) == 0 {
		problems = l.fits(next, d, tip)
	}
	return s, d, problems, nil
}

// fits refuses a document that would take this node away from its claim: under
// another name nothing would fence the two sides from each other.
func (l *Learner) fits(next *Snapshot, d *spec.Deployment, tip string) []plan.Condition {
	if _, ok := d.Nodes[l.Node]; !ok {
		return []plan.Condition{{Type: "NodeUnknown", Message: fmt.Sprintf(
			"%s has no node %q: name it under nodes, or set node in the agent file", l.Path, l.Node)}}
	}
	if a := next.Accepted; a != nil && a.Deployment.Name != d.Name && l.override != tip {
		return []plan.Condition{{Type: "DeploymentRenamed", Message: fmt.Sprintf(
			"%s renames the deployment from %q to %q, which would leave its claims behind: "+
				"run mainstay accept %.12s on each node if that is meant", l.Path, a.Deployment.Name, d.Name, tip)}}
	}
	return nil
}

// accept makes a document the one in force. It is on disk first; a disk that
// fails is loud and does not stop a failover.
func (l *Learner) accept(next *Snapshot, s Saved, d *spec.Deployment) {
	l.save(acceptedFile, s)
	l.adopt(next, s.Commit, d)
	l.refused, l.refusal, l.override = "", nil, ""
	l.Log.Info("accepted", "commit", s.Commit, "active", d.Active)
}

// save keeps a value on disk. What could not be kept is tried again at every
// look, and said until then.
func (l *Learner) save(name string, v any) {
	delete(l.unsaved, name)
	if err := l.Disk.Save(name, v); err != nil {
		l.unsaved[name] = unsaved{v, err}
		l.Log.Error("save state", "name", name, "error", err)
	}
}

func (l *Learner) saveAgain() {
	for _, name := range slices.Sorted(maps.Keys(l.unsaved)) {
		l.save(name, l.unsaved[name].value)
	}
}

func (l *Learner) sayUnsaved(next *Snapshot) {
	for _, name := range slices.Sorted(maps.Keys(l.unsaved)) {
		next.warn("StateNotSaved", "%s could not be kept on disk: %v", name, l.unsaved[name].err)
	}
}

func (l *Learner) adopt(next *Snapshot, commit string, d *spec.Deployment) {
	if a := next.Accepted; a != nil && a.Deployment.Name != d.Name {
		next.Claims, next.Reports = map[string]plan.ClaimView{}, map[string]*plan.ReportView{}
		clear(l.hashes)
	}
	next.Accepted = &Accepted{Commit: commit, Digest: d.Digest(), Deployment: d, layout: layoutOf(d)}
	next.bySide = nil
	next.arrange(nil)
}

// Override lets a commit be accepted although it does not descend from the
// accepted one, by a person's order on the node (section 5).
func (l *Learner) Override(commit string) {
	l.override, l.refused = commit, ""
}

// recall loads what earlier runs kept. A damaged file has been set aside by the
// disk; the agent learns again from git.
func (l *Learner) recall() {
	l.recallDocument()
	known := map[string]knownClaim{}
	if err := l.Disk.Load(claimsFile, &known); err == nil {
		for role, k := range known {
			l.snap.Claims[role] = plan.ClaimView{Tip: k.Tip, Joined: k.Joined}
		}
	}
}

func (l *Learner) recallDocument() {
	var s Saved
	if err := l.Disk.Load(acceptedFile, &s); err != nil || s.Commit == "" {
		return
	}
	kept := s.Templates
	s.Templates = map[string][]byte{}
	d, problems := l.load(s, func(name string) ([]byte, error) {
		if b, ok := kept[name]; ok {
			return b, nil
		}
		return nil, fmt.Errorf("template %s was not kept", name)
	})
	if len(problems) > 0 {
		l.Log.Error("the accepted document on disk does not validate any more", "commit", s.Commit)
		return
	}
	l.adopt(l.snap, s.Commit, d)
}
