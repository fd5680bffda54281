package git_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
)

// verifiedByGit asks git itself, which asks ssh-keygen.
func verifiedByGit(w *work, signers, commit string) bool {
	w.t.Helper()
	cmd := exec.Command("git", "-c", "gpg.ssh.allowedSignersFile="+signers, "verify-commit", commit)
	cmd.Dir, cmd.Env = w.dir, append(gitserver.Env(), "HOME="+os.TempDir())
	return cmd.Run() == nil
}

// What git refuses is refused here, whatever the line of allowed signers looks like.
func TestNoLineAllowsMoreThanGitDoes(t *testing.T) {
	w := newWork(t)
	key, public := keypair(t)
	signed := w.signed(key, "one")
	w.push()
	for line, good := range map[string]bool{
		`ops namespaces="git"`: true, `ops namespaces="file,g?t"`: true, `ops namespaces="*"`: true, `*`: true, `ops,!eve`: true,
		`ops namespaces="!git,*"`: false, `ops namespaces="*,!git"`: false, `ops namespaces="!g*,git"`: false, `ops namespaces="!file"`: false,
		`ops namespaces="[g]it"`: false, `ops namespaces="\\git"`: false, `ops namespaces=git`: false, `ops namespaces="git`: false,
		`ops namespaces=""`: false, `ops valid-before=20300101`: false, `ops valid-before="20200101"`: false, `ops valid-after="20990101"`: false,
		`!ops`: false, `!*`: false, `ops cert-authority`: false, `ops namespaces="GIT"`: false,
	} {
		t.Run(line, func(t *testing.T) {
			attack.Row(t, "commit signatures", "a commit under the line of allowed signers "+line, map[bool]string{true: "accepted, as git does", false: "refused, as git does"}[good])
			file := filepath.Join(t.TempDir(), "allowed_signers")
			save(t, file, []byte(line+" "+public+"\n"))
			_, err := open(t, git.Options{URL: w.bare, AllowedSigners: file}).Revision(ctx(t), "main", signed, "")
			if good != (err == nil) || err != nil && !errors.Is(err, failure.ErrSignature) {
				t.Errorf("got %v", err)
			}
			if git := verifiedByGit(w, file, signed); err == nil && !git {
				t.Error("git refuses what is accepted here")
			}
		})
	}
}

func TestACommitOfTwoCommittersIsRefused(t *testing.T) {
	attack.Row(t, "commit signatures", "a signed commit with two committer lines, the first without a time", "refused")
	w := newWork(t)
	key, public := keypair(t)
	payload := strings.Replace(w.git("cat-file", "commit", w.commit("one")), "\ncommitter ", "\ncommitter nobody <nobody>\ncommitter ", 1) + "\n"
	save(t, filepath.Join(w.dir, "payload"), []byte(payload))
	if out, err := exec.Command("ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", key, filepath.Join(w.dir, "payload")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	armored := strings.ReplaceAll(strings.TrimSpace(readFile(t, filepath.Join(w.dir, "payload.sig"))), "\n", "\n ")
	head, body, _ := strings.Cut(payload, "\n\n")
	hash := w.hashObject(head + "\ngpgsig " + armored + "\n\n" + body)
	w.git("push", "--quiet", "--force", "origin", hash+":refs/heads/main")
	file := filepath.Join(t.TempDir(), "allowed_signers")
	save(t, file, []byte("ops "+public+"\n"))
	_, err := open(t, git.Options{URL: w.bare, AllowedSigners: file}).Revision(ctx(t), "main", hash, "")
	if !errors.Is(err, failure.ErrSignature) || !strings.Contains(err.Error(), "committers") {
		t.Errorf("got %v", err)
	}
}
