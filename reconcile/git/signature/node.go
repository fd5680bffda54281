package signature

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// NoteNamespace is what claims and reports are signed under. A signature made for
// anything else, such as a commit of the document, is none of a note.
const NoteNamespace = "mainstay"

// NodeKey is one line of the file that verify.nodes names: a key of a node, and what
// that node may claim.
type NodeKey struct {
	Name string // deployment/node
	key  ssh.PublicKey
	// Role and Side are of the claim this key may change; empty for none.
	Role, Side string
}

// parseNodeKeys reads lines of the form
//
//	deployment/node [claim=role/side] key-type base64 [comment]
//
// Anything that is not fully understood is an error: a line that was meant to
// restrict must not allow.
func parseNodeKeys(text string) ([]NodeKey, error) {
	var keys []NodeKey
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := parseNodeKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("it names no node")
	}
	return keys, nil
}

func parseNodeKey(line string) (NodeKey, error) {
	name, rest, _ := strings.Cut(line, " ")
	deployment, node, both := strings.Cut(name, "/")
	if !both || deployment == "" || node == "" || strings.ContainsAny(name, `*?!,"`) {
		return NodeKey{}, fmt.Errorf("%q is not deployment/node", name)
	}
	k := NodeKey{Name: name}
	if text, is := strings.CutPrefix(strings.TrimSpace(rest), "claim="); is {
		var may string
		may, rest, _ = strings.Cut(text, " ")
		k.Role, k.Side, _ = strings.Cut(may, "/")
		if k.Role == "" || k.Side != "main" && k.Side != "standby" {
			return NodeKey{}, fmt.Errorf("claim=%s is not claim=role/main or claim=role/standby", may)
		}
	}
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil || len(options) > 0 || len(more) > 0 {
		return NodeKey{}, errors.New("what follows is not a key type and a key")
	}
	k.key = key
	return k, nil
}

// ReadNodeKeys reads the file that verify.nodes names.
func ReadNodeKeys(name string) ([]NodeKey, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxFile)
	}
	return parseNodeKeys(string(b))
}

// VerifyNote checks that a key that may have made a note, a commit whose last line is
// given, signed it, and returns that key's line.
func VerifyNote(raw []byte, last string, keys []NodeKey, may func(NodeKey) bool) (NodeKey, error) {
	payload, armored, err := Split(raw)
	if err != nil {
		return NodeKey{}, err
	}
	if len(armored) == 0 {
		return NodeKey{}, errors.New("it is not signed, and verify.nodes wants the signature of its node")
	}
	if lines := bytes.Split(bytes.TrimSuffix(payload, []byte("\n")), []byte("\n")); string(lines[len(lines)-1]) != last {
		return NodeKey{}, errors.New("its signature was made for another ref")
	}
	sig, err := sshsig.Unarmor(armored)
	if err != nil {
		return NodeKey{}, fmt.Errorf("the signature cannot be read: %w", err)
	}
	whose := "a key that nobody has"
	for _, k := range keys {
		if !bytes.Equal(k.key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		if whose = "a key of " + k.Name; !may(k) {
			continue
		}
		if err := sshsig.Verify(bytes.NewReader(payload), sig, k.key, sig.HashAlgorithm, NoteNamespace); err != nil {
			return NodeKey{}, fmt.Errorf("the signature does not match: %w", err)
		}
		return k, nil
	}
	return NodeKey{}, fmt.Errorf("it is signed by %s (%s), which may not sign it", Fingerprint(sig.PublicKey), whose)
}

// The states of a note's signature.
const (
	Verified  = "verified"  // by a key of the node that the note names
	Unsigned  = "unsigned"  // by nobody
	Missing   = "missing"   // by nobody, though a list of keys says whose it should be
	Unlisted  = "unlisted"  // by a key that no node has
	Forged    = "forged"    // for another place, by another node, or not this note
	Unchecked = "unchecked" // by a key that was held against no list
)

// NoteSigner says who signed a note, as people are shown it.
type NoteSigner struct {
	State string `json:"state"`
	// Node is deployment/node of the key's line, empty for a key that has none.
	Node string `json:"node,omitempty"`
	// Key is the fingerprint of the key.
	Key string `json:"key,omitempty"`
}

// WhoSigned says who signed a note. Without keys nothing is known of whose key it is.
func WhoSigned(raw []byte, last string, keys []NodeKey, may func(NodeKey) bool) (s NoteSigner) {
	s.State = Forged
	_ = guard(func() error { // a parser that gives up leaves it at that
		_, armored, err := Split(raw)
		if err != nil || len(armored) == 0 {
			if s.State = Unsigned; keys != nil {
				s.State = Missing
			}
			return err
		}
		sig, err := sshsig.Unarmor(armored)
		if err != nil {
			return err
		}
		s.Key = Fingerprint(sig.PublicKey)
		own := NodeKey{key: sig.PublicKey}
		if _, err := VerifyNote(raw, last, []NodeKey{own}, func(NodeKey) bool { return true }); err != nil {
			return err
		}
		s.State = Unchecked
		if keys == nil {
			return nil
		}
		s.State = Unlisted
		for _, k := range keys {
			if bytes.Equal(k.key.Marshal(), sig.PublicKey.Marshal()) && s.State != Verified {
				s.Node, s.State = k.Name, Forged
				if may(k) {
					s.State = Verified
				}
			}
		}
		return nil
	})
	return s
}
