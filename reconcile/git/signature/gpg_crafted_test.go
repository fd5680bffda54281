//go:build e2e

package signature_test

import (
	"bytes"
	"crypto"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// crafted is a key that gpg does not make, and the commit signed with the key or its
// newest subkey. Shape changes what the key says of itself.
func crafted(settings *packet.Config, subkey bool, shape func(*openpgp.Entity)) func(*gnupg) ([]byte, []byte) {
	return func(g *gnupg) ([]byte, []byte) {
		made := time.Now().Add(-48 * time.Hour)
		config := *settings
		config.Time = func() time.Time { return made }
		e, err := openpgp.NewEntity("crafted", "", "crafted@example.org", &config)
		if err == nil && subkey {
			err = e.AddSigningSubkey(&config)
		}
		if err != nil {
			g.t.Fatal(err)
		}
		if shape != nil {
			shape(e)
		}
		var ring bytes.Buffer
		if err := e.Serialize(&ring); err != nil {
			g.t.Fatal(err)
		}
		private := e.PrivateKey
		if subkey {
			private = e.Subkeys[len(e.Subkeys)-1].PrivateKey
		}
		return ring.Bytes(), commit(wrap(g.t, "PGP SIGNATURE", g.signBy(private, settings)))
	}
}

// signBy signs the commit with any key, whatever the key is for.
func (g *gnupg) signBy(private *packet.PrivateKey, config *packet.Config) []byte {
	g.t.Helper()
	sig := &packet.Signature{Version: private.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: private.PubKeyAlgo, Hash: config.Hash(),
		CreationTime: time.Now(), IssuerKeyId: &private.KeyId}
	h, err := sig.PrepareSign(config)
	if err != nil {
		g.t.Fatal(err)
	}
	_, _ = h.Write([]byte(payload))
	var b bytes.Buffer
	if err := sig.Sign(h, private, config); err != nil {
		g.t.Fatal(err)
	}
	if err := sig.Serialize(&b); err != nil {
		g.t.Fatal(err)
	}
	return b.Bytes()
}

// pgpCrafted are keys as another program, or somebody who means harm, could make them.
func pgpCrafted() []pgpCase {
	eddsa := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	rsa := &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}
	// own changes the key's word about itself, and signs the word again.
	own := func(change func(*packet.Signature)) func(*openpgp.Entity) {
		return func(e *openpgp.Entity) {
			for _, id := range e.Identities {
				change(id.SelfSignature)
				if err := id.SelfSignature.SignUserId(id.Name, e.PrimaryKey, e.PrivateKey, eddsa); err != nil {
					panic(err)
				}
			}
		}
	}
	// bound changes the key's word about its newest subkey.
	bound := func(change func(*packet.Signature)) func(*openpgp.Entity) {
		return func(e *openpgp.Entity) {
			sub := e.Subkeys[len(e.Subkeys)-1]
			change(sub.Sig)
			if err := sub.Sig.SignKey(sub.PublicKey, e.PrivateKey, eddsa); err != nil {
				panic(err)
			}
		}
	}
	hour := uint32(3600)
	return []pgpCase{
		{name: "a key as another program makes it", gpg: "GOODSIG VALIDSIG", here: true, make: crafted(eddsa, false, nil)},
		{name: "a signing subkey as another program makes it", gpg: "GOODSIG VALIDSIG", here: true, make: crafted(eddsa, true, nil)},
		{name: "a key that may only certify", gpg: "ERRSIG", make: crafted(eddsa, false, own(func(s *packet.Signature) { s.FlagSign = false }))},
		{name: "a key that says nothing of its use", gpg: "GOODSIG VALIDSIG", stricter: "unsaid is not allowed", make: crafted(eddsa, false, own(func(s *packet.Signature) {
			s.FlagsValid, s.FlagSign, s.FlagCertify = false, false, false
		}))},
		{name: "a subkey that did not sign for its key", gpg: "ERRSIG", make: crafted(eddsa, true, bound(func(s *packet.Signature) { s.EmbeddedSignature = nil }))},
		{name: "a subkey that is for encryption", gpg: "ERRSIG", make: crafted(rsa, true, bound(func(s *packet.Signature) {
			s.FlagSign, s.FlagEncryptStorage, s.FlagEncryptCommunications, s.EmbeddedSignature = false, true, true, nil
		}))},
		{name: "a subkey that is for logins", gpg: "ERRSIG", make: crafted(eddsa, true, bound(func(s *packet.Signature) {
			s.FlagSign, s.FlagAuthenticate, s.EmbeddedSignature = false, true, nil
		}))},
		{name: "a key's word about its subkey that has expired", gpg: "ERRSIG", make: crafted(eddsa, true, bound(func(s *packet.Signature) { s.SigLifetimeSecs = &hour }))},
		{name: "a key's word about itself that has expired", gpg: "GOODSIG VALIDSIG", stricter: "the word is over", make: crafted(eddsa, false, own(func(s *packet.Signature) { s.SigLifetimeSecs = &hour }))},
		{name: "a key that signed only its own end, and not by a name", gpg: "EXPKEYSIG VALIDSIG", make: directly(eddsa, &hour, true)},
		{name: "a key that signed its use, and not by a name", gpg: "GOODSIG VALIDSIG", here: true, make: directly(eddsa, nil, true)},
		{name: "a key that signed that it is for other keys only, and not by a name", gpg: "ERRSIG", make: directly(eddsa, nil, false)},
		{name: "a sum of SHA-3", gpg: "", make: crafted(&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA3_256}, false, nil)},
		{name: "a key of the newest form (version 6)", gpg: "NODATA", make: crafted(&packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true}, false, nil)},
	}
}

// directly is a key with a word about itself that belongs to none of its names.
func directly(config *packet.Config, lifetime *uint32, signs bool) func(*gnupg) ([]byte, []byte) {
	return func(g *gnupg) ([]byte, []byte) {
		var key *openpgp.Entity
		_, raw := crafted(config, false, func(e *openpgp.Entity) { key = e })(g)
		word := &packet.Signature{Version: 4, SigType: packet.SigTypeDirectSignature, PubKeyAlgo: key.PrimaryKey.PubKeyAlgo, Hash: config.Hash(),
			CreationTime: time.Now().Add(-time.Minute), IssuerKeyId: &key.PrimaryKey.KeyId, KeyLifetimeSecs: lifetime,
			FlagsValid: true, FlagSign: signs, FlagCertify: true}
		if err := word.SignDirectKeyBinding(key.PrimaryKey, key.PrivateKey, config); err != nil {
			g.t.Fatal(err)
		}
		var ring, rest bytes.Buffer
		if err := key.PrimaryKey.Serialize(&ring); err != nil {
			g.t.Fatal(err)
		}
		head := ring.Len()
		if err := word.Serialize(&ring); err != nil {
			g.t.Fatal(err)
		}
		if err := key.Serialize(&rest); err != nil {
			g.t.Fatal(err)
		}
		return append(ring.Bytes(), rest.Bytes()[head:]...), raw
	}
}
