package doctor

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/control"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const document = `
apiVersion: mainstay/v1
kind: Deployment
name: rome
active: main
nodes:
  a1: { role: app, side: main }
  a2: { role: app, side: standby }
roles:
  app:
    exclusive: true
    services:
      - { name: unit, systemd: mainstay-no-such-unit.service }
      - { name: container, compose: { project: mainstay-no-such, service: web } }
`

// repository is a bare repository with a document in it.
func repository(t *testing.T) string {
	t.Helper()
	bare, work := gitserver.Bare(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(work, "deployment.yaml"), []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "--all"}, {"commit", "--quiet", "-m", "Describe rome"},
		{"push", "--quiet", bare, "main"},
	} {
		gitserver.Git(t, work, args...)
	}
	return bare
}

// file is a node's own file for a repository.
func file(t *testing.T, url string) *spec.AgentFile {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("node: a1\nrepository: { url: %q, sshKey: /k, knownHosts: /h }\nallow: { systemd: [mainstay-no-such-unit.service], compose: [mainstay-no-such] }\nstate: %s\nsocket: %s/s\n", url, dir, dir)
	f, problems := spec.LoadAgentFile("agent.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	f.Repository.SSHKey, f.Repository.KnownHosts = "", ""
	return f
}

func examine(t *testing.T, f *spec.AgentFile) []Finding {
	t.Helper()
	return Examine(t.Context(), f, slog.New(slog.DiscardHandler))
}

// has fails the test unless there is one finding of a level with both texts in
// it, in what was found and in what is to be done.
func has(t *testing.T, found []Finding, level Level, text, do string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(f Finding) bool {
		return f.Level == level && strings.Contains(f.Text, text) && strings.Contains(f.Do, do)
	}) {
		t.Errorf("no finding %s %q, to do %q, in\n%+v", level, text, do, found)
	}
}

func hasNot(t *testing.T, found []Finding, level Level, area string) {
	t.Helper()
	for _, f := range found {
		if f.Level == level && f.Area == area {
			t.Errorf("unwanted: %+v", f)
		}
	}
}

func save(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestAPinnedServerIsReadAndPushedTo(t *testing.T) {
	s := gitserver.NewSSHHere(t, repository(t))
	f := file(t, s.URL)
	f.Repository.SSHKey, f.Repository.KnownHosts = s.KeyFile, s.KnownHosts
	found := examine(t, f)
	has(t, found, OK, "only its owner can read "+s.KeyFile, "")
	has(t, found, OK, "host keys are pinned in "+s.KnownHosts, "")
	has(t, found, OK, "is readable, main is at", "")
	has(t, found, OK, "claims and reports can be pushed to ssh://", "")
	hasNot(t, found, Fail, "git")
	hasNot(t, found, OK, "clock") // ssh has none
}

func TestAServerThatIsNotThePinnedOneFails(t *testing.T) {
	s := gitserver.NewSSHHere(t, repository(t))
	f := file(t, s.URL)
	f.Repository.SSHKey, f.Repository.KnownHosts = s.KeyFile, filepath.Join(t.TempDir(), "known_hosts")
	found := examine(t, f)
	has(t, found, Fail, "no host key is pinned", "ssh-keyscan the git server, compare")
	has(t, found, Fail, "is not pinned in", "add this line: "+s.HostLine)

	save(t, f.Repository.KnownHosts, s.OtherLine+"\n", 0o666)
	found = examine(t, f)
	has(t, found, Fail, "others may change the pinned host keys", "chmod 644 "+f.Repository.KnownHosts)
	has(t, found, Fail, "another one is pinned", "find out why before anything else")
	if text, err := os.ReadFile(f.Repository.KnownHosts); err != nil || string(text) != s.OtherLine+"\n" {
		t.Errorf("the pinned keys were changed to %q, %v", text, err)
	}
}

func TestAKeyThatIsNotLetInFails(t *testing.T) {
	s := gitserver.NewSSHHere(t, repository(t))
	f := file(t, s.URL)
	f.Repository.SSHKey, f.Repository.KnownHosts = s.Stranger, s.KnownHosts
	has(t, examine(t, f), Fail, "not let in", "give the server the public half of sshKey")
	if err := os.Chmod(s.Stranger, 0o644); err != nil {
		t.Fatal(err)
	}
	has(t, examine(t, f), Fail, "can be read by others", "chmod 600 "+s.Stranger)
}

// dated makes a server tell another time.
func dated(off time.Duration) gitserver.Option {
	return gitserver.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
	})
}

func TestAClockIsComparedWithTheServers(t *testing.T) {
	bare := repository(t)
	has(t, examine(t, file(t, gitserver.HTTP(t, bare))), OK, "it agrees with the git server's", "")
	found := examine(t, file(t, gitserver.HTTP(t, bare, dated(time.Hour))))
	has(t, found, Warn, "this clock is ", "run a time service")
	hasNot(t, found, OK, "clock")

	// A server with an authority of its own is asked all the same.
	url, certificate := gitserver.HTTPS(t, bare, dated(-time.Hour))
	f := file(t, url)
	f.Repository.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	save(t, f.Repository.CAFile, string(certificate), 0o644)
	has(t, examine(t, f), Warn, " away from the git server's", "run a time service")
}

func TestAPeersClockThatIsAheadIsTold(t *testing.T) {
	now := time.Now()
	e := &examiner{now: time.Now}
	e.peerClocks(control.View{Others: map[string]plan.Report{
		"ahead": {At: now.Add(time.Minute)}, "right": {At: now.Add(-time.Hour)}, "near": {At: now.Add(time.Second)}, "never": {},
	}})
	if len(e.found) != 1 {
		t.Fatalf("found %+v", e.found)
	}
	has(t, e.found, Warn, "the clock of ahead is at least 1m0s ahead", "run a time service on both")
}

func TestAMachineWithoutWhatRunsItsServicesFails(t *testing.T) {
	nowhere := "unix://" + filepath.Join(t.TempDir(), "no.sock")
	t.Setenv("DOCKER_HOST", nowhere)
	found := examine(t, file(t, repository(t)))
	has(t, found, Fail, "container: ", "is what runs it (systemd, the Docker engine) up")
	has(t, found, Fail, "unit: ", "") // no systemd, or no such unit
	hasNot(t, found, OK, "services")
}

func TestTheSumsOfALeaseAreChecked(t *testing.T) {
	d, problems := spec.Load("d.yaml", []byte(strings.Replace(document, "nodes:", "agent: { poll: 5s, timeout: 5s }\nhandover: { lease: 30s, wait: 5s }\nnodes:", 1)), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	w, err := d.Want("a1")
	if err != nil {
		t.Fatal(err)
	}
	e := &examiner{file: &spec.AgentFile{}, now: time.Now}
	e.handover(w)
	has(t, e.found, OK, "fits the lease of 30s (R7)", "")
	has(t, e.found, Warn, "there is no selfFence", "set selfFence")
	has(t, e.found, Warn, "handover.wait of 5s is shorter than one look at git", "make it longer")
	w.Handover.Lease = spec.Duration(time.Second)
	e.handover(w)
	has(t, e.found, Fail, "is longer than the lease of 1s (R7)", "make the lease longer")
}

func TestSecurityNamesWhatWidensAllowAndWhatIsBelievedUnsigned(t *testing.T) {
	attack.Row(t, "doctor", "a node's file believes the unsigned, reads over plain http and allows a *", "doctor --security says each, and what to do")
	f := &spec.AgentFile{
		Repository: spec.Repository{URL: "http://git.example.org/rome.git", Mirrors: []string{"HTTP://b.example.org/rome.git"}},
		Allow:      spec.Allow{Systemd: []string{"xivo-*.service"}, Commands: [][]string{{"replicate", "*"}, {"true"}}, Probes: []string{"*:80"}},
	}
	f.Allow.Directories, f.Allow.Paths = []string{"/srv/x", "/srv/y", "/srv/z"}, []string{"/srv/x/", "/srv/y/conf/a.conf", "/srv/zz/"}
	found := Stated(f)
	has(t, found, Warn, `processes may run in /srv/x, and allow.paths has "/srv/x/"`, "apart")
	has(t, found, Warn, `processes may run in /srv/y, and allow.paths has "/srv/y/conf/a.conf"`, "apart")
	if slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.Text, "/srv/z") }) {
		t.Errorf("/srv/z is apart from /srv/zz/: %+v", found)
	}
	has(t, found, Warn, "http://git.example.org/rome.git is plain http", "use https or ssh")
	has(t, found, Warn, "HTTP://b.example.org/rome.git is plain http", "use https or ssh")
	has(t, found, Warn, "unsigned commits are accepted", "verify.allowedSigners")
	has(t, found, Warn, "unsigned claims and reports are believed", "verify.nodes")
	has(t, found, Warn, `allow.systemd has "xivo-*.service"`, "list what is needed")
	has(t, found, Warn, `allow.commands has "replicate *"`, "list what is needed")
	has(t, found, Warn, `allow.probes has "*:80"`, "list what is needed")
	f = &spec.AgentFile{
		Repository: spec.Repository{URL: "ssh://git@git.example.org/rome.git"}, Verify: spec.Verify{AllowedSigners: "/a", Nodes: "/n"},
	}
	hasNot(t, Stated(f), Warn, security)
}

func TestSecurityTriesWhatANodesKeyMustNotPush(t *testing.T) {
	attack.Row(t, "doctor", "a node's key may push main and other nodes' refs", "doctor --security fails, and leaves nothing behind")
	url := repository(t)
	f := file(t, url)
	found := Security(t.Context(), f, slog.New(slog.DiscardHandler))
	has(t, found, Fail, "this node's key may push main", "examples/hooks")
	has(t, found, Fail, "this node's key may push other nodes' refs (refs/mainstay/rome/report/a1-doctor)", "examples/hooks")
	has(t, found, Fail, "this node's key may push other nodes' refs (refs/mainstay/rome/claim/a1-doctor)", "examples/hooks")
	if refs := gitserver.Git(t, url, "for-each-ref", "refs/mainstay"); refs != "" {
		t.Errorf("left behind: %s", refs)
	}
	f.Coordination.URL = "off"
	has(t, Security(t.Context(), f, slog.New(slog.DiscardHandler)), Fail, "this node's key may push main", "examples/hooks")
	f.Repository.URL += "-gone"
	has(t, Security(t.Context(), f, slog.New(slog.DiscardHandler)), Warn, "what the git server lets this node's key push is not known", "look again")
}

// What keys, state and orders go by is nobody's but root's, with the folders above it;
// a file of keys that is not there vouches for nothing.
func TestSecurityLooksAtWhoElseMayChangeThings(t *testing.T) {
	attack.Row(t, "doctor", "another account may write a folder above the keys, or the keys are missing", "doctor --security fails")
	f, dir := file(t, repository(t)), t.TempDir()
	look := func() []Finding { return Security(t.Context(), f, slog.New(slog.DiscardHandler)) }
	has(t, look(), OK, "root and the user of this look alone may change the keys", "")

	f.Verify = spec.Verify{AllowedSigners: filepath.Join(dir, "deep", "signers"), Nodes: filepath.Join(dir, "deep", "nodes")}
	has(t, look(), Fail, "verify.allowedSigners: open "+f.Verify.AllowedSigners, "correct")
	has(t, look(), Fail, "verify.nodes: open "+f.Verify.Nodes, "correct")
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	has(t, look(), Fail, "everybody may write "+dir+" (", "chmod o-w "+dir)
	if slices.ContainsFunc(look(), func(f Finding) bool { return strings.HasPrefix(f.Text, "root and the user") }) {
		t.Error("all is well, and it is not")
	}
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(look(), func(f Finding) bool { return !strings.Contains(f.Text, "everybody may write") })); n != 0 {
		t.Errorf("%d findings on a folder where nobody replaces what is another's", n)
	}
}
