package signature

import (
	"bytes"
	"crypto"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgppacket "github.com/ProtonMail/go-crypto/openpgp/packet"

	"mainstay/e2e/attack"
)

// armoredAs is the armour of packets.
func armoredAs(t *testing.T, kind string, packets []byte) string {
	t.Helper()
	var b strings.Builder
	w, err := armor.Encode(&b, kind, nil)
	if err == nil {
		_, err = w.Write(packets)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// pgpKeyOf makes a key and its packets.
func pgpKeyOf(t *testing.T, config *pgppacket.Config) (*openpgp.Entity, []byte) {
	t.Helper()
	e, err := openpgp.NewEntity("ada", "", "ada@example.org", config)
	if err != nil {
		t.Fatal(err)
	}
	return e, packed(t, e)
}

// revocationOf is a certificate that revokes a key.
func revocationOf(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	was := e.Revocations
	defer func() { e.Revocations = was }()
	if err := e.RevokeKey(pgppacket.KeyCompromised, "", nil); err != nil {
		t.Fatal(err)
	}
	return packed(t, e.Revocations[len(was)])
}

const pgpSigned = "tree a\ncommitter a <b> 1 +0000\n\nbody\n"

// pgpSignature signs a commit at a time, whatever the key allows.
func pgpSignature(t *testing.T, e *openpgp.Entity, hash crypto.Hash, at time.Time) []byte {
	t.Helper()
	sig := &pgppacket.Signature{Version: 4, SigType: pgppacket.SigTypeBinary, PubKeyAlgo: e.PrimaryKey.PubKeyAlgo, Hash: hash, CreationTime: at, IssuerKeyId: &e.PrimaryKey.KeyId}
	h, err := sig.PrepareSign(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = h.Write([]byte(pgpSigned))
	if err := sig.Sign(h, e.PrivateKey, nil); err != nil {
		t.Fatal(err)
	}
	return packed(t, sig)
}

// packed is a packet as bytes.
func packed(t *testing.T, p interface{ Serialize(io.Writer) error }) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// verified verifies a signature of that commit by a ring as a file has it.
func verified(ring, armored string) error {
	set, err := parse([]byte(ring))
	if err != nil {
		return err
	}
	_, err = verifyPGP([]byte(pgpSigned), []byte(armored), set.pgp)
	return err
}

func TestARingHoldsNothingThatIsNotUnderstood(t *testing.T) {
	attack.Row(t, "commit signatures", "a key that is listed twice, or revoked by what stands behind it in the file", "the file is refused")
	e, key := pgpKeyOf(t, nil)
	sig := armoredAs(t, "PGP SIGNATURE", pgpSignature(t, e, crypto.SHA256, time.Now()))
	block := func(packets []byte) string { return armoredAs(t, "PGP PUBLIC KEY BLOCK", packets) }
	certificate := revocationOf(t, e)
	var private bytes.Buffer
	if err := e.SerializePrivate(&private, nil); err != nil {
		t.Fatal(err)
	}
	_, newest := pgpKeyOf(t, &pgppacket.Config{V6Keys: true, Algorithm: pgppacket.PubKeyAlgoEd25519})
	ripemd := bytes.Clone(certificate)
	ripemd[bytes.IndexByte(ripemd, byte(pgppacket.SigTypeKeyRevocation))+2] = 3
	_, other := pgpKeyOf(t, nil)
	if err := verified(block(key)+"\n"+block(other), sig); err != nil {
		t.Errorf("two keys in two blocks: %v", err)
	}
	for name, c := range map[string]struct{ ring, want string }{
		"twice":                          {string(key) + string(key), "there twice"},
		"twice, in armour":               {block(key) + block(key), "there twice"},
		"revoked behind":                 {block(key) + block(certificate), "wrong type"},
		"revoked behind, no armour":      {string(key) + string(certificate), "wrong type"},
		"revoked by an unknown sum":      {string(key) + string(ripemd), "export-minimal"},
		"a revocation before all":        {string(certificate) + string(key), "first key"},
		"text behind":                    {block(key) + "revoked, see below\n", "no armour"},
		"a block that does not end":      {block(key) + "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n", "no end"},
		"a private key":                  {armoredAs(t, "PGP PRIVATE KEY BLOCK", private.Bytes()), "PRIVATE KEY"},
		"a private key, no armour":       {private.String(), "PrivateKey"},
		"a key of version 6":             {string(newest) + string(key), "version 6"},
		"a block with a wrong checksum":  {spoilSum(block(key)), "checksum"},
		"a block of a name it ends not":  {strings.Replace(block(key), "END PGP PUBLIC", "END PGP PRIVATE", 1), "does not end"},
		"a block whose header is no one": {strings.Replace(block(key), "\n\n", "\nhello\n\n", 1), "no header"},
	} {
		if err := verified(c.ring, sig); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// spoilSum changes the checksum of an armour.
func spoilSum(armored string) string {
	at := strings.LastIndex(armored, "\n=") + 2
	sum := "AAAA"
	if strings.HasPrefix(armored[at:], sum) {
		sum = "BBBB"
	}
	return armored[:at] + sum + armored[at+4:]
}

func TestAWeakOrOldOpenPGPSignatureIsRefused(t *testing.T) {
	attack.Row(t, "commit signatures", "an OpenPGP signature older than its key, by a short RSA key, or over a sum that gpg does not know", "refused")
	e, key := pgpKeyOf(t, &pgppacket.Config{Algorithm: pgppacket.PubKeyAlgoEdDSA, Time: func() time.Time { return time.Now().Add(-time.Hour) }})
	weak, weakKey := pgpKeyOf(t, &pgppacket.Config{RSABits: 1024})
	good := pgpSignature(t, e, crypto.SHA256, time.Now())
	signed := func(e *openpgp.Entity, hash crypto.Hash, at time.Time) string {
		return armoredAs(t, "PGP SIGNATURE", pgpSignature(t, e, hash, at))
	}
	for name, c := range map[string]struct {
		ring []byte
		sig  string
		want string
	}{
		"good":               {key, armoredAs(t, "PGP SIGNATURE", good), ""},
		"older than a key":   {key, signed(e, crypto.SHA256, time.Now().Add(-2*time.Hour)), "older than its key"},
		"by 1024 bits":       {weakKey, signed(weak, crypto.SHA256, time.Now()), "can be factored"},
		"over SHA-3":         {key, signed(e, crypto.SHA3_256, time.Now()), "sign with SHA-256"},
		"over SHA-224":       {key, signed(e, crypto.SHA224, time.Now()), "sign with SHA-256"},
		"a key that ended":   {withWord(t, e, key, 60, true), armoredAs(t, "PGP SIGNATURE", good), "has expired"},
		"a key for keys":     {withWord(t, e, key, 0, false), armoredAs(t, "PGP SIGNATURE", good), "not for signing"},
		"a key that says so": {withWord(t, e, key, 7200, true), armoredAs(t, "PGP SIGNATURE", good), ""},
		"of another armour":  {key, armoredAs(t, "PGP MESSAGE", good), "one PGP SIGNATURE alone"},
		"two blocks":         {key, strings.Repeat(armoredAs(t, "PGP SIGNATURE", good), 2), "one PGP SIGNATURE alone"},
		"a text behind":      {key, armoredAs(t, "PGP SIGNATURE", good) + "more\n", "no armour"},
		"a wrong checksum":   {key, spoilSum(armoredAs(t, "PGP SIGNATURE", good)), "checksum"},
	} {
		err := verified(string(c.ring), c.sig)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// withWord is a key with a word about itself that stands under none of its names: how
// many seconds it is good for, and whether it is for signing.
func withWord(t *testing.T, e *openpgp.Entity, key []byte, seconds uint32, signs bool) []byte {
	t.Helper()
	word := &pgppacket.Signature{Version: 4, SigType: pgppacket.SigTypeDirectSignature, PubKeyAlgo: e.PrimaryKey.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: time.Now().Add(-time.Minute), IssuerKeyId: &e.PrimaryKey.KeyId, KeyLifetimeSecs: &seconds, FlagsValid: true, FlagSign: signs, FlagCertify: true}
	if err := word.SignDirectKeyBinding(e.PrimaryKey, e.PrivateKey, nil); err != nil {
		t.Fatal(err)
	}
	head := len(packed(t, e.PrimaryKey))
	return slices.Insert(bytes.Clone(key), head, packed(t, word)...)
}
