//go:build e2e

package hosts

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed githost.sh
var gitHostScript string

// GitHost is a host that serves one bare repository over smart HTTP (nginx and
// git's own backend) and over SSH (OpenSSH), both for reading and pushing. Its
// branch main is protected: it can be neither rewritten nor deleted by a push.
type GitHost struct {
	*Host
	HTTP       string // URL that needs no password
	SSH        string // URL for KeyFile
	KeyFile    string // private key on the machine
	KnownHosts string // file on the machine that pins the host's key
}

// Repository is the bare repository's folder on a GitHost.
const Repository = "/srv/git/repo.git"

// StartGit makes a git host under this name.
func StartGit(t testing.TB, network *Network, name string) *GitHost {
	t.Helper()
	return ServeGit(t, Start(t, Spec{Name: name, Image: Bookworm, Network: network}))
}

// ServeGit makes a Bookworm host serve git.
func ServeGit(t testing.TB, host *Host) *GitHost {
	t.Helper()
	g := &GitHost{
		Host: host,
		HTTP: fmt.Sprintf("http://%s/repo.git", host.IP()),
		SSH:  fmt.Sprintf("ssh://git@%s%s", host.IP(), Repository),
	}
	folder := t.TempDir()
	g.KeyFile = filepath.Join(folder, "id_ed25519")
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", g.KeyFile).CombinedOutput()
	if err != nil {
		t.Fatalf("make a key: %v: %s", err, out)
	}
	public, err := os.ReadFile(g.KeyFile + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	hostKey := host.Must(t, "sh", "-c", gitHostScript, "serve-git", string(public))
	g.KnownHosts = filepath.Join(folder, "known_hosts")
	pin := fmt.Sprintf("%s,%s %s\n", host.Name(), host.IP(), hostKey)
	if err := os.WriteFile(g.KnownHosts, []byte(pin), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}
