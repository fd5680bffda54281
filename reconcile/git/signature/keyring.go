package signature

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgppacket "github.com/ProtonMail/go-crypto/openpgp/packet"
)

// pgpKey is a key of an OpenPGP ring.
type pgpKey struct {
	*openpgp.Entity
	// words are the newest of what the key says about itself as a whole: under each
	// picture, and under no name at all. What it says under names is in the entity.
	words []*pgppacket.Signature
}

// pgpRing is a ring of keys, none of which is there twice.
type pgpRing []pgpKey

// entities are the keys as the library wants them.
func (r pgpRing) entities() openpgp.EntityList {
	var all openpgp.EntityList
	for _, k := range r {
		all = append(all, k.Entity)
	}
	return all
}

// readRing reads a ring, armoured or not. What it holds but is not understood could be
// the word that revokes a key, so it is an error.
func readRing(b []byte) (pgpRing, error) {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(pgpArmor)) {
		blocks, err := unarmour(bytes.TrimSpace(b))
		if err != nil {
			return nil, err
		}
		b = nil
		for _, a := range blocks {
			if a.kind != "PUBLIC KEY BLOCK" {
				return nil, fmt.Errorf("it holds a PGP %s: export the public keys only", a.kind)
			}
			b = append(b, a.packets...)
		}
	}
	words, counts, err := survey(b)
	if err != nil {
		return nil, err
	}
	var ring pgpRing
	for packets := pgppacket.NewReader(bytes.NewReader(b)); ; {
		e, err := openpgp.ReadEntity(packets)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("key %d of the ring: %w", len(ring)+1, err)
		}
		counts.keys--
		counts.revocations -= len(e.Revocations)
		for _, s := range e.Subkeys {
			counts.revocations -= len(s.Revocations)
		}
		ring = append(ring, pgpKey{Entity: e, words: words[string(e.PrimaryKey.Fingerprint)]})
	}
	if counts != (packetCounts{}) {
		return nil, errors.New("it holds a key or a revocation out of its place: import it with gpg, and export it again")
	}
	return ring, nil
}

// packetCounts is how many keys, and how many words that revoke one, are in a ring.
type packetCounts struct{ keys, revocations int }

// survey looks at every packet of a ring. Each has to be of a form that gpg knows, too.
// It returns the words of each key about itself, by the key's fingerprint.
func survey(b []byte) (words map[string][]*pgppacket.Signature, counts packetCounts, err error) {
	words = map[string][]*pgppacket.Signature{}
	packets := pgppacket.NewReader(bytes.NewReader(b))
	var key *pgppacket.PublicKey
	var slot map[pgppacket.SignatureType]*pgppacket.Signature
	named := false
	// note keeps the words that were said of what came before.
	note := func() {
		for _, s := range slot {
			words[string(key.Fingerprint)] = append(words[string(key.Fingerprint)], s)
		}
		slot = map[pgppacket.SignatureType]*pgppacket.Signature{}
	}
	for {
		p, err := packets.NextWithUnsupported()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, counts, err
		}
		switch p := p.(type) {
		case *pgppacket.PublicKey:
			if note(); p.IsSubkey {
				named = true // what follows is about the subkey
				break
			}
			key, named = p, false
			counts.keys++
			if _, twice := words[string(p.Fingerprint)]; twice {
				return nil, counts, fmt.Errorf("key %X is there twice: leave the newer one", p.Fingerprint)
			}
			words[string(p.Fingerprint)] = nil
			if p.Version != 4 {
				return nil, counts, fmt.Errorf("key %X is of version %d: make one of version 4", p.Fingerprint, p.Version)
			}
		case *pgppacket.UserId:
			note()
			named = true
		case *pgppacket.UserAttribute:
			note()
			named = false
		case *pgppacket.Signature:
			switch {
			case key == nil || p.Version != 4:
				return nil, counts, fmt.Errorf("it holds a signature of version %d, or one before the first key", p.Version)
			case !namesOne(p):
				return nil, counts, errors.New("it holds a signature that names no key, or two: import it with gpg, and export it again")
			case p.SigType == pgppacket.SigTypeKeyRevocation || p.SigType == pgppacket.SigTypeSubkeyRevocation:
				counts.revocations++
			case !named && p.CheckKeyIdOrFingerprint(key):
				if newest := slot[p.SigType]; newest == nil || p.CreationTime.After(newest.CreationTime) {
					slot[p.SigType] = p
				}
			}
		case *pgppacket.UnsupportedPacket:
			return nil, counts, fmt.Errorf("it holds what is not understood here (%w): export the keys with --export-options export-minimal", p.Error)
		default:
			return nil, counts, fmt.Errorf("it holds a %T: export the public keys only", p)
		}
	}
	note()
	return words, counts, nil
}

// namesOne reports whether a signature says which key made it, and says it once. Programs
// differ in which of two they believe.
func namesOne(s *pgppacket.Signature) bool {
	if s.IssuerKeyId == nil {
		return false
	}
	of := s.IssuerFingerprint
	return len(of) < 8 || binary.BigEndian.Uint64(of[len(of)-8:]) == *s.IssuerKeyId
}

// allows says why a key of the ring does not allow one of its own good signatures. The
// library has looked at the key's first name; gpg looks at all that the key says.
func (k pgpKey) allows(sig *pgppacket.Signature, now time.Time) error {
	by := k.PrimaryKey
	for _, s := range k.Subkeys {
		if sig.IssuerKeyId != nil && s.PublicKey.KeyId == *sig.IssuerKeyId {
			by = s.PublicKey
		}
	}
	words := k.words
	for _, id := range k.Identities {
		if !id.Revoked(now) {
			words = append(words[:len(words):len(words)], id.SelfSignature)
		}
	}
	for _, w := range words {
		switch {
		case k.PrimaryKey.KeyExpired(w, now):
			return errors.New("the key has expired")
		case by == k.PrimaryKey && w.FlagsValid && !w.FlagSign:
			return errors.New("the key is not for signing")
		}
	}
	if sig.CreationTime.Before(by.CreationTime) {
		return errors.New("it is older than its key")
	}
	switch bits, err := by.BitLength(); {
	case err != nil:
		return err
	case by.PubKeyAlgo == pgppacket.PubKeyAlgoECDSA || by.PubKeyAlgo == pgppacket.PubKeyAlgoEdDSA:
		return nil
	case by.PubKeyAlgo != pgppacket.PubKeyAlgoRSA && by.PubKeyAlgo != pgppacket.PubKeyAlgoRSASignOnly:
		return fmt.Errorf("the key is of a kind (%d) that is not taken: make an RSA or an ed25519 key", by.PubKeyAlgo)
	case bits < leastRSA:
		return fmt.Errorf("the key has %d bits, which can be factored: make one of %d or more", bits, leastRSA)
	}
	return nil
}

// leastRSA is how many bits an RSA key has at least: as many as gpg makes without being
// asked for a weaker one.
const leastRSA = 2048
