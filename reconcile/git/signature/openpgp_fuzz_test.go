package signature

import (
	"bytes"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgppacket "github.com/ProtonMail/go-crypto/openpgp/packet"

	"mainstay/e2e/attack"
)

// FuzzOpenPGP reads keyrings and signatures of strangers. Whatever is changed in a good
// signature, or put in its place, only what the key signed is accepted.
func FuzzOpenPGP(f *testing.F) {
	key, err := openpgp.NewEntity("Ada", "", "ada@example.org", &pgppacket.Config{Algorithm: pgppacket.PubKeyAlgoEdDSA})
	if err != nil {
		f.Fatal(err)
	}
	var public, sig bytes.Buffer
	payload := []byte("tree a\ncommitter a <b> 1 +0000\n\nbody\n")
	if err := key.Serialize(&public); err != nil {
		f.Fatal(err)
	}
	if err := openpgp.DetachSign(&sig, key, bytes.NewReader(payload), nil); err != nil {
		f.Fatal(err)
	}
	other := []byte("tree b\ncommitter a <b> 1 +0000\n\nbody\n")
	f.Add(public.Bytes(), sig.Bytes())
	f.Add(public.Bytes(), append(bytes.Clone(sig.Bytes()), sig.Bytes()...))
	f.Add(append(bytes.Clone(public.Bytes()), public.Bytes()...), sig.Bytes()[:len(sig.Bytes())-3])
	f.Add([]byte(pgpArmor+"PUBLIC KEY BLOCK-----\n\nx\n"), []byte{0x99, 0xff, 0xff})
	good, err := readRing(public.Bytes())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ring, packets []byte) {
		attack.Cheap(t, func() {
			var text bytes.Buffer
			w, err := armor.Encode(&text, "PGP SIGNATURE", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(packets); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var set Signers
			if guard(func() (err error) { set, err = parse(ring); return err }) == nil {
				_ = guard(func() error { _, err := verifyPGP(other, text.Bytes(), set.pgp); return err })
			}
			if guard(func() error { _, err := verifyPGP(other, text.Bytes(), good); return err }) == nil {
				t.Errorf("%x is a signature of what was not signed", packets)
			}
		})
	})
}
