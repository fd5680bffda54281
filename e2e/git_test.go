//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
)

// sshCommand is a GIT_SSH_COMMAND that uses this key, trusts these hosts and
// nothing of the user's.
func sshCommand(key, knownHosts string) string {
	return strings.Join([]string{
		"ssh", "-F", "/dev/null", "-i", key,
		"-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
		"-o", "UserKnownHostsFile=" + knownHosts, "-o", "StrictHostKeyChecking=yes",
	}, " ")
}

// gitOverSSH runs git as a client with that key and returns its output.
func gitOverSSH(t *testing.T, dir, ssh string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(gitserver.Env(), "GIT_SSH_COMMAND="+ssh)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestAPushOverSSHIsReadBackOverHTTP(t *testing.T) {
	bare := gitserver.Bare(t)
	url, key, hosts := gitserver.SSH(t, bare)
	ssh := sshCommand(key, hosts)
	work := filepath.Join(t.TempDir(), "work")
	if out, err := gitOverSSH(t, "", ssh, "clone", "--quiet", url, work); err != nil {
		t.Fatalf("clone: %v\n%s", err, out)
	}
	gitserver.Git(t, work, "commit", "--quiet", "--allow-empty", "-m", "first")
	if out, err := gitOverSSH(t, work, ssh, "push", "--quiet", "origin", "HEAD:main"); err != nil {
		t.Fatalf("push: %v\n%s", err, out)
	}
	pushed := strings.TrimSpace(gitserver.Git(t, work, "rev-parse", "HEAD"))
	listed := gitserver.Git(t, "", "ls-remote", gitserver.HTTP(t, bare), "refs/heads/main")
	if want := pushed + "\trefs/heads/main\n"; listed != want {
		t.Errorf("over HTTP main is %q, want %q", listed, want)
	}
}

func TestSSHRefusesAForeignKeyAnUnpinnedHostAndAShell(t *testing.T) {
	bare := gitserver.Bare(t)
	url, key, hosts := gitserver.SSH(t, bare)
	_, otherKey, otherHosts := gitserver.SSH(t, bare)
	empty := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{
		"a foreign key":      sshCommand(otherKey, hosts),
		"an unpinned host":   sshCommand(key, empty),
		"another pinned key": sshCommand(key, otherHosts),
	}
	for what, ssh := range refused {
		if out, err := gitOverSSH(t, "", ssh, "ls-remote", url); err == nil {
			t.Errorf("%s was let in: %s", what, out)
		}
	}
	if out, err := gitOverSSH(t, "", sshCommand(key, hosts), "ls-remote", url); err != nil {
		t.Errorf("the right key and host were refused: %v\n%s", err, out)
	}
	args := strings.Fields(sshCommand(key, hosts))
	host, port, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(url, bare), "ssh://"), ":")
	shell := exec.CommandContext(t.Context(), args[0], append(args[1:], "-p", port, host, "echo in")...)
	if out, err := shell.CombinedOutput(); err == nil {
		t.Errorf("a shell was given: %s", out)
	}
}

func TestCuttingSSHEndsOpenConnectionsAndTheNextOneIsServed(t *testing.T) {
	server := gitserver.NewSSH(t, gitserver.Bare(t))
	ssh := sshCommand(server.KeyFile, server.KnownHosts)
	address, _, _ := strings.Cut(server.URL[strings.Index(server.URL, "@")+1:], "/")
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if banner, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(banner, "SSH-2.0-OpenSSH") {
		t.Fatalf("not greeted by OpenSSH: %q, %v", banner, err)
	}
	server.Cut()
	if _, err := io.Copy(io.Discard, reader); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection outlived the cut")
	}
	if out, err := gitOverSSH(t, "", ssh, "ls-remote", server.URL); err != nil {
		t.Errorf("after the cut: %v\n%s", err, out)
	}
}
