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
	// Area is what was looked at: agent, git, document, services, files, clock,
	// handover, security.
	Area string `json:"area"`
	Text string `json:"text"`
	// Do says what a person should do, empty when all is well.
	Do string `json:"do,omitempty"`
}

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
	remote, err := git.Open(git.Options{
		URL: r.URL, Mirrors: r.Mirrors, SSHKey: r.SSHKey, TokenFile: r.TokenFile, KnownHosts: r.KnownHosts, CAFile: r.CAFile,
		AllowedSigners: e.file.Verify.AllowedSigners, Timeout: bound, Log: e.log,
	})
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
	rev, err := remote.Revision(ctx, ref, l.Refs[ref], "")
	if err != nil {
		e.fail("git", err.Error(), hintOf(err, "the agent cannot accept this commit either"))
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
	return d
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
	if remote := e.openCoordination(); remote != nil {
		defer remote.Close()
		e.pushes(ctx, remote, d)
	}
}

// openCoordination opens the repository of claims and reports; it is nil, and told,
// when that cannot be done.
func (e *examiner) openCoordination() *git.Remote {
	c, r := e.file.Coordination, e.file.Repository
	o := git.Options{URL: c.URL, SSHKey: c.SSHKey, TokenFile: c.TokenFile, KnownHosts: c.KnownHosts, CAFile: c.CAFile, Timeout: bound, Log: e.log}
	if c.URL == "" || c.URL == r.URL {
		o = git.Options{URL: r.URL, SSHKey: r.SSHKey, TokenFile: r.TokenFile, KnownHosts: r.KnownHosts, CAFile: r.CAFile, Timeout: bound, Log: e.log}
	}
	remote, err := git.Open(o)
	if err != nil {
		e.fail("git", "the coordination repository cannot be opened: "+err.Error(), hintOf(err, "correct coordination in the agent's file"))
		return nil
	}
	return remote
}
