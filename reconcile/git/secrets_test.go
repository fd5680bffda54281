package git_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

const secret = "s3cr3t-t0ken"

// A server may echo what it was sent, and an address may hold a password: none
// of it is ever repeated.
func TestNoCredentialIsEverShown(t *testing.T) {
	attack.Row(t, "secrets", "errors of a server that knows the token", "no credential in any text")
	echo := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "I do not like %s with %s", user, password)
	})
	token := filepath.Join(t.TempDir(), "token")
	save(t, token, []byte("user:"+secret+"\n"))
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	withPassword := strings.Replace(echo, "http://", "http://user:"+secret+"@", 1)
	for name, o := range map[string]git.Options{
		"in the token file":   {URL: echo, TokenFile: token},
		"in the address":      {URL: withPassword},
		"in a mirror":         {URL: "http://127.0.0.1:1/x", Mirrors: []string{withPassword}},
		"nobody listens":      {URL: "http://user:" + secret + "@127.0.0.1:1/x"},
		"no such host":        {URL: "https://user:" + secret + "@host.invalid/x"},
		"not an address":      {URL: "https://user:" + secret + "@exa mple/%zz"},
		"in an ssh address":   {URL: "ssh://user:" + secret + "@example.org/x"},
		"with a query":        {URL: "https://user:" + secret + "@example.org/x?y"},
		"of no known scheme":  {URL: "ftp://user:" + secret + "@example.org/x"},
		"a file with a host":  {URL: "file://user:" + secret + "@example.org/x"},
		"with a line break":   {URL: "https://user:" + secret + "@example.org/\n"},
		"in the clear":        {URL: "http://user:" + secret + "@example.org/x"},
		"in a mirror's error": {URL: "https://example.org", Mirrors: []string{"ftp://user:" + secret + "@x"}},
	} {
		o.Log, o.Timeout = log, short
		r, err := git.Open(o)
		if err == nil {
			var l reconcile.Listing
			l, err = r.List(ctx(t))
			if shown := l.From + r.URL(); strings.Contains(shown, secret) {
				t.Errorf("%s: shown as %s", name, shown)
			}
		}
		if err == nil || strings.Contains(err.Error()+hint(err), secret) {
			t.Errorf("%s: got %v, hint %q", name, err, hint(err))
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), secret) {
				t.Errorf("%s: a cause holds it: %#v", name, e)
			}
		}
	}
	if strings.Contains(logged.String(), secret) {
		t.Errorf("logged: %s", &logged)
	}
}

func TestATokenIsSentToItsServerOnly(t *testing.T) {
	attack.Row(t, "secrets", "a redirect to another host", "the token is not sent there")
	stolen := make(chan string, 10)
	thief := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") })
	lure := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief, http.StatusFound)
	})
	token := filepath.Join(t.TempDir(), "token")
	save(t, token, []byte(secret))
	_, err := open(t, git.Options{URL: lure, TokenFile: token}).List(ctx(t))
	if !errors.Is(err, failure.ErrUnreachable) || hint(err) == "" {
		t.Errorf("got %v, hint %q", err, hint(err))
	}
	select {
	case got := <-stolen:
		t.Errorf("the other server was asked, with %q", got)
	default:
	}
}

func TestAServerMayCorrectThePath(t *testing.T) {
	w := newWork(t)
	w.commit("one")
	w.push()
	correct := gitserver.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if rest, old := strings.CutPrefix(r.URL.Path, "/old"); old {
				http.Redirect(rw, r, "/repo.git"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
				return
			}
			next.ServeHTTP(rw, r)
		})
	})
	url := strings.Replace(gitserver.HTTP(t, w.bare, correct), "/repo.git", "/old", 1)
	r := open(t, git.Options{URL: url})
	if _, err := r.Revision(ctx(t), "main", listed(t, r)["refs/heads/main"], ""); err != nil {
		t.Error(err)
	}
}

func TestHTTPSWantsAKnownAuthorityAndTheToken(t *testing.T) {
	w := newWork(t)
	hash := w.commit("one")
	w.push()
	url, pem := gitserver.HTTPS(t, w.bare, gitserver.Auth("user", secret))
	dir := t.TempDir()
	ca, token := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "token")
	save(t, ca, pem)
	save(t, token, []byte("user:"+secret+"\n"))
	if _, err := open(t, git.Options{URL: url, TokenFile: token}).List(ctx(t)); !errors.Is(err, failure.ErrHostKey) || hint(err) == "" {
		t.Errorf("unknown authority: got %v", err)
	}
	r := open(t, git.Options{URL: url, TokenFile: token, CAFile: ca})
	if _, err := r.Revision(ctx(t), "main", hash, ""); err != nil {
		t.Errorf("all is well: got %v", err)
	}
	for name, content := range map[string]string{"wrong": "user:other", "empty": "", "two lines": "a\nb"} {
		save(t, token, []byte(content))
		if _, err := r.List(ctx(t)); !errors.Is(err, failure.ErrAuth) || hint(err) == "" {
			t.Errorf("%s token: got %v", name, err)
		}
	}
	save(t, token, []byte("user:"+secret))
	if _, err := r.List(ctx(t)); err != nil {
		t.Errorf("a renewed token is used at once: got %v", err)
	}
	if _, err := git.Open(git.Options{URL: url, CAFile: filepath.Join(dir, "none")}); err == nil {
		t.Error("a missing caFile was passed over")
	}
}
