package git_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

const advertisement = "application/x-git-upload-pack-advertisement"

// emptyRefs answers as a server of an old protocol with one branch.
func emptyRefs(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	_, _ = io.WriteString(w, pkt("# service=git-upload-pack")+"0000"+
		pkt(strings.Repeat("ab", 20)+" refs/heads/main\x00 agent=x")+"0000")
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if !errors.As(err, &h) {
		return ""
	}
	return h.Hint()
}

func TestAMediaTypeIsReadAsOne(t *testing.T) {
	for _, kind := range []string{advertisement + "; charset=utf-8", strings.ToUpper(advertisement), advertisement + " ;x=y"} {
		url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { emptyRefs(w, kind) })
		if got := listed(t, open(t, git.Options{URL: url})); len(got) != 1 {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

func TestAnAnswerFromACacheIsNoRead(t *testing.T) { // R7
	age := ""
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("Pragma") != "no-cache" {
			t.Errorf("%s %s lets a cache answer", r.Method, r.URL)
		}
		if age != "" {
			w.Header().Set("Age", age)
		}
		emptyRefs(w, advertisement)
	})
	for _, age = range []string{"", "0"} {
		if _, err := open(t, git.Options{URL: url}).ListPrimary(ctx(t)); err != nil {
			t.Errorf("age %q: %v", age, err)
		}
	}
	for _, age = range []string{"1", "86400", "soon"} {
		_, err := open(t, git.Options{URL: url}).ListPrimary(ctx(t))
		if !errors.Is(err, failure.ErrUnreachable) || !strings.Contains(err.Error(), "cache") || hintOf(err) == "" {
			t.Errorf("age %q: %v", age, err)
		}
	}
	age = "60"
	l, err := open(t, git.Options{URL: "http://127.0.0.1:1/x.git", Mirrors: []string{url}}).List(ctx(t))
	if err != nil || !l.Mirror {
		t.Errorf("a mirror may be behind: %+v, %v", l, err)
	}
}

func TestAServerInTheWayIsToldFromTheRepository(t *testing.T) {
	for code, want := range map[int]string{
		http.StatusProxyAuthRequired: "proxy", http.StatusTooManyRequests: "agent.poll", http.StatusServiceUnavailable: "restarted",
	} {
		url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(code)
		})
		_, err := open(t, git.Options{URL: url}).List(ctx(t))
		hint := hintOf(err)
		if !errors.Is(err, failure.ErrUnreachable) || !strings.Contains(hint, want) {
			t.Errorf("%d: %v (%s)", code, err, hint)
		}
		if asked := strings.Contains(hint, "120 s"); asked != (code != http.StatusProxyAuthRequired) {
			t.Errorf("%d: %s", code, hint)
		}
	}
}

func TestAFolderThatIsNotThereIsSaidSoOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none.git")
	_, err := open(t, git.Options{URL: dir}).List(ctx(t))
	if !errors.Is(err, failure.ErrUnreachable) || strings.Count(err.Error(), dir) != 1 || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("got %v", err)
	}
}

func TestANegotiationThatFailsIsNoImpostor(t *testing.T) {
	w := newWork(t)
	w.commit("one")
	w.push()
	for name, change := range map[string]func(*ssh.ServerConfig){
		"key exchange": func(c *ssh.ServerConfig) { c.KeyExchanges = []string{ssh.InsecureKeyExchangeDH1SHA1} },
		"cipher":       func(c *ssh.ServerConfig) { c.Ciphers = []string{ssh.InsecureCipherRC4} },
	} {
		_, o := serveSSH(t, w.bare, change)
		_, err := open(t, o).List(ctx(t))
		if !errors.Is(err, failure.ErrUnreachable) || errors.Is(err, failure.ErrHostKey) || !strings.Contains(hintOf(err), name) {
			t.Errorf("%s: %v (%s)", name, err, hintOf(err))
		}
	}
}

func TestALineAboutAnotherServerHidesNothing(t *testing.T) {
	w := newWork(t)
	w.commit("one")
	w.push()
	_, o := serveSSH(t, w.bare)
	pinned, err := os.ReadFile(o.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	save(t, o.KnownHosts, append([]byte("elsewhere 1024 35 1432\n# fine\n\n"), pinned...))
	r := open(t, o)
	for range 2 {
		if _, err := r.List(ctx(t)); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(said.String(), o.KnownHosts+":1") != 1 {
		t.Errorf("said %q", said.String())
	}
	save(t, o.KnownHosts, append([]byte("@revoked elsewhere ssh-ed25519 nonsense\n"), pinned...))
	if _, err := r.List(ctx(t)); !errors.Is(err, failure.ErrHostKey) || !strings.Contains(err.Error(), ":1") {
		t.Errorf("a revocation that cannot be read: %v", err)
	}
	save(t, o.KnownHosts, []byte("elsewhere 1024 35 1432\n"))
	if _, err := r.List(ctx(t)); !errors.Is(err, failure.ErrHostKey) || !strings.Contains(err.Error(), "not pinned") {
		t.Errorf("what is skipped pins nothing: %v", err)
	}
}

func TestAShellThatTalksIsToldFromAServerThatRefuses(t *testing.T) {
	s, o := serveSSH(t, "/x")
	s.run = func(c ssh.Channel) { _, _ = io.WriteString(c, "Welcome to git1, have a good day\n0000") }
	_, err := open(t, o).List(ctx(t))
	if !errors.Is(err, failure.ErrUnreachable) || !strings.Contains(err.Error(), "Welcome to git1") || !strings.Contains(hintOf(err), "shell") {
		t.Errorf("got %v (%s)", err, hintOf(err))
	}
}
