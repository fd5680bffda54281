package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	e.keys()
	e.others()
	if d := e.repository(ctx); d != nil {
		e.server(ctx, d)
	} else {
		e.warn(security, "what the git server lets this node's key push is not known: the document could not be read from the repository", "mend what is said above, and look again")
	}
	return e.found
}

// keys reads the files that say whose signature counts. While one cannot be used,
// nothing that it should vouch for is accepted.
func (e *examiner) keys() {
	v := e.file.Verify
	if v.AllowedSigners != "" {
		if err := git.UnknownSigners(cmp.Or(v.Policy, &spec.Policy{}), v.AllowedSigners); err != nil {
			e.fail(security, "verify.allowedSigners: "+strings.ReplaceAll(err.Error(), "\n", "; "), "correct verify.policy, or the file that verify.allowedSigners names")
		}
	}
	if v.Nodes != "" {
		if err := git.UsableNodeKeys(v.Nodes); err != nil {
			e.fail(security, "verify.nodes: "+err.Error(), "correct the file that verify.nodes names")
		}
	}
}

// others looks for accounts of this machine that may change what the agent goes by, or
// give it orders.
func (e *examiner) others() {
	before := len(e.found)
	a := e.file.Allow
	for _, file := range slices.Concat([]string{e.file.Verify.AllowedSigners, e.file.Verify.Nodes, e.file.State, e.file.Socket}, a.Paths, a.Directories) {
		e.unwritable(file)
	}
	if len(e.found) == before {
		e.ok(security, "root and the user of this look alone may change the keys, the state and the allowed paths, and give orders")
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
		e.ok(security, "only commits that a key of %s signed are accepted (verify.allowedSigners)", e.file.Verify.AllowedSigners)
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
	for _, folder := range e.file.Allow.Directories {
		for _, entry := range e.file.Allow.Paths {
			if strings.HasSuffix(entry, "/") && strings.HasPrefix(folder+"/", entry) || strings.HasPrefix(entry, folder+"/") {
				e.warn(security, fmt.Sprintf("processes may run in %s, and allow.paths has %q: a program may load what whoever commits puts there", folder, entry),
					"keep the folders of allow.directories apart from those of allow.paths")
			}
		}
	}
}

// plainHTTP warns of addresses where anybody on the way reads and writes.
func (e *examiner) plainHTTP() {
	for _, address := range e.file.PlainHTTP() {
		what, do := " is plain http", "use https or ssh"
		if strings.HasPrefix(address, "etcd") {
			what, do = " is spoken to without TLS", "name caFile in coordination, or begin url with etcds://"
		}
		e.warn(security, address+what+": whoever is on the way reads it, and answers in its place", do)
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

// unwritable looks at who can change a file or a folder that others must not, or put
// another one in its place: the folders above it count. What is not there yet is made by
// who may write the folder.
func (e *examiner) unwritable(file string) {
	if !filepath.IsAbs(file) {
		return
	}
	for path := filepath.Clean(file); ; path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil {
			e.writers(path, info)
		} else if !errors.Is(err, os.ErrNotExist) {
			e.fail(security, err.Error(), "run this as the user that the agent runs as")
		}
		if path == filepath.Dir(path) {
			return
		}
	}
}

// writers tells who beside root and the user of this look may write a file or a folder,
// once for each. In a folder with the sticky bit nobody replaces what is another's.
func (e *examiner) writers(path string, info os.FileInfo) {
	mode := info.Mode()
	perm := mode.Perm()
	if info.IsDir() && mode&os.ModeSticky != 0 {
		perm &^= 0o022
	}
	var f Finding
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case perm&0o002 != 0:
		f = Finding{Fail, security, fmt.Sprintf("everybody may write %s (%s)", path, mode.Perm()), "chmod o-w " + path}
	case !ok:
		f = Finding{Warn, security, "whose " + path + " is, is not known", "look at it by hand"}
	case stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		f = Finding{Fail, security, fmt.Sprintf("%s is the user's with the number %d, who may change it", path, stat.Uid), "chown root " + path + ", or run this as the user that the agent runs as"}
	case perm&0o020 != 0 && stat.Gid != 0:
		f = Finding{Warn, security, fmt.Sprintf("its group may write %s (%s)", path, mode.Perm()), "chmod g-w " + path + ", unless that group is meant"}
	default:
		return
	}
	if !slices.Contains(e.found, f) {
		e.found = append(e.found, f)
	}
}

// server tries on the git server what a node's key must not be able to push.
func (e *examiner) server(ctx context.Context, d *spec.Deployment) {
	e.branchPush(ctx)
	if e.file.Coordination.Off() {
		return
	}
	if e.file.Coordination.Cluster() {
		e.otherKeys(ctx, d)
		return
	}
	remote := e.openCoordination()
	if remote == nil {
		e.warn(security, "whether the git server keeps this node's key from other nodes' refs is not known: it cannot be opened", "correct coordination in the agent's file")
		return
	}
	defer remote.Close()
	// Refs of a node and of a role that nobody has: what another's are kept from, these are.
	for _, other := range []string{git.ReportRef(d.Name, e.file.Node+"-doctor"), git.ClaimRef(d.Name, e.file.Node+"-doctor")} {
		e.otherRef(ctx, remote, other)
	}
}

// otherRef tries whether this node's key may push a ref that is not its own.
func (e *examiner) otherRef(ctx context.Context, remote *git.Remote, other string) {
	kept, err := remote.TryPush(ctx, other, e.now())
	switch {
	case errors.Is(err, failure.ErrRefused):
		e.ok(security, "the git server keeps this node's key from other nodes' refs (it refuses %s)", other)
	case err != nil:
		e.warn(security, "whether the git server keeps this node's key from other nodes' refs is not known: "+err.Error(), hintOf(err, "try again"))
	case e.file.Verify.Nodes == "":
		e.fail(security, "this node's key may push other nodes' refs ("+other+"): no hook guards them, and claims and reports are not signed", "install examples/hooks on the git server, and set verify.nodes")
	default:
		e.warn(security, "this node's key may push other nodes' refs ("+other+"): no hook guards them, so a stolen key makes claims unreadable", "install examples/hooks on the git server")
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
		e.warn(security, "whether this node's key may push "+r.Branch+" is not known: "+err.Error(), hintOf(err, "try again"))
		return
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
