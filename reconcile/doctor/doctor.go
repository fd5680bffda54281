// Package doctor looks for what would make a node fail when it is needed: before
// trouble does. Every finding says what to do.
//
// It changes nothing but one ref that nobody reads, which it takes away again,
// and it must not know how findings are shown.
package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/spec"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	Level Level `json:"level"`
	// Area is what was looked at: agent, git, etcd, document, services, files, clock,
	// handover, security.
	Area string `json:"area"`
	Text string `json:"text"`
	// Do says what a person should do, empty when all is well.
	Do string `json:"do,omitempty"`
}

// refuses is what to know of a commit that cannot be accepted.
const refuses = "the agent refuses this commit too, and goes by the one before"

// bound is how long one look at something outside may take.
const bound = 10 * time.Second

// Examine looks at everything that the node's own file and the document name.
func Examine(ctx context.Context, f *spec.AgentFile, log *slog.Logger) []Finding {
	e := &examiner{file: f, log: log, now: time.Now}
	e.agent(ctx)
	e.plainHTTP()
	e.secrets()
	d := e.repository(ctx)
	if d == nil {
		return e.found
	}
	e.document(d)
	w, err := d.Want(f.Node)
	if err != nil {
		return e.found
	}
	e.coordination(ctx, d)
	e.services(ctx, w)
	e.programs(w)
	e.folders(w)
	e.handover(w)
	e.probes(ctx, d, w)
	return e.found
}

// examiner collects the findings on one node.
type examiner struct {
	file  *spec.AgentFile
	log   *slog.Logger
	now   func() time.Time
	found []Finding
	// accepted is the commit that the agent goes by, empty when it does not answer.
	accepted string
}

// open opens a repository of the agent's file.
func (e *examiner) open(o git.Options) (*git.Remote, error) {
	o.Timeout, o.Log = bound, e.log
	return git.Open(o)
}

func (e *examiner) ok(area, format string, args ...any) {
	e.found = append(e.found, Finding{Level: OK, Area: area, Text: fmt.Sprintf(format, args...)})
}

func (e *examiner) warn(area, text, do string) {
	e.found = append(e.found, Finding{Level: Warn, Area: area, Text: text, Do: do})
}

func (e *examiner) fail(area, text, do string) {
	e.found = append(e.found, Finding{Level: Fail, Area: area, Text: text, Do: do})
}

// hintOf is what an error says that a person should do.
func hintOf(err error, otherwise string) string {
	if h, ok := errorAs[interface{ Hint() string }](err); ok && h.Hint() != "" {
		return h.Hint()
	}
	return otherwise
}

// repository reads the document as the agent would, and returns it when it
// loads.
func (e *examiner) repository(ctx context.Context) *spec.Deployment {
	r := e.file.Repository
	remote, err := e.open(git.OptionsOf(e.file))
	if err != nil {
		e.fail("git", "the repository cannot be opened: "+err.Error(), hintOf(err, "correct repository in the agent's file"))
		return nil
	}
	defer remote.Close()
	l, err := remote.ListPrimary(ctx)
	if err != nil {
		e.fail("git", err.Error(), hintOf(err, "is the repository's address right, and is it reachable from here?"))
		return nil
	}
	ref := git.Branch(r.Branch)
	if l.Refs[ref] == "" {
		e.fail("git", fmt.Sprintf("%s has no branch %s", l.From, r.Branch), "correct repository.branch in the agent's file")
		return nil
	}
	rev, err := remote.Revision(ctx, ref, l.Refs[ref], e.accepted)
	if err != nil {
		e.fail("git", err.Error(), hintOf(err, refuses))
		return nil
	}
	e.ok("git", "%s is readable, %s is at %.7s %q", l.From, r.Branch, rev.Commit, rev.Subject)
	if rev.Signer != "" {
		e.ok("git", "the commit is signed by %s", rev.Signer)
	}
	e.serverClock(ctx)
	return e.load(rev)
}

func (e *examiner) load(rev *git.Revision) *spec.Deployment {
	d, problems, err := fleet.Load(rev, e.file.Repository.Path)
	switch {
	case err != nil:
		e.fail("document", err.Error(), "correct repository.path in the agent's file")
	case len(problems) > 0:
		e.fail("document", problems[0].String(), "mainstay validate lists every problem")
	}
	if d != nil {
		e.vouched(rev, d)
	}
	return d
}

// vouched holds the commits since the one that the agent goes by against who may change
// the document, as the agent does. Without an agent that answers the newest commit alone
// is judged, and that is said.
func (e *examiner) vouched(rev *git.Revision, d *spec.Deployment) {
	if e.file.Verify.AllowedSigners == "" {
		return
	}
	files := []string{path.Clean(e.file.Repository.Path)}
	for _, name := range slices.Sorted(maps.Keys(d.Templates)) {
		files = append(files, path.Join(path.Dir(files[0]), name))
	}
	switch err := rev.Vouch(d.Name, e.file.Repository.Branch, files); {
	case err != nil:
		e.fail("git", err.Error(), hintOf(err, refuses))
	case e.accepted == "":
		e.warn("git", "the newest commit alone was verified: the agent does not answer, so the commits since the one that it goes by are not known",
			"start the agent and run doctor again")
	}
}

// document holds the document against what this node is and allows.
func (e *examiner) document(d *spec.Deployment) {
	w, err := d.Want(e.file.Node)
	if err != nil {
		e.fail("document", fmt.Sprintf("%s has no node %s", d.Name, e.file.Node), "set node in the agent's file to one of its nodes, or add it to the document")
		return
	}
	refusals := e.file.Allow.Refusals(w)
	for _, r := range refusals {
		e.fail("document", r.Error(), "the agent refuses the whole document until this is allowed")
	}
	if len(refusals) == 0 {
		e.ok("document", "%s is valid, and this node allows all that it asks of %s", d.Name, e.file.Node)
	}
}

// coordination tries out whether this node may push a claim.
func (e *examiner) coordination(ctx context.Context, d *spec.Deployment) {
	if e.file.Coordination.Off() {
		e.warn("git", "coordination is off: no claim keeps the two sides apart (R8)", "let this node push, if that is possible at all")
		return
	}
	if e.file.Coordination.Cluster() {
		e.cluster(ctx, d)
		return
	}
	if remote := e.openCoordination(); remote != nil {
		defer remote.Close()
		e.pushes(ctx, remote, d)
	}
}

// openCoordination opens the repository of claims and reports; it is nil, and told,
// when that cannot be done.
func (e *examiner) openCoordination() *git.Remote {
	o, _ := git.CoordinationOf(e.file)
	remote, err := e.open(o)
	if err != nil {
		e.fail("git", "the coordination repository cannot be opened: "+err.Error(), hintOf(err, "correct coordination in the agent's file"))
		return nil
	}
	return remote
}
