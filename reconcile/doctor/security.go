package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/spec"
)

// security is the area of every finding on who could do harm here.
const security = "security"

// Security looks at what somebody with a stolen key, a commit or an account of this
// machine could do to the node. It tries on the server, and takes away again, what a
// node's key must not be able to push.
func Security(ctx context.Context, f *spec.AgentFile, log *slog.Logger) []Finding {
	e := &examiner{file: f, log: log, now: time.Now}
	e.stated()
	e.secrets()
	for _, file := range []string{f.Verify.AllowedSigners, f.Verify.Nodes} {
		e.unwritable(file)
	}
	for _, entry := range f.Allow.Paths {
		e.unwritable(entry)
	}
	e.policy()
	if d := e.repository(ctx); d != nil {
		e.server(ctx, d)
	}
	return e.found
}

// policy looks for names that keep a field from everybody, such as a misspelt one.
func (e *examiner) policy() {
	v := e.file.Verify
	if v.Policy == nil {
		return
	}
	if err := git.UnknownSigners(v.Policy, v.AllowedSigners); err != nil {
		e.fail(security, strings.ReplaceAll(err.Error(), "\n", "; "), "correct verify.policy, or the file that verify.allowedSigners names")
	}
}

// Stated looks at what a node's own file says, wherever it lies, and asks nobody.
func Stated(f *spec.AgentFile) []Finding {
	e := &examiner{file: f}
	e.stated()
	return e.found
}

func (e *examiner) stated() {
	e.plainHTTP()
	if e.file.Verify.AllowedSigners == "" {
		e.warn(security, "unsigned commits are accepted: whoever may push the branch decides all that allow lists", "name the keys of your operators in verify.allowedSigners")
	} else {
		e.ok(security, "only commits that are signed by a key of %s are accepted", e.file.Verify.AllowedSigners)
	}
	switch {
	case e.file.Coordination.Off():
	case e.file.Verify.Nodes == "":
		e.warn(security, "unsigned claims and reports are believed: any node's key can stop the deployment, or have both sides serve",
			"name the nodes' keys in verify.nodes on every node, and install examples/hooks on the git server")
	default:
		e.ok(security, "only claims and reports that their own node signed are believed (%s)", e.file.Verify.Nodes)
	}
	stars := e.stars()
	for _, s := range stars {
		e.warn(security, s+": whoever commits chooses what stands for the *", "list what is needed, such as the peer's address")
	}
	if len(stars) == 0 {
		e.ok(security, "allow lists no *")
	}
}

// plainHTTP warns of addresses where anybody on the way reads and writes.
func (e *examiner) plainHTTP() {
	for _, address := range e.file.PlainHTTP() {
		e.warn(security, address+" is plain http: whoever is on the way reads it, and answers in its place", "use https or ssh")
	}
}

// stars lists the entries of allow that leave something to the document.
func (e *examiner) stars() []string {
	a := e.file.Allow
	var found []string
	for list, entries := range map[string][]string{"systemd": a.Systemd, "probes": a.Probes} {
		for _, entry := range entries {
			if strings.Contains(entry, "*") {
				found = append(found, fmt.Sprintf("allow.%s has %q", list, entry))
			}
		}
	}
	for _, argv := range a.Commands {
		if slices.Contains(argv, "*") {
			found = append(found, fmt.Sprintf("allow.commands has %q", strings.Join(argv, " ")))
		}
	}
	slices.Sort(found)
	return found
}

// unwritable looks at who can change a file or a folder that others must not.
func (e *examiner) unwritable(file string) {
	if file == "" {
		return
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		e.fail(security, err.Error(), "run this as the user that the agent runs as")
	case info.Mode().Perm()&0o002 != 0:
		e.fail(security, fmt.Sprintf("everybody may write %s (%s)", file, info.Mode().Perm()), "chmod o-w "+file)
	case info.Mode().Perm()&0o020 != 0:
		e.warn(security, fmt.Sprintf("its group may write %s (%s)", file, info.Mode().Perm()), "chmod g-w "+file+", unless that group is meant")
	}
}

// server tries on the git server what a node's key must not be able to push.
func (e *examiner) server(ctx context.Context, d *spec.Deployment) {
	if e.file.Coordination.Off() {
		return
	}
	e.branchPush(ctx)
	remote := e.openCoordination()
	if remote == nil {
		return
	}
	defer remote.Close()
	other := git.ReportRef(d.Name, e.file.Node+"-doctor")
	kept, err := remote.TryPush(ctx, other, e.now())
	switch {
	case errors.Is(err, failure.ErrRefused):
		e.ok(security, "the git server keeps this node's key from other nodes' refs (it refuses %s)", other)
	case err != nil:
		e.warn(security, "whether the git server keeps this node's key from other nodes' refs is not known: "+err.Error(), hintOf(err, "try again"))
	case e.file.Verify.Nodes == "":
		e.fail(security, "this node's key may push other nodes' refs: no hook guards them, and claims and reports are not signed", "install examples/hooks on the git server, and set verify.nodes")
	default:
		e.warn(security, "this node's key may push other nodes' refs: no hook guards them, so a stolen key makes claims unreadable", "install examples/hooks on the git server")
	}
	if kept != nil {
		e.warn(security, fmt.Sprintf("%s stayed behind: %v", other, kept), "git push --delete it")
	}
}

// branchPush tries whether this node's key may push the document's branch.
func (e *examiner) branchPush(ctx context.Context) {
	r := e.file.Repository
	remote, err := e.open(git.OptionsOf(e.file))
	if err != nil {
		return // told already
	}
	defer remote.Close()
	switch err := remote.TryRef(ctx, git.Branch(r.Branch)); {
	case err == nil && e.file.Verify.AllowedSigners == "":
		e.fail(security, "this node's key may push "+r.Branch+": whoever takes it decides what every node does", "let node keys push refs/mainstay/* only (examples/hooks), and set verify.allowedSigners")
	case err == nil:
		e.warn(security, "this node's key may push "+r.Branch+", though only signed commits are accepted", "let node keys push refs/mainstay/* only (examples/hooks)")
	case errors.Is(err, failure.ErrRefused), errors.Is(err, failure.ErrAuth):
		e.ok(security, "this node's key may not push %s", r.Branch)
	default:
		e.warn(security, "whether this node's key may push "+r.Branch+" is not known: "+err.Error(), hintOf(err, "try again"))
	}
}
