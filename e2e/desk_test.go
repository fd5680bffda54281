//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mainstay/e2e/hosts"
)

// desk is a laptop beside a pair of machines: a folder, ssh that knows all of them, the
// program and its package. Pages of the examples are walked from there, block by block.
type desk struct {
	*site
	prefix string // of the hosts' names, before main and standby
	laptop string
	path   string
}

func (p *desk) host(side string) *hosts.Host { return p.nodes[p.prefix+side] }

// newDesk makes a pair of hosts of one kind, which root is let in to.
func newDesk(t *testing.T, prefix string, image hosts.Image) *desk {
	t.Helper()
	p := &desk{prefix: prefix, laptop: t.TempDir()}
	deb := make(chan string, 1)
	go func() { deb <- buildDeb(t, "") }()
	p.site = newSite(t, hosts.Spec{Name: prefix + "main", Image: image}, hosts.Spec{Name: prefix + "standby", Image: image})
	key := filepath.Join(p.laptop, "id_ed25519")
	p.here(t, "ssh-keygen -q -t ed25519 -N '' -C root -f "+key)
	private, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []string{"main", "standby"} {
		p.host(side).Must(t, "bash", "-euc", letIn, "let-in", base64.StdEncoding.EncodeToString(private), strings.TrimSpace(string(public)))
	}
	p.fitLaptop(t, key, <-deb)
	return p
}

// letIn lets root in with a key, here and on the peer.
const letIn = `mkdir -p /root/.ssh
echo "$1" | base64 -d >/root/.ssh/id_ed25519
chmod 600 /root/.ssh/id_ed25519
echo "$2" >/root/.ssh/authorized_keys
printf 'Host *\n  StrictHostKeyChecking accept-new\n' >/root/.ssh/config
passwd --quiet --delete root
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -A
systemctl --quiet enable --now ssh
`

// fitLaptop puts what a person has on the laptop into its folder: ssh that knows both
// machines and the git server, mainstay, and the package.
func (p *desk) fitLaptop(t *testing.T, key, deb string) {
	t.Helper()
	if deb == "" {
		t.Fatal("there is no package")
	}
	config := fmt.Sprintf("Host %s\n  User git\n  IdentityFile %s\n  UserKnownHostsFile %s\n", p.git.IP(), p.git.KeyFile, p.git.KnownHosts)
	config += fmt.Sprintf("Host *\n  IdentityFile %s\n  UserKnownHostsFile %s\n  StrictHostKeyChecking accept-new\n", key, filepath.Join(p.laptop, "known_hosts"))
	config = strings.Replace(config, "Host *", "  IdentitiesOnly yes\nHost *", 1)
	bin := filepath.Join(p.laptop, "bin")
	for name, text := range map[string]string{
		"ssh_config": config,
		"bin/ssh":    "#!/bin/sh\nexec /usr/bin/ssh -F " + p.laptop + "/ssh_config \"$@\"\n",
		"bin/scp":    "#!/bin/sh\nexec /usr/bin/scp -F " + p.laptop + "/ssh_config \"$@\"\n",
	} {
		file := filepath.Join(p.laptop, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(p.binary, filepath.Join(bin, "mainstay")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(deb, filepath.Join(p.laptop, filepath.Base(deb))); err != nil {
		t.Fatal(err)
	}
	p.path = bin
}

// here runs commands on the laptop, in its folder.
func (p *desk) here(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run := exec.CommandContext(ctx, "bash", "-euc", text)
	run.Dir = p.laptop
	run.Env = append(run.Environ(), "PATH="+p.path+":"+os.Getenv("PATH"), "NO_COLOR=1",
		"GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	out, err := run.CombinedOutput()
	t.Logf("laptop: %s\n%s", text, out)
	if err != nil {
		t.Fatalf("on the laptop: %s: %v", text, err)
	}
	return string(out)
}

// there runs commands on a node, and returns what they printed and how they ended.
func (p *desk) there(t *testing.T, side, text string) (string, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := p.host(side).Exec(ctx, "bash", "-c", "( set -e\n"+text+"\n) 2>&1; echo \"ends with $?\"")
	if err != nil {
		t.Fatal(err)
	}
	i := strings.LastIndex(out, "ends with ")
	t.Logf("%s: %s\n%s", side, text, out)
	return out[:i], strings.TrimPrefix(out[i:], "ends with ")
}

// wants runs commands on a node that must end well, or with another code.
func (p *desk) wants(t *testing.T, side, code, text string) string {
	t.Helper()
	out, got := p.there(t, side, text)
	if got != code {
		t.Fatalf("on %s, %s ends with %s, want %s:\n%s", side, text, got, code, out)
	}
	return out
}

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n# (on [^\n]*)\n(.*?)```")
	exitsWith  = regexp.MustCompile(`; exits ([0-9]+)$`)
)

// step is a block of commands of a page, and where they are run.
type step struct{ where, code, text string }

// stepsOf reads a page, and leaves nothing in it out.
func (p *desk) stepsOf(t *testing.T, page string) []step {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	told := strings.NewReplacer("ssh://git@git.example.org/voice/paris.git", p.git.SSH,
		"10.20.0.11", p.host("main").IP(), "10.20.0.12", p.host("standby").IP()).Replace(string(text))
	var steps []step
	for _, m := range shellBlock.FindAllStringSubmatch(told, -1) {
		s := step{where: m[1], code: "0", text: m[2]}
		if c := exitsWith.FindStringSubmatch(s.where); c != nil {
			s.where, s.code = strings.TrimSuffix(s.where, c[0]), c[1]
		}
		steps = append(steps, s)
	}
	if blocks := strings.Count(told, "```"); blocks != 2*len(steps) {
		t.Fatalf("%d of %d blocks say where they are run", len(steps), blocks/2)
	}
	return steps
}

// take runs a step; active is the side that serves.
func (p *desk) take(t *testing.T, s step, active string) {
	t.Helper()
	switch s.where {
	case "on your laptop":
		p.here(t, s.text)
	case "on your laptop, in paris":
		p.onLaptop(t, s)
	case "on both XiVO", "on both":
		p.wants(t, active, s.code, s.text)
		p.wants(t, other(active), s.code, s.text)
	case "on the side that serves":
		p.wants(t, active, s.code, s.text)
	case "on the side that waits":
		p.wants(t, other(active), s.code, s.text)
	default:
		t.Fatalf("nobody knows where %q is", s.where)
	}
}

// onLaptop runs commands in the checkout, a line at a time: a person looks until what the
// page says is there, and says yes.
func (p *desk) onLaptop(t *testing.T, s step) {
	t.Helper()
	for line := range strings.Lines(s.text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "mainstay status":
			eventually(t, "the waiting side says that it is down", func() bool {
				return strings.Contains(p.here(t, "cd paris\n"+line+" || [ $? = "+s.code+" ]"), "Inactive")
			})
		case line == "mainstay status --watch":
			p.inOrder(t)
		case strings.HasPrefix(line, "mainstay failover") && !strings.Contains(line, "--dry-run"):
			p.here(t, "cd paris\n"+strings.Replace(line, "failover", "failover --yes", 1))
		default:
			p.here(t, "cd paris\n"+line)
		}
	}
}

// inOrder waits until a person reads that all is in order.
func (p *desk) inOrder(t *testing.T) {
	t.Helper()
	eventually(t, "all is in order", func() bool {
		return strings.Contains(p.here(t, "cd paris; mainstay status || true"), "ok: main serves, 2 of 2 nodes")
	})
}

// admit lets the nodes' new keys in at the git server.
func (p *desk) admit(t *testing.T) {
	t.Helper()
	keys, err := os.ReadFile(filepath.Join(p.laptop, "paris-nodes", "authorized_keys"))
	if err != nil {
		t.Fatal(err)
	}
	p.git.Must(t, "sh", "-c", `printf '%s' "$1" | sed 's/^/restrict /' >>/srv/git/.ssh/authorized_keys`, "admit", string(keys))
}
