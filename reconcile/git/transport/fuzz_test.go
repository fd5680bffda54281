package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"mainstay/e2e/attack"
)

func isOneLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.ContainsAny(err.Error(), "\n\r\x1b") {
		t.Errorf("an error that would spoil a log: %q", err)
	}
}

// FuzzKnownHosts reads files of pinned keys with lines of strangers: a key is
// accepted only if the file holds it, and never one that was taken back.
func FuzzKnownHosts(f *testing.F) {
	const (
		good  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqgbd6jJjVLGvBSDpwgoyArXJGpEVsR4WgOGRBuAP2y"
		other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHOYPr5ZQkHCtXSDl0bJQGUPBXJnhM2lLJ6Q6DqXeRm8"
	)
	for _, text := range []string{
		"git.example.org " + good, "[git.example.org]:2222 " + good + "\n* " + other, "@revoked * " + good + "\ngit.example.org " + good,
		"@cert-authority * " + good, "|1|AAAA|BBBB " + good, "!git.example.org,* " + good, "git.example.org ssh-rsa AAAA", "\x00\n#\n" + good, "@revoked x y\n* " + good,
	} {
		f.Add(text)
	}
	key := func(text string) ssh.PublicKey {
		k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		return k
	}
	pinned, address := key(good), &net4{"192.0.2.1:22"}
	file := filepath.Join(f.TempDir(), "known_hosts")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		attack.Cheap(t, func() {
			h, err := readHostKeys(file, "git.example.org:22")
			if err != nil {
				isOneLine(t, err)
				return
			}
			if len(h.algorithms()) == 0 {
				t.Error("no kind of key is asked for")
			}
			err = h.check("git.example.org:22", address, pinned)
			isOneLine(t, err)
			blob := strings.Fields(good)[1]
			if err == nil && !strings.Contains(text, strings.TrimRight(blob, "=")) {
				t.Errorf("%q pins a key that it does not hold", text)
			}
			for l := range strings.Lines(text) {
				if fields := strings.Fields(l); err == nil && len(fields) > 3 && fields[0] == "@revoked" && fields[1] == "*" && fields[3] == blob && fields[2] == "ssh-ed25519" {
					t.Errorf("%q: a key that was taken back is good", text)
				}
			}
		})
	})
}

// net4 is an address of a server.
type net4 struct{ text string }

func (n *net4) Network() string { return "tcp" }
func (n *net4) String() string  { return n.text }

// FuzzEndpoint reads addresses of repositories: what is shown has no secret in it.
func FuzzEndpoint(f *testing.F) {
	for _, address := range []string{"ssh://git@h:22/x", "git@h:x.git", "https://u:s3cr3t@h/x", "file:///x", "/x", "-oProxyCommand=x:y", "ssh://-oX/y", "http://[::1]:8/x?y#z"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		attack.Cheap(t, func() {
			e, err := parseEndpoint(address)
			isOneLine(t, err)
			if err == nil && e.base != nil && e.password != "" && len(e.password) > 8 && strings.Contains(e.shown, e.password) {
				t.Errorf("%q is shown as %q", address, e.shown)
			}
		})
	})
}
