package signature

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
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

// byAlgorithm signs with an RSA key over whatever sum, which sshsig itself does not.
func byAlgorithm(t *testing.T, signer ssh.Signer, namespace, algorithm string, payload []byte) []byte {
	t.Helper()
	sum := sha512.Sum512(payload)
	data := append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Sum string }{namespace, "", "sha512", string(sum[:])})...)
	made, err := signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, data, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return sshsig.Armor(&sshsig.Signature{Version: 1, PublicKey: signer.PublicKey(), Namespace: namespace, HashAlgorithm: sshsig.HashSHA512, Signature: made})
}

func TestAnSSHSignatureOverASHA1SumIsRefused(t *testing.T) {
	attack.Row(t, "commit signatures", "an SSH signature by an RSA key over a SHA-1 sum", "refused, as git does")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder, payload := t.TempDir(), []byte("tree a\ncommitter a <b> 1 +0000\n\nbody\n")
	signers := filepath.Join(folder, "signers")
	public := string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
	if err := os.WriteFile(signers, []byte("ops "+public), 0o600); err != nil {
		t.Fatal(err)
	}
	allowed, err := parseAllowedSigners("ops " + public)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, want := range map[string]bool{ssh.KeyAlgoRSASHA512: true, ssh.KeyAlgoRSASHA256: true, ssh.KeyAlgoRSA: false} {
		armored := byAlgorithm(t, signer, gitNamespace, algorithm, payload)
		_, err := verifySSH(payload, armored, allowed, time.Unix(1, 0))
		file := filepath.Join(folder, "sig")
		if err := os.WriteFile(file, armored, 0o600); err != nil {
			t.Fatal(err)
		}
		theirs := exec.Command("ssh-keygen", "-Y", "verify", "-n", gitNamespace, "-f", signers, "-I", "ops", "-s", file)
		theirs.Stdin = bytes.NewReader(payload)
		out, keygen := theirs.CombinedOutput()
		if (err == nil) != want || (keygen == nil) != want {
			t.Errorf("%s: here %v, ssh-keygen %v %s", algorithm, err, keygen, out)
		}
		if !want && !strings.Contains(err.Error(), "invalid signature format") {
			t.Error(err)
		}
	}
	// So it is with what a node signs.
	note := byAlgorithm(t, signer, NoteNamespace, ssh.KeyAlgoRSA, payload)
	if _, err := sshsig.Unarmor(note); err == nil {
		t.Error("a node may sign over SHA-1")
	}
}
