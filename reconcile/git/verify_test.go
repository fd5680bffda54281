package git_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

// keypair makes an SSH key with ssh-keygen and returns the file of the private
// one and the public one as "type key".
func keypair(t *testing.T) (file, public string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	b, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(b))
}

// signed makes a commit that git signed with an SSH key.
func (w *work) signed(key, content string) string {
	w.t.Helper()
	w.write("deployment.yaml", content)
	w.git("add", "-A")
	w.git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "--quiet", "-S", "-m", "signed\n\nwith a body")
	return w.git("rev-parse", "HEAD")
}

func TestACommitIsSignedBySomebodyListedOrRefused(t *testing.T) {
	w := newWork(t)
	key, public := keypair(t)
	_, stranger := keypair(t)
	signed := w.signed(key, "one")
	w.push()
	for name, c := range map[string]struct {
		signers string
		want    string
	}{
		"listed":              {"ops@example.org " + public, ""},
		"among others":        {"# people\n\nx@example.org " + stranger + "\n*@example.org,!bad@example.org " + public + " comment here\n", ""},
		"for git":             {`ops namespaces="file,git" ` + public, ""},
		"by pattern":          {`ops namespaces="g*" ` + public, ""},
		"in time":             {`ops valid-after="20200101",valid-before="20990101Z" ` + public, ""},
		"a second line":       {`ops valid-before="20200101" ` + public + "\nops " + public, ""},
		"quoted principals":   {`"ops one" ` + public, ""},
		"not listed":          {"x@example.org " + stranger, "not listed"},
		"for something else":  {`ops namespaces="file" ` + public, "namespace"},
		"no more":             {`ops valid-before="20200101" ` + public, "valid before"},
		"not yet":             {`ops valid-after="20990101" ` + public, "valid after"},
		"a certificate":       {"ops cert-authority " + public, "cert-authority"},
		"an unknown option":   {"ops verify-required " + public, "verify-required"},
		"half a line":         {"ops " + public[:30], "line 1"},
		"an open quote":       {`ops namespaces="git ` + public, "quote"},
		"a time out of range": {`ops valid-after="20201301" ` + public, "20201301"},
		"nobody":              {"# nobody\n", "allows nobody"},
	} {
		file := filepath.Join(t.TempDir(), "allowed_signers")
		save(t, file, []byte(c.signers))
		r := open(t, git.Options{URL: w.bare, AllowedSigners: file})
		v, err := r.Revision(ctx(t), "main", signed, "")
		switch {
		case c.want == "" && (err != nil || v.Signer == ""):
			t.Errorf("%s: got %v", name, err)
		case c.want != "" && (!errors.Is(err, failure.ErrSignature) || !strings.Contains(err.Error(), c.want) || hint(err) == ""):
			t.Errorf("%s: got %v, hint %q", name, err, hint(err))
		}
	}
}

func TestAnUnsignedOrAlteredCommitIsRefused(t *testing.T) {
	attack.Row(t, "commit signatures", "a commit without a signature, or changed after it", "refused")
	w := newWork(t)
	key, public := keypair(t)
	file := filepath.Join(t.TempDir(), "allowed_signers")
	save(t, file, []byte("ops "+public+"\n"))
	r := open(t, git.Options{URL: w.bare, AllowedSigners: file})
	refused := func(what, hash, why string) {
		t.Helper()
		w.git("push", "--quiet", "--force", "origin", hash+":refs/heads/main")
		_, err := r.Revision(ctx(t), "main", hash, "")
		if !errors.Is(err, failure.ErrSignature) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	refused("unsigned", w.commit("one"), "not signed")
	signed := w.git("cat-file", "commit", w.signed(key, "two"))
	other := w.git("rev-parse", "HEAD~1^{tree}")
	tree := w.git("rev-parse", "HEAD^{tree}")
	refused("another tree", w.hashObject(strings.Replace(signed, tree, other, 1)+"\n"), "does not match")
	refused("another message", w.hashObject(signed+" more\n"), "does not match")
	signature := signed[strings.Index(signed, "gpgsig "):strings.Index(signed, "\n\n")]
	refused("two signatures", w.hashObject(strings.Replace(signed, "gpgsig ", signature+"\ngpgsig ", 1)+"\n"), "more than one")
	refused("no signature at all", w.hashObject(strings.Replace(signed, signature, "gpgsig hello", 1)+"\n"), "unknown kind")
	elsewhere := exec.Command("ssh-keygen", "-Y", "sign", "-n", "file", "-f", key)
	elsewhere.Stdin = strings.NewReader(strings.Replace(signed, signature+"\n", "", 1) + "\n")
	out, err := elsewhere.Output()
	if err != nil {
		t.Fatal(err)
	}
	moved := "gpgsig " + strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n ")
	refused("a signature made for a file", w.hashObject(strings.Replace(signed, signature, moved, 1)+"\n"), "does not match")
}

// hashObject writes a commit as it is.
func (w *work) hashObject(raw string) string {
	w.t.Helper()
	cmd := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = w.dir, gitserver.Env(), strings.NewReader(raw)
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestAnOpenPGPKeyringAllowsItsKeys(t *testing.T) {
	w := newWork(t)
	w.commit("one")
	unsigned := w.git("cat-file", "commit", "HEAD") + "\n"
	mine, stranger := entity(t, "ops"), entity(t, "stranger")
	hash := w.hashObject(signPGP(t, mine, unsigned))
	w.git("push", "--quiet", "origin", hash+":refs/heads/main")
	for name, c := range map[string]struct {
		ring []byte
		ok   bool
	}{
		"armored": {keyring(t, true, mine), true}, "binary": {keyring(t, false, stranger, mine), true},
		"another": {keyring(t, true, stranger), false}, "cut short": {keyring(t, false, mine)[:40], false},
	} {
		file := filepath.Join(t.TempDir(), "ring")
		save(t, file, c.ring)
		v, err := open(t, git.Options{URL: w.bare, AllowedSigners: file}).Revision(ctx(t), "main", hash, "")
		if c.ok && (err != nil || !strings.Contains(v.Signer, "ops")) || !c.ok && !errors.Is(err, failure.ErrSignature) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, public := keypair(t)
	file := filepath.Join(t.TempDir(), "allowed_signers")
	save(t, file, []byte("ops "+public+"\n"))
	_, err := open(t, git.Options{URL: w.bare, AllowedSigners: file}).Revision(ctx(t), "main", hash, "")
	if !errors.Is(err, failure.ErrSignature) {
		t.Errorf("of the other kind: got %v", err)
	}
}

func entity(t *testing.T, name string) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", name+"@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func keyring(t *testing.T, armored bool, entities ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range entities {
		if err := e.Serialize(&b); err != nil {
			t.Fatal(err)
		}
	}
	if !armored {
		return b.Bytes()
	}
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// signPGP puts a signature into a commit the way git does.
func signPGP(t *testing.T, e *openpgp.Entity, raw string) string {
	t.Helper()
	var sig bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&sig, e, strings.NewReader(raw), nil); err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(raw, "\n\n")
	return fmt.Sprintf("%s\ngpgsig %s\n\n%s", head, strings.ReplaceAll(strings.TrimSpace(sig.String()), "\n", "\n "), body)
}
