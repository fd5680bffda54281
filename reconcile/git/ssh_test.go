package git_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func copyTo(w io.Writer, r io.Reader) (int64, error) { return io.Copy(w, r) }

func TestEverythingWorksOverSSH(t *testing.T) {
	w := newWork(t)
	first := w.commit("one")
	w.history(60)
	tip := w.commit("two")
	w.push()
	_, o := serveSSH(t, w.bare)
	r := open(t, o)
	if got := listed(t, r)["refs/heads/main"]; got != tip {
		t.Errorf("list: got %s, want %s", got, tip)
	}
	v, err := r.Revision(ctx(t), "main", tip, first)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := v.Read("deployment.yaml"); err != nil || string(b) != "two" {
		t.Errorf("read: %q, %v", b, err)
	}
	id := change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
	if read, err := r.Claim(ctx(t), claimRef, id, plan.Tip{}); err != nil || read.Tip.Seq != 1 {
		t.Errorf("claim: got %+v, %v", read, err)
	}
	_, err = r.PushClaim(ctx(t), claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Main, "other")})
	if !errors.Is(err, failure.ErrRefused) {
		t.Errorf("a second claim: got %v", err)
	}
	ref := git.ReportRef("paris", "xivo-main")
	id, err = r.PublishReport(ctx(t), ref, report("xivo-main", plan.Active), "")
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := readReport(t, r, ref, id); err != nil || rep.Node != "xivo-main" {
		t.Errorf("report: got %+v, %v", rep, err)
	}
}

func TestAnSSHServerThatRefusesIsQuoted(t *testing.T) {
	w := newWork(t)
	_, o := serveSSH(t, filepath.Join(w.bare, "none"))
	_, err := open(t, o).List(ctx(t))
	if !errors.Is(err, failure.ErrAuth) || !strings.Contains(err.Error(), "does not appear to be a git repository") {
		t.Errorf("got %v", err)
	}
}

func TestAHostKeyIsPinnedAndNeverLearnt(t *testing.T) {
	w := newWork(t)
	s, o := serveSSH(t, w.bare)
	line := knownhosts.Line([]string{knownhosts.Normalize(s.address)}, s.hostKey)
	other, _ := newSigner(t)
	wrong := knownhosts.Line([]string{knownhosts.Normalize(s.address)}, other.PublicKey())
	for name, content := range map[string]string{"empty": "", "of another server": "example.org " + strings.SplitN(line, " ", 2)[1] + "\n"} {
		save(t, o.KnownHosts, []byte(content))
		_, err := open(t, o).List(ctx(t))
		if !errors.Is(err, failure.ErrHostKey) || !strings.Contains(err.Error(), ssh.FingerprintSHA256(s.hostKey)) || !strings.Contains(hint(err), line) {
			t.Errorf("%s: got %v, hint %q", name, err, hint(err))
		}
		if after, err := os.ReadFile(o.KnownHosts); err != nil || string(after) != content {
			t.Errorf("%s: the file was changed to %q, %v", name, after, err)
		}
	}
	save(t, o.KnownHosts, []byte(wrong+"\n"))
	if _, err := open(t, o).List(ctx(t)); !errors.Is(err, failure.ErrHostKey) || !strings.Contains(err.Error(), "another one is pinned") {
		t.Errorf("changed: got %v", err)
	}
	if err := os.Remove(o.KnownHosts); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, o).List(ctx(t)); !errors.Is(err, failure.ErrHostKey) || !strings.Contains(hint(err), line) {
		t.Errorf("missing file: got %v, hint %q", err, hint(err))
	}
	save(t, o.KnownHosts, []byte(line+"\n"))
	if _, err := open(t, o).List(ctx(t)); err != nil {
		t.Errorf("pinned: got %v", err)
	}
}

func TestAnSSHKeyThatIsNoUseIsSaidSo(t *testing.T) {
	w := newWork(t)
	_, o := serveSSH(t, w.bare)
	_, stranger := newSigner(t)
	for name, content := range map[string][]byte{"a stranger's": stranger, "no key": []byte("hello"), "empty": nil} {
		save(t, o.SSHKey, content)
		if _, err := open(t, o).List(ctx(t)); !errors.Is(err, failure.ErrAuth) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	o.SSHKey = ""
	if _, err := open(t, o).List(ctx(t)); !errors.Is(err, failure.ErrAuth) || hint(err) == "" {
		t.Errorf("none: got %v", err)
	}
}

// One connection carries look after look: for a server it is dearer than all that git
// does on it. It is replaced when it died, and when the key or the pinned hosts change.
func TestOneConnectionCarriesManyLooks(t *testing.T) {
	w := newWork(t)
	w.commit("one")
	w.push()
	s, o := serveSSH(t, w.bare)
	r := open(t, o)
	look := func(made int32) {
		t.Helper()
		if _, err := r.List(ctx(t)); err != nil {
			t.Fatal(err)
		}
		if got := s.made.Load(); got != made {
			t.Errorf("%d connections were made, want %d", got, made)
		}
	}
	look(1)
	look(1)
	s.cut()
	look(2)
	look(2)
	pinned, err := os.ReadFile(o.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	save(t, o.KnownHosts, append([]byte("# changed\n"), pinned...))
	look(3)
}
