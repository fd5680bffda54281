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
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
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
	pgp openpgp.EntityList
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
	case bytes.HasPrefix(bytes.TrimSpace(b), []byte(pgpArmor)):
		set.pgp, err = openpgp.ReadArmoredKeyRing(bytes.NewReader(bytes.TrimSpace(b)))
	case len(b) > 0 && b[0]&0x80 != 0:
		set.pgp, err = openpgp.ReadKeyRing(bytes.NewReader(b))
	default:
		set.ssh, err = parseAllowedSigners(string(b))
	}
	if err == nil && len(set.pgp)+len(set.ssh) == 0 {
		err = errors.New("it allows nobody")
	}
	return set, err
}

// Verify returns who of those allowed signed a commit, given as git stores it.
func Verify(raw []byte, allowed Signers) (string, error) {
	payload, signature, err := Split(raw)
	if err != nil {
		return "", err
	}
	switch text := string(signature); {
	case text == "":
		return "", errors.New("the commit is not signed")
	case strings.HasPrefix(text, sshArmor) && allowed.pgp != nil:
		return "", errors.New("it is signed with an SSH key, and an OpenPGP keyring is configured")
	case strings.HasPrefix(text, sshArmor):
		when, err := commitTime(payload)
		if err != nil {
			return "", err
		}
		return verifySSH(payload, signature, allowed.ssh, when)
	case strings.HasPrefix(text, pgpArmor) && allowed.ssh != nil:
		return "", errors.New("it is signed with OpenPGP, and a file of SSH signers is configured")
	case strings.HasPrefix(text, pgpArmor):
		return verifyPGP(payload, signature, allowed.pgp)
	}
	return "", errors.New("the signature is of an unknown kind")
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

func verifySSH(payload, signature []byte, allowed []allowedSigner, when time.Time) (string, error) {
	sig, err := sshsig.Unarmor(signature)
	if err != nil {
		return "", fmt.Errorf("the signature cannot be read: %w", err)
	}
	reason := errors.New("it is signed by " + Fingerprint(sig.PublicKey) + ", who is not listed")
	for _, a := range allowed {
		if !a.is(sig.PublicKey) {
			continue
		}
		if why := a.refuses(gitNamespace, when); why != nil {
			reason = why
			continue
		}
		if err := sshsig.Verify(bytes.NewReader(payload), sig, a.key, sig.HashAlgorithm, gitNamespace); err != nil {
			return "", fmt.Errorf("the signature does not match the commit: %w", err)
		}
		return a.principals, nil
	}
	return "", reason
}

func verifyPGP(payload, signature []byte, ring openpgp.EntityList) (string, error) {
	if err := strongPGP(signature); err != nil {
		return "", fmt.Errorf("the OpenPGP signature: %w", err)
	}
	who, err := openpgp.CheckArmoredDetachedSignature(ring, bytes.NewReader(payload), bytes.NewReader(signature), &pgppacket.Config{})
	if err != nil {
		return "", fmt.Errorf("the OpenPGP signature: %w", err)
	}
	if id := who.PrimaryIdentity(); id != nil {
		return id.Name, nil
	}
	return who.PrimaryKey.KeyIdString(), nil
}

// strongPGP refuses what proves nothing any more: a signature over a SHA-1 or older
// sum, and more than one signature in one armor, of which one could be anybody's.
func strongPGP(armored []byte) error {
	block, err := armor.Decode(bytes.NewReader(armored))
	if err != nil {
		return err
	}
	packets, count := pgppacket.NewReader(block.Body), 0
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s, is := p.(*pgppacket.Signature)
		if count++; !is || count > 1 {
			return errors.New("it is not one signature alone")
		}
		switch s.Hash {
		case crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512:
		default:
			return fmt.Errorf("it is made over a %s sum, which can be forged: sign with SHA-256 or better", s.Hash)
		}
	}
	if count == 0 {
		return errors.New("it is empty")
	}
	return nil
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
