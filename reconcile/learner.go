package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/twin"
	"mainstay/reconcile/unfit"
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
	// Instance and Host are this agent and its machine, and Source where it reads the
	// document: by them it tells itself from another agent of the same name.
	Instance, Host string
	Source         plan.Source
	// Place names where claims and reports are kept, without credentials. What is
	// known of a claim is known of that place only.
	Place string
	// Load reads and validates a document; nil means LoadDocument.
	Load loader
	// Beside runs the reading of a document, which may take long or never end,
	// beside everything else; nil means a goroutine of its own.
	Beside func(read func())
	Clock  Clock
	Disk   Disk
	Log    *slog.Logger
}

// loader reads and validates a document and the templates it names. The
// conditions are its problems, for people; the deployment is nil with any.
type loader func(path string, document []byte, templates spec.TemplateReader) (*spec.Deployment, []plan.Condition)

// Learner looks at git. It is owned by one goroutine; every look bounds itself
// by its context, and what it learnt is in a Snapshot.
type Learner struct {
	LearnerConfig
	snap *Snapshot
	// refused is the newest tip that was not accepted, and why, so that it is
	// not fetched again on every look.
	refused string
	refusal []plan.Condition
	// override is the commit that a person named, and attest what was stated with it.
	override, attest string
	// withdrawn is the commit whose order came to nothing. Whoever gave the order says so
	// without a wait for a look that may be long.
	withdrawn atomic.Pointer[string]
	hashes    map[string]string   // report ref -> hash that was read
	unfit     unfit.Refs          // claims and reports that cannot be read
	back      map[string][]string // report ref -> hashes there were when the claim of its role went back
	twins     twin.Seen
	// othersRead is when all reports that had moved were read, in boot time.
	othersRead time.Duration
	// unsaved is what the disk did not take, by name.
	unsaved map[string]unsaved
	// recalled is what the disk knew when the agent started. It is not written
	// again.
	recalled *Snapshot
	// early takes what is known of this node's own claim as soon as that changed,
	// before anything else is read. It may be nil.
	early func(*Snapshot)

	// study is the reading of a document that is under way, nil without one, and
	// given the number of those that were given up and have not ended.
	study *study
	given atomic.Int32
	// listing is what the newest look was answered about claims and reports, and
	// known the seq of each claim before it.
	listing answered
	known   map[string]uint64
	// listed is the look that listed the branch as it is known now, and changed the newest
	// one that showed this node's claim changed by somebody else.
	listed, changed uint64
	// moved are the claims that are known from another place than Place, by role,
	// each with that place.
	moved map[string]string
	// ofDocument and ofClaims are what the newest look found wrong with either.
	ofDocument, ofClaims []plan.Condition
}

// answered is the answer to one listing.
type answered struct {
	Listing
	err error
}

type unsaved struct {
	value any
	err   error
}

// NewLearner returns a learner that knows what the disk knows.
func NewLearner(c LearnerConfig) *Learner {
	l := &Learner{LearnerConfig: c, hashes: map[string]string{}, back: map[string][]string{}, unfit: unfit.Refs{}, unsaved: map[string]unsaved{}, moved: map[string]string{}}
	if l.Load == nil {
		l.Load = LoadDocument
	}
	if l.Beside == nil {
		l.Beside = func(read func()) { go read() }
	}
	l.snap = &Snapshot{Known: l.Shared, Claims: map[string]plan.ClaimView{}, Reports: map[string]*plan.ReportView{}}
	l.recall()
	l.recalled = l.snap
	return l
}

// Snapshot returns what is known now.
func (l *Learner) Snapshot() *Snapshot { return l.snap }

// Look asks git once and returns what is known after it. A failed look keeps
// everything that was known.
//
// R1: the claims are read whatever becomes of the document. That is read beside
// them, and Look waits for it no longer than a moment: a snapshot whose Pending
// is set is followed by another one, from catchUp.
//
// The claims are listed with the branch, or before it. A claim may be newer than the
// document in force, and the snapshot says so: Seen is then another commit, or Pending or
// Behind is set. What the two sides tell each other does not rest on that order: readiness
// names its commit, and every report the claim's seq it was made under.
//
// A look takes at most twice the document's timeout, which is what the inequality
// of R7 allows for.
func (l *Learner) Look(ctx context.Context) *Snapshot { return l.look(ctx, true) }

// LookAtClaims is Look where only other nodes had something to say: it reads claims and
// reports, and no document. What is known of that keeps its age. Where both are in one
// place it is Look.
func (l *Learner) LookAtClaims(ctx context.Context) *Snapshot { return l.look(ctx, false) }

func (l *Learner) look(ctx context.Context, whole bool) *Snapshot {
	ctx, cancel := context.WithTimeout(ctx, 2*l.timeout())
	defer cancel()
	next := l.snap.clone()
	next.Looks++
	next.Began = l.Clock.Boot()
	l.saveAgain()
	l.known = maxSeqs(next)
	l.takeUp(next)
	if whole = whole || l.Shared; whole {
		next.Whole = next.Began
	}
	l.list(ctx, next, whole)
	l.coordinate(ctx, next)
	if whole {
		l.await(ctx, next)
	}
	return l.hand(next)
}

// LookWhole is Look, and waits until the document was read too.
func (l *Learner) LookWhole(ctx context.Context) *Snapshot {
	snap := l.Look(ctx)
	for snap.Pending && ctx.Err() == nil {
		select {
		case <-l.studied():
			snap = l.catchUp(ctx)
		case <-ctx.Done():
		}
	}
	return snap
}

// catchUp returns what is known once the document that was read beside the claims
// is in it.
func (l *Learner) catchUp(ctx context.Context) *Snapshot {
	ctx, cancel := context.WithTimeout(ctx, 2*l.timeout())
	defer cancel()
	next := l.snap.clone()
	before := next.Accepted
	if !l.takeUp(next) {
		return l.snap
	}
	if next.Accepted != before {
		l.coordinate(ctx, next)
	}
	return l.hand(next)
}

// hand makes next the newest snapshot.
func (l *Learner) hand(next *Snapshot) *Snapshot {
	next.Edition++
	next.Behind = l.changed > l.listed
	l.sayStudy(next)
	next.Conditions = slices.Concat(next.Conditions, l.ofDocument, l.refusal, l.ofClaims)
	l.sayUnsaved(next)
	l.snap = next
	return next
}

// list asks for the refs: of the claims first, and for a whole look of the branch with
// them or beside their reading.
func (l *Learner) list(ctx context.Context, next *Snapshot, whole bool) {
	if !l.Shared {
		if l.listing = l.listClaims(ctx); whole {
			l.begin(next, nil)
		}
		return
	}
	listing, err := bounded(ctx, l, l.Repository.List)
	l.listing = answered{listing, err}
	l.learnListing(next, listing, err, next.Looks)
	if err == nil {
		l.begin(next, &listing)
	}
}

// learnListing notes where the branch is, as a look listed it.
func (l *Learner) learnListing(next *Snapshot, listing Listing, err error, look uint64) {
	l.ofDocument = nil
	next.OK = err == nil
	if err != nil {
		l.ofDocument = warning(unreadType(err), "%v", err)
		return
	}
	next.LastRead, l.listed = l.Clock.Wall(), look
	if tip := listing.Refs[l.Branch]; tip != "" {
		next.Seen = tip
		return
	}
	l.ofDocument = warning(plan.CondNoBranch, "the repository has no %s", l.Branch)
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

func isPermanent(err error) bool { var p permanent; return errors.As(err, &p) && p.Permanent() }

// refusalType is the condition's word for a commit that was not accepted.
func refusalType(err error) string {
	var c conditioned
	if errors.As(err, &c) && c.Condition() != "" {
		return c.Condition()
	}
	return plan.CondCommitRefused
}

// unreadType is the condition's word for a repository that was not read.
func unreadType(err error) string {
	if kind := refusalType(err); kind != plan.CondCommitRefused {
		return kind
	}
	return plan.CondGitUnreachable
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
func (c *LearnerConfig) load(s Saved, read spec.TemplateReader) (*spec.Deployment, []plan.Condition) {
	return c.Load(c.Path, s.Document, func(name string) ([]byte, error) {
		b, err := read(name)
		if err == nil {
			s.Templates[name] = b
		}
		return b, err
	})
}

// accept makes a document the one in force. It is on disk first; a disk that
// fails is loud and does not stop a failover.
func (l *Learner) accept(next *Snapshot, s Saved, d *spec.Deployment) {
	l.save(acceptedFile, s)
	l.adopt(next, s.Commit, d)
	l.Log.Info("accepted", "commit", s.Commit, "active", d.Active, "attest", l.attest)
	l.refused, l.refusal, l.override, l.attest = "", nil, "", ""
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
		next.warn(plan.CondStateNotSaved, "%s could not be kept on disk: %v", name, l.unsaved[name].err)
	}
}

func (l *Learner) adopt(next *Snapshot, commit string, d *spec.Deployment) {
	if a := next.Accepted; a != nil && a.Deployment.Name != d.Name {
		next.Claims, next.Reports = map[string]plan.ClaimView{}, map[string]*plan.ReportView{}
		clear(l.hashes)
		clear(l.moved)
	}
	next.Accepted = &Accepted{Commit: commit, Digest: d.Digest(), Deployment: d, layout: layoutOf(d)}
	next.bySide = nil
	next.arrange(nil)
	for _, from := range []any{l.Repository, l.Coordination} {
		if n, can := from.(Narrower); can {
			n.Narrow(d.Name)
		}
	}
}

// Override lets a commit be accepted although it does not descend from the accepted
// one, by a person's order on the node, and with a statement also one that renames (R13).
func (l *Learner) Override(commit, attest string) {
	l.override, l.attest, l.refused = commit, attest, ""
	l.withdrawn.Store(nil)
}

// recall loads what earlier runs kept. A damaged file has been set aside by the
// disk; the agent learns again from git.
func (l *Learner) recall() {
	l.recallDocument()
	known := map[string]knownClaim{}
	if err := l.Disk.Load(claimsFile, &known); err == nil {
		for role, k := range known {
			l.snap.Claims[role] = l.recalledClaim(role, k)
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
