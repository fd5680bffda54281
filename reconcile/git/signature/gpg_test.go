//go:build e2e

package signature_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git/signature"
)

// payload is the commit that is signed.
const payload = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor ops <ops@example.org> 1780000000 +0000\n" +
	"committer ops <ops@example.org> 1780000000 +0000\n\nactive: standby\n"

// gnupg is a folder of GnuPG's with the keys that the test makes, and a repository.
type gnupg struct {
	t          *testing.T
	home, repo string
}

// homedir makes a folder for GnuPG, whose name is short: the agent's socket is in it.
func homedir(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	return home
}

func newGnuPG(t *testing.T) *gnupg {
	t.Helper()
	g := &gnupg{t: t, home: homedir(t), repo: t.TempDir()}
	gitserver.Git(t, g.repo, "init", "--quiet")
	return g
}

// run runs gpg with an answer for each of its questions, and returns what it prints.
func (g *gnupg) run(stdin string, args ...string) []byte {
	g.t.Helper()
	cmd := exec.Command("gpg", append([]string{"--homedir", g.home, "--batch", "--quiet", "--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out
}

// key makes a key and returns its fingerprint. Flags come before the command.
func (g *gnupg) key(name, algorithm, usage, expire string, flags ...string) string {
	g.t.Helper()
	g.run("", append(flags, "--quick-generate-key", name+" <"+name+"@example.org>", algorithm, usage, expire)...)
	return g.fingerprints(name)[0]
}

// subkey adds a subkey to a key and returns its fingerprint.
func (g *gnupg) subkey(of, algorithm, usage, expire string, flags ...string) string {
	g.t.Helper()
	g.run("", append(flags, "--quick-add-key", of, algorithm, usage, expire)...)
	all := g.fingerprints(of)
	return all[len(all)-1]
}

// fingerprints are those of a key and its subkeys.
func (g *gnupg) fingerprints(name string) []string {
	var all []string
	for line := range strings.Lines(string(g.run("", "--with-colons", "--list-keys", name))) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			all = append(all, f[9])
		}
	}
	return all
}

// edit gives the answers of a person to gpg --edit-key, or to another command.
func (g *gnupg) edit(answers string, args ...string) []byte {
	return g.run(strings.ReplaceAll(answers, ",", "\n")+"\n", append([]string{"--no-batch", "--command-fd", "0"}, args...)...)
}

// revocation is a certificate that revokes a key, for a reason: 0 none, 1 compromised, 2 superseded.
func (g *gnupg) revocation(key, reason string, flags ...string) []byte {
	return g.edit("y,"+reason+",,y", append(flags, "--gen-revoke", key)...)
}

// ring is the public keys as a file holds them.
func (g *gnupg) ring(keys ...string) []byte {
	return g.run("", append([]string{"--export"}, keys...)...)
}

// sign signs the commit. Flags say by which key and how.
func (g *gnupg) sign(flags ...string) string {
	return string(g.run(payload, append(flags, "--armor", "--detach-sign")...))
}

// by names a key to sign with, and no other of the same person.
func by(key string) []string { return []string{"--local-user", key + "!"} }

// at is the time that gpg takes for now.
func at(day string) string { return "--faked-system-time=" + day + "T000000!" }

// commit puts a signature into the commit, as git does.
func commit(armored string) []byte {
	head, body, _ := strings.Cut(payload, "\n\n")
	return []byte(head + "\ngpgsig " + strings.ReplaceAll(strings.TrimRight(armored, "\n"), "\n", "\n ") + "\n\n" + body)
}

// wrap is the armour of packets.
func wrap(t *testing.T, kind string, packets []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packets); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unwrap is the packets of an armour.
func unwrap(t *testing.T, armored string) []byte {
	t.Helper()
	block, err := armor.Decode(strings.NewReader(armored))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(block.Body); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// believer is somebody's GnuPG that knows the keys of one ring.
func believer(t *testing.T, ring []byte) (home string) {
	t.Helper()
	home = homedir(t)
	if err := os.WriteFile(filepath.Join(home, "gpg.conf"), []byte("no-autostart\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gpg", "--homedir", home, "--batch", "--quiet", "--import")
	cmd.Stdin = bytes.NewReader(ring)
	// A key that gpg does not take is one that it does not know.
	out, err := cmd.CombinedOutput()
	t.Logf("gpg --import: %v %s", err, out)
	return home
}

// gitBelieves asks git and gpg whether the commit is well signed, and returns gpg's words
// for its signature.
func (g *gnupg) gitBelieves(home string, raw []byte) (words []string, ok bool) {
	g.t.Helper()
	store := exec.Command("git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin")
	store.Dir, store.Stdin = g.repo, bytes.NewReader(raw)
	hash, err := store.Output()
	if err != nil {
		g.t.Fatal(err)
	}
	verify := exec.Command("git", "verify-commit", "--raw", strings.TrimSpace(string(hash)))
	verify.Dir, verify.Env = g.repo, append(gitserver.Env(), "GNUPGHOME="+home)
	out, err := verify.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "[GNUPG:]" && (strings.HasSuffix(f[1], "SIG") && f[1] != "NEWSIG" || f[1] == "NODATA" || f[1] == "BADARMOR" || f[1] == "UNEXPECTED") {
			words = append(words, f[1])
		}
	}
	// How often it finds no data depends on the bytes behind a fault, which are others each time.
	return slices.Compact(words), err == nil
}

// believed says whether the commit is well signed as this package sees it.
func believed(t *testing.T, ring, raw []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ring")
	if err := os.WriteFile(file, ring, 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := signature.Read(file)
	if err != nil {
		return fmt.Errorf("the ring: %w", err)
	}
	_, err = signature.Verify(raw, set)
	return err
}

// Whatever git and gpg refuse is refused here. The other way round each row has its reason.
func TestWhatGnuPGRefusesIsRefused(t *testing.T) {
	g := newGnuPG(t)
	for _, c := range pgpCases() {
		t.Run(c.name, func(t *testing.T) {
			attack.Row(t, "OpenPGP against gpg", c.name, map[bool]string{true: "accepted", false: "refused"}[c.here])
			g.t = t
			ring, raw := c.make(g)
			words, theirs := g.gitBelieves(believer(t, ring), raw)
			ours := believed(t, ring, raw)
			t.Logf("git and gpg: %t %v; here: %v", theirs, words, ours)
			if got := strings.Join(words, " "); got != c.gpg {
				t.Errorf("gpg says %q, and the row is about %q", got, c.gpg)
			}
			if theirs != (c.here || c.stricter != "") {
				t.Errorf("git says %t", theirs)
			}
			if (ours == nil) != c.here {
				t.Errorf("here: %v", ours)
			}
			if ours == nil && !theirs {
				t.Error("accepted, and git refuses it")
			}
		})
	}
}

// A good signature with some bytes changed is believed here only where git and gpg
// believe it, too: most of what is in the part that is not signed means nothing.
func TestASignatureWithAChangedByteIsBelievedOnlyWhereGnuPGDoes(t *testing.T) {
	g := newGnuPG(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	key := g.key("ada", "ed25519", "cert", "never")
	sub := g.subkey(key, "ed25519", "sign", "never")
	ring, packets := g.ring(key), unwrap(t, g.sign(by(sub)...))
	if err := believed(t, ring, commit(wrap(t, "PGP SIGNATURE", packets))); err != nil {
		t.Fatal(err)
	}
	home, accepted := believer(t, ring), 0
	for range 4000 {
		sig := changed(random, packets)
		raw := commit(wrap(t, "PGP SIGNATURE", sig))
		if believed(t, ring, raw) != nil {
			continue
		}
		accepted++
		if words, theirs := g.gitBelieves(home, raw); !theirs {
			t.Errorf("accepted, and git refuses it (%v): %x", words, sig)
		}
	}
	t.Logf("%d of 4000 are accepted here", accepted)
}

// changed is some bytes with one of them changed, left out or there twice.
func changed(random *rand.Rand, b []byte) []byte {
	b, i := slices.Clone(b), random.IntN(len(b))
	switch random.IntN(4) {
	case 0:
		return slices.Delete(b, i, i+1)
	case 1:
		return slices.Insert(b, i, b[i])
	}
	b[i] ^= 1 << random.IntN(8)
	return b
}

// So it is with SSH signatures, of an RSA and of an ed25519 key, held against ssh-keygen.
func TestAnSSHSignatureWithAChangedByteIsBelievedOnlyWhereOpenSSHDoes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, kind := range []string{"rsa", "ed25519", "ecdsa"} {
		folder := t.TempDir()
		key, signers, file := filepath.Join(folder, "key"), filepath.Join(folder, "signers"), filepath.Join(folder, "sig")
		keygen := func(stdin string, args ...string) ([]byte, error) {
			cmd := exec.Command("ssh-keygen", args...)
			cmd.Stdin = strings.NewReader(stdin)
			return cmd.Output()
		}
		save := func(file string, b []byte) {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := keygen("", "-q", "-t", kind, "-N", "", "-C", "", "-f", key); err != nil {
			t.Fatal(err)
		}
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		save(signers, append([]byte("ops "), public...))
		armored, err := keygen(payload, "-q", "-Y", "sign", "-n", "git", "-f", key)
		if err != nil {
			t.Fatal(err)
		}
		good, _ := pem.Decode(armored)
		accepted := 0
		for range 2000 {
			sig := pem.EncodeToMemory(&pem.Block{Type: good.Type, Bytes: changed(random, good.Bytes)})
			set, err := signature.Read(signers)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := signature.Verify(commit(string(sig)), set); err != nil {
				continue
			}
			accepted++
			save(file, sig)
			if _, err := keygen(payload, "-Y", "verify", "-n", "git", "-f", signers, "-I", "ops", "-s", file); err != nil {
				t.Errorf("%s: accepted, and ssh-keygen refuses it (%v):\n%s", kind, err, sig)
			}
		}
		t.Logf("%s: %d of 2000 are accepted here", kind, accepted)
	}
}
