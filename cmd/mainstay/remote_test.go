package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mainstay/e2e/gitserver"
)

// cmdServe serves a site's repository until the tests end: serve https SITE
// USER:PASSWORD [readonly] sets URL and CA, serve ssh SITE sets URL, KEY, STRANGER
// (a key that is not let in), HOSTS (the pinned host key) and OTHER (another one).
func cmdServe(t testing.TB) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		switch {
		case !neg && len(args) >= 3 && args[0] == "https":
			serveHTTPS(t, ts, args[1], args[2], len(args) == 4 && args[3] == "readonly")
		case !neg && len(args) == 2 && args[0] == "ssh":
			serveSSH(t, ts, args[1])
		default:
			ts.Fatalf("usage: serve https SITE USER:PASSWORD [readonly], or serve ssh SITE")
		}
	}
}

func serveHTTPS(t testing.TB, ts *testscript.TestScript, site, secret string, readOnly bool) {
	user, password, _ := strings.Cut(secret, ":")
	options := []gitserver.Option{gitserver.Auth(user, password)}
	if readOnly {
		options = append(options, gitserver.Wrap(refusePushes))
	}
	url, certificate := gitserver.HTTPS(t, ts.MkAbs(site+".git"), options...)
	ca := ts.MkAbs(site + ".pem")
	ts.Check(os.WriteFile(ca, certificate, 0o644))
	ts.Setenv("URL", url)
	ts.Setenv("CA", ca)
}

// refusePushes is what a host says to a token that may only read.
func refusePushes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gitserver.IsPush(r) || strings.Contains(r.URL.RawQuery, "git-receive-pack") {
			http.Error(w, "this token may only read", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func serveSSH(t testing.TB, ts *testscript.TestScript, site string) {
	s := gitserver.NewSSHHere(t, ts.MkAbs(site+".git"))
	other := ts.MkAbs("other_hosts")
	ts.Check(os.WriteFile(other, []byte(s.OtherLine+"\n"), 0o600))
	for name, value := range map[string]string{
		"URL": s.URL, "KEY": s.KeyFile, "STRANGER": s.Stranger, "HOSTS": s.KnownHosts, "OTHER": other,
	} {
		ts.Setenv(name, value)
	}
	if _, err := exec.LookPath("ssh"); err == nil {
		return
	}
	// Where no ssh is installed, git is given the smallest one that will do.
	bin := ts.MkAbs("bin")
	ts.Check(os.MkdirAll(bin, 0o755))
	ts.Check(os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\nexec small-ssh \"$@\"\n"), 0o755))
	ts.Setenv("PATH", bin+string(os.PathListSeparator)+ts.Getenv("PATH"))
}
