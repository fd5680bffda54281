package git

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
)

// nodeKey is one line of the file that verify.nodes names: a key of a node, and what
// that node may claim.
type nodeKey struct {
	name string // deployment/node
	key  ssh.PublicKey
	// role and side are of the claim this key may change; empty for none.
	role, side string
}

// parseNodeKeys reads lines of the form
//
//	deployment/node [claim=role/side] key-type base64 [comment]
//
// Anything that is not fully understood is an error: a line that was meant to
// restrict must not allow.
func parseNodeKeys(text string) ([]nodeKey, error) {
	var keys []nodeKey
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

func parseNodeKey(line string) (nodeKey, error) {
	name, rest, _ := strings.Cut(line, " ")
	deployment, node, both := strings.Cut(name, "/")
	if !both || deployment == "" || node == "" || strings.ContainsAny(name, `*?!,"`) {
		return nodeKey{}, fmt.Errorf("%q is not deployment/node", name)
	}
	k := nodeKey{name: name}
	if text, is := strings.CutPrefix(strings.TrimSpace(rest), "claim="); is {
		var may string
		may, rest, _ = strings.Cut(text, " ")
		k.role, k.side, _ = strings.Cut(may, "/")
		if k.role == "" || k.side != "main" && k.side != "standby" {
			return nodeKey{}, fmt.Errorf("claim=%s is not claim=role/main or claim=role/standby", may)
		}
	}
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil || len(options) > 0 || len(more) > 0 {
		return nodeKey{}, errors.New("what follows is not a key type and a key")
	}
	k.key = key
	return k, nil
}

// signedBy checks that a key that may have made it signed a note for this ref, and
// returns that key's line.
func (r *Remote) signedBy(raw []byte, ref string, may func(nodeKey) bool) (nodeKey, error) {
	keys, err := readNodeKeys(r.nodeKeys)
	if err != nil {
		return nodeKey{}, &Error{
			Kind: ErrSignature, Step: "read", At: r.nodeKeys, Err: err,
			Advice: "correct verify.nodes in the agent's file, or the file that it names",
		}
	}
	var signer nodeKey
	err = guard(func() (err error) {
		signer, err = noteSignedBy(raw, ref, keys, may)
		return err
	})
	if err != nil {
		return nodeKey{}, damaged(ref, fmt.Errorf("forged: %w", failure.Scrub(err)))
	}
	return signer, nil
}

func readNodeKeys(name string) ([]nodeKey, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(b) > signature.MaxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", signature.MaxFile)
	}
	return parseNodeKeys(string(b))
}

func deploymentOf(ref string) string {
	deployment, _, _ := strings.Cut(strings.TrimPrefix(ref, ownPrefix), "/")
	return deployment
}

func noteSignedBy(raw []byte, ref string, keys []nodeKey, may func(nodeKey) bool) (nodeKey, error) {
	payload, armored, err := signature.Split(raw)
	if err != nil {
		return nodeKey{}, err
	}
	if len(armored) == 0 {
		return nodeKey{}, errors.New("it is not signed, and verify.nodes wants the signature of its node")
	}
	if lines := bytes.Split(bytes.TrimSuffix(payload, []byte("\n")), []byte("\n")); string(lines[len(lines)-1]) != trailerRef+ref {
		return nodeKey{}, errors.New("its signature was made for another ref")
	}
	sig, err := sshsig.Unarmor(armored)
	if err != nil {
		return nodeKey{}, fmt.Errorf("the signature cannot be read: %w", err)
	}
	whose := "a key that nobody has"
	for _, k := range keys {
		if !bytes.Equal(k.key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		if whose = "a key of " + k.name; !may(k) {
			continue
		}
		if err := sshsig.Verify(bytes.NewReader(payload), sig, k.key, sig.HashAlgorithm, noteNamespace); err != nil {
			return nodeKey{}, fmt.Errorf("the signature does not match: %w", err)
		}
		return k, nil
	}
	return nodeKey{}, fmt.Errorf("it is signed by %s (%s), which may not sign it", signature.Fingerprint(sig.PublicKey), whose)
}

// ownReport reads a report, and refuses one that its node did not sign.
func (r *Remote) ownReport(st *store, ref, hash string) (plan.Report, error) {
	rep, err := st.report(ref, hash)
	if err != nil || r.nodeKeys == "" {
		return rep, err
	}
	raw, err := st.raw(plumbing.CommitObject, plumbing.NewHash(hash))
	if err == nil {
		_, err = r.signedBy(raw, ref, func(k nodeKey) bool { return k.name == deploymentOf(ref)+"/"+refPart(rep.Node) })
	}
	if err != nil {
		return plan.Report{}, err
	}
	return rep, nil
}

// ownChanges refuses a claim when a change since the known one was not signed by the
// node that made it, or was not that node's to make. Of a chain that was never seen
// only the newest change is held against the keys: whoever signed it has held those
// before against them.
func (r *Remote) ownChanges(ref string, links []Link, known plan.Tip) error {
	if r.nodeKeys == "" {
		return nil
	}
	tips := map[string]plan.Tip{known.ID: known}
	for _, l := range links {
		tips[l.Tip.ID] = l.Tip
	}
	if known.ID == "" {
		links = links[:1]
	}
	for _, l := range links {
		signer, err := r.signedBy(l.Commit, ref, func(k nodeKey) bool { return mayMake(k, ref, l.Tip.Claim) })
		if err != nil {
			return err
		}
		for _, p := range l.Parents {
			if why := notTheirs(signer, l.Tip.Claim, tips[p]); why != nil {
				return damaged(ref, fmt.Errorf("forged: change %d by %s: %w", l.Tip.Seq, signer.name, why))
			}
		}
		if why := notTheirs(signer, l.Tip.Claim, plan.Tip{}); why != nil {
			return damaged(ref, fmt.Errorf("forged: change %d by %s: %w", l.Tip.Seq, signer.name, why))
		}
	}
	return nil
}

// mayMake tells whether a key may make a change of the claim at ref: it is a key of
// the node that the change names, and that node is of the claim's role. A person
// vouches on any node of the role (R9).
func mayMake(k nodeKey, ref string, c plan.Claim) bool {
	deployment, node, _ := strings.Cut(k.name, "/")
	return k.role != "" && ref == ClaimRef(deployment, k.role) && (c.Action == plan.Reroot || node == c.Node)
}

// notTheirs says why a change of a parent is not its signer's to make: a side takes
// only what becomes its own, and only the holder releases. Of a parent that is not at
// hand nothing is said.
func notTheirs(signer nodeKey, c plan.Claim, parent plan.Tip) error {
	switch {
	case c.Action == plan.Reroot:
		return nil
	case c.Action == plan.Release && parent.ID != "" && string(parent.Holder) != signer.side:
		return fmt.Errorf("a node of %s releases what %s held", signer.side, parent.Holder)
	case c.Action != plan.Release && string(c.Holder) != signer.side:
		return fmt.Errorf("a node of %s gives it to %s", signer.side, c.Holder)
	}
	return nil
}
