package signature

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"mainstay/e2e/attack"
)

// keygen asks OpenSSH's own program, as git does.
type keygen struct {
	program, folder string
	payload         []byte
	signature       []byte
	key             ssh.PublicKey
}

func newKeygen(f *testing.F) keygen {
	f.Helper()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		f.Fatal("ssh-keygen is needed")
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	if err != nil {
		f.Fatal(err)
	}
	k := keygen{program: program, folder: f.TempDir(), payload: []byte("payload\n"), key: signer.PublicKey()}
	sig, err := sshsig.Sign(bytes.NewReader(k.payload), signer, sshsig.HashSHA512, gitNamespace)
	if err != nil {
		f.Fatal(err)
	}
	k.signature = sshsig.Armor(sig)
	if err := os.WriteFile(filepath.Join(k.folder, "sig"), k.signature, 0o600); err != nil {
		f.Fatal(err)
	}
	return k
}

// allows reports whether a file of signers allows the signature at a time, in the two
// steps that git takes.
func (k keygen) allows(t *testing.T, file string, when time.Time) bool {
	t.Helper()
	signers, sig := filepath.Join(k.folder, "signers"), filepath.Join(k.folder, "sig")
	if err := os.WriteFile(signers, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "-Overify-time=" + when.UTC().Format("20060102150405") + "Z"
	names, err := exec.Command(k.program, "-Y", "find-principals", "-f", signers, "-s", sig, at).Output()
	if err != nil {
		return false
	}
	for name := range strings.Lines(string(names)) {
		verify := exec.Command(k.program, "-Y", "verify", "-n", gitNamespace, "-f", signers, "-I", strings.TrimRight(name, "\n"), "-s", sig, at)
		verify.Stdin = bytes.NewReader(k.payload)
		if verify.Run() == nil {
			return true
		}
	}
	return false
}

// FuzzSignersAgainstKeygen writes lines of every form for one key: what is accepted
// here, ssh-keygen accepts too.
func FuzzSignersAgainstKeygen(f *testing.F) {
	k := newKeygen(f)
	for _, head := range []string{
		"ops", "a,b", "*", "ops,!eve", `ops namespaces="git"`, `ops namespaces="file,g?t"`, `ops namespaces="!git,*"`, `ops valid-after="20200101",valid-before="20300101Z"`,
		`ops namespaces="git",`, `ops namespaces="file",namespaces="git"`, `ops ,namespaces="git"`, `ops valid-after="20300101",valid-before="20200101"`,
		`"a b" Namespaces="git"`, `ops valid-before="202601010000"`, `!ops`, "ops\tnamespaces=\"git\"", `ops namespaces="git"valid-after="20200101"`, "# x\nops",
	} {
		f.Add(head, int64(1_780_000_000))
	}
	line := " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.key))) + "\n"
	f.Fuzz(func(t *testing.T, head string, seconds int64) {
		if len(head) > 4096 || seconds < 0 || seconds > 4_000_000_000 {
			return
		}
		when := time.Unix(seconds, 0)
		var err error
		attack.Cheap(t, func() {
			var all []allowedSigner
			if all, err = parseAllowedSigners(head + line); err == nil {
				_, err = verifySSH(k.payload, k.signature, all, when)
			}
		})
		if err == nil && !k.allows(t, head+line, when) {
			t.Errorf("%q is accepted, and ssh-keygen refuses it", head)
		}
	})
}
