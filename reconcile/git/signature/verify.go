// Package signature says who signed a commit, by a file of the keys that are allowed:
// SSH allowed_signers or an OpenPGP keyring. What is only half understood is refused.
//
// It must not know where commits come from, nor what becomes of one that is refused.
package signature

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgppacket "github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/hiddeco/sshsig"
)

const (
	sshArmor = "-----BEGIN SSH SIGNATURE-----"
	pgpArmor = "-----BEGIN PGP "
	// gitNamespace is the SSH signature namespace of git. A signature with another
	// namespace was not made for a commit.
	gitNamespace = "git"
	// MaxFile bounds a file of keys, in bytes.
	MaxFile = 1 << 20
)

// Signers is a file of allowed signers of one of the two kinds.
type Signers struct {
	ssh []allowedSigner
	pgp pgpRing
}

// Read reads such a file.
func Read(file string) (Signers, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Signers{}, err
	}
	if len(b) > MaxFile {
		return Signers{}, fmt.Errorf("it is larger than %d bytes", MaxFile)
	}
	var set Signers
	err = guard(func() (err error) {
		set, err = parse(b)
		return err
	})
	return set, err
}

// parse tells the kinds apart: OpenPGP is armored, or starts with a byte
// that no text does.
func parse(b []byte) (Signers, error) {
	var set Signers
	var err error
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(b), []byte(pgpArmor)), len(b) > 0 && b[0]&0x80 != 0:
		set.pgp, err = readRing(b)
	default:
		set.ssh, err = parseAllowedSigners(string(b))
	}
	if err == nil && len(set.pgp)+len(set.ssh) == 0 {
		err = errors.New("it allows nobody")
	}
	return set, err
}

// Signer is one of those allowed.
type Signer struct {
	// Name is how the file calls whoever signed.
	Name string
	// ids are names that stand for the signer as they are, patterns are the names of
	// each line of the file that allows the signer.
	ids      []string
	patterns [][]string
}

// Is reports whether the signer goes by an identity: a name as ssh-keygen is given it
// (-I), an address of an OpenPGP key, or a fingerprint.
func (s Signer) Is(identity string) bool {
	return slices.Contains(s.ids, identity) ||
		slices.ContainsFunc(s.patterns, func(p []string) bool { return matchesList(p, identity) })
}

// Known reports whether anybody who is allowed goes by an identity.
func (s Signers) Known(identity string) bool {
	for _, a := range s.ssh {
		if (Signer{ids: []string{Fingerprint(a.key)}, patterns: [][]string{a.names()}}).Is(identity) {
			return true
		}
	}
	return slices.ContainsFunc(s.pgp, func(k pgpKey) bool { return ofPGP(k.Entity).Is(identity) })
}

// Verify returns who of those allowed signed a commit, given as git stores it. A parser
// that gives up is an error too.
func Verify(raw []byte, allowed Signers) (who Signer, err error) {
	err = guard(func() (err error) {
		who, err = verify(raw, allowed)
		return err
	})
	return who, err
}

func verify(raw []byte, allowed Signers) (Signer, error) {
	payload, signature, err := Split(raw)
	if err != nil {
		return Signer{}, err
	}
	switch text := string(signature); {
	case text == "":
		return Signer{}, errors.New("the commit is not signed")
	case strings.HasPrefix(text, sshArmor) && allowed.pgp != nil:
		return Signer{}, errors.New("it is signed with an SSH key, and an OpenPGP keyring is configured")
	case strings.HasPrefix(text, sshArmor):
		when, err := commitTime(payload)
		if err != nil {
			return Signer{}, err
		}
		return verifySSH(payload, signature, allowed.ssh, when)
	case strings.HasPrefix(text, pgpArmor) && allowed.ssh != nil:
		return Signer{}, errors.New("it is signed with OpenPGP, and a file of SSH signers is configured")
	case strings.HasPrefix(text, pgpArmor):
		return verifyPGP(payload, signature, allowed.pgp)
	}
	return Signer{}, errors.New("the signature is of an unknown kind")
}

// Time is the committer's time of a commit, given as git stores it.
func Time(raw []byte) (time.Time, error) {
	payload, _, err := Split(raw)
	if err != nil {
		return time.Time{}, err
	}
	return commitTime(payload)
}

// Split takes the signature out of a commit as git stores it: what is
// left, byte for byte, is what was signed.
func Split(raw []byte) (payload, signature []byte, err error) {
	head, body, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok {
		head, body = bytes.TrimSuffix(raw, []byte("\n")), nil
	}
	found, inside := false, false
	for l := range bytes.Lines(append(bytes.Clone(head), '\n')) {
		switch first, is := bytes.CutPrefix(l, []byte("gpgsig ")); {
		case is && found:
			return nil, nil, errors.New("the commit has more than one signature")
		case is:
			found, inside = true, true
			signature = append(signature, first...)
		case bytes.HasPrefix(l, []byte("gpgsig-")):
			return nil, nil, errors.New("the commit has a signature of another object format")
		case inside && l[0] == ' ':
			signature = append(signature, l[1:]...)
		default:
			inside = false
			payload = append(payload, l...)
		}
	}
	payload = append(payload, '\n')
	return append(payload, body...), signature, nil
}

// commitTime is the committer's time, which git holds validity against. A commit with
// two committers has none: programs differ in which of them they believe.
func commitTime(payload []byte) (time.Time, error) {
	var found [][]byte
	for l := range bytes.Lines(payload) {
		if len(l) == 1 {
			break
		}
		if text, is := bytes.CutPrefix(l, []byte("committer ")); is {
			found = append(found, text)
		}
	}
	if len(found) != 1 {
		return time.Time{}, fmt.Errorf("the commit has %d committers", len(found))
	}
	f := bytes.Fields(found[0][bytes.LastIndexByte(found[0], '>')+1:])
	if len(f) != 2 {
		return time.Time{}, errors.New("the commit has no time")
	}
	seconds, err := strconv.ParseInt(string(f[0]), 10, 64)
	return time.Unix(seconds, 0), err
}

func verifySSH(payload, signature []byte, allowed []allowedSigner, when time.Time) (Signer, error) {
	sig, err := sshsig.Unarmor(signature)
	if err != nil {
		return Signer{}, fmt.Errorf("the signature cannot be read: %w", err)
	}
	var who Signer
	reason := errors.New("it is signed by " + Fingerprint(sig.PublicKey) + ", who is not listed")
	for _, a := range allowed {
		if !a.is(sig.PublicKey) {
			continue
		}
		if why := a.refuses(gitNamespace, when); why != nil {
			reason = why
			continue
		}
		if who.Name == "" {
			who.Name = a.principals
		}
		who.patterns = append(who.patterns, a.names())
	}
	if who.Name == "" {
		return Signer{}, reason
	}
	if err := sshsig.Verify(bytes.NewReader(payload), sig, sig.PublicKey, sig.HashAlgorithm, gitNamespace); err != nil {
		return Signer{}, fmt.Errorf("the signature does not match the commit: %w", err)
	}
	who.ids = []string{Fingerprint(sig.PublicKey)}
	return who, nil
}

func verifyPGP(payload, signature []byte, ring pgpRing) (Signer, error) {
	packets, err := strongPGP(signature)
	if err != nil {
		return Signer{}, fmt.Errorf("the OpenPGP signature: %w", err)
	}
	sig, who, err := openpgp.VerifyDetachedSignature(ring.entities(), bytes.NewReader(payload), bytes.NewReader(packets), &pgppacket.Config{})
	if err != nil {
		return Signer{}, fmt.Errorf("the OpenPGP signature: %w", err)
	}
	for _, k := range ring {
		if k.Entity != who {
			continue
		}
		if err := k.allows(sig, time.Now()); err != nil {
			return Signer{}, fmt.Errorf("the OpenPGP signature: %w", err)
		}
		return ofPGP(who), nil
	}
	return Signer{}, errors.New("the OpenPGP signature: its key is not in the ring")
}

// ofPGP is who has an OpenPGP key, by the names that are not revoked.
func ofPGP(e *openpgp.Entity) Signer {
	s := Signer{Name: e.PrimaryKey.KeyIdString(), ids: []string{fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)}}
	if id := e.PrimaryIdentity(); id != nil {
		s.Name = id.Name
	}
	for _, id := range e.Identities {
		if id.UserId == nil || id.Revoked(time.Now()) {
			continue
		}
		for _, name := range []string{id.UserId.Email, id.Name} {
			if name != "" {
				s.ids = append(s.ids, name)
			}
		}
	}
	return s
}

// strongPGP takes the one signature out of its armour. It refuses what proves nothing
// any more: a signature over a SHA-1 or older sum, and more than one signature, of which
// one could be anybody's.
func strongPGP(armored []byte) (packets []byte, err error) {
	blocks, err := unarmour(armored)
	if err != nil {
		return nil, err
	}
	if len(blocks) != 1 || blocks[0].kind != "SIGNATURE" {
		return nil, errors.New("it is not one PGP SIGNATURE alone")
	}
	packets = blocks[0].packets
	reader, count := pgppacket.NewReader(bytes.NewReader(packets)), 0
	for {
		p, err := reader.NextWithUnsupported()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if not, is := p.(*pgppacket.UnsupportedPacket); is {
			return nil, not.Error
		}
		s, is := p.(*pgppacket.Signature)
		if count++; !is || count > 1 {
			return nil, errors.New("it is not one signature alone")
		}
		if s.Version != 4 {
			return nil, fmt.Errorf("it is of version %d: sign with version 4", s.Version)
		}
		switch s.Hash {
		case crypto.SHA256, crypto.SHA384, crypto.SHA512:
		default:
			return nil, fmt.Errorf("it is made over a %s sum: sign with SHA-256 or better", s.Hash)
		}
	}
	if count == 0 {
		return nil, errors.New("it is empty")
	}
	return packets, nil
}

// guard turns a panic of a parser into an error: what it parses was written by
// others.
func guard(parse func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return parse()
}
