package acceptance

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plain"
	"mainstay/spec"
)

// Trust is whose word a node takes: the very people whose signature it wants on a
// document.
type Trust struct {
	// Signers is the file of them, empty where documents need no signature.
	Signers string
	// Policy says who of them may change what, nil for everything.
	Policy *spec.Policy
	// Skew is how far a clock may be wrong.
	Skew time.Duration
}

// word is a note with who signed it and when.
type word struct {
	*Note
	// id names what was signed: another way to write the same signature is the same note.
	id     string
	signer string
	signed time.Time
}

// read checks who signed a commit, and reads its note. The file of signers is read each
// time, so that one can be taken away without a restart.
func (t Trust) read(commit, text []byte) (*word, error) {
	if t.Signers == "" {
		return nil, refuse("this node trusts no signers, so it obeys no note: set verify.allowedSigners in its agent file, or run mainstay accept on it")
	}
	allowed, err := signature.Read(t.Signers)
	if err != nil {
		return nil, refuse("%s cannot be used: %v", t.Signers, err)
	}
	who, err := signature.Verify(commit, allowed)
	if err != nil {
		return nil, refuse("%v", err)
	}
	for _, field := range spec.PolicyFields() {
		if t.Policy == nil {
			break
		}
		// What is accepted may change anything in the document.
		if may := t.Policy.Who(field); len(may) > 0 && !slices.ContainsFunc(may, who.Is) {
			return nil, refuse("%s signed it, and verify.policy lets only %s change %s: a note may change all of a document", who.Name, strings.Join(may, ", "), field)
		}
	}
	w := &word{signer: plain.Line(who.Name)}
	if w.signed, err = signature.Time(commit); err != nil {
		return nil, refuse("%v", err)
	}
	payload, _, err := signature.Split(commit)
	if err != nil {
		return nil, refuse("%v", err)
	}
	sum := sha256.Sum256(payload)
	w.id = hex.EncodeToString(sum[:])
	if w.Note, err = Decode(text); err != nil {
		return nil, refuse("%s cannot be used: %v", File, err)
	}
	return w, nil
}

// timely holds the time of the signature against now, and against the end of the note:
// a key whose time is over must not sign for the past, nor anybody for all time.
func (t Trust) timely(w *word, now time.Time) error {
	const at = time.RFC3339
	switch {
	case w.signed.After(now.Add(t.Skew)):
		return refuse("it was signed at %s, which has not come yet: are the clocks right?", w.signed.UTC().Format(at))
	case w.Until.After(w.signed.Add(Longest)):
		return refuse("it is good until %s, more than %s after it was signed", w.Until.UTC().Format(at), Longest)
	}
	return nil
}

// order is what the claim and the log say of a note that is obeyed.
func (w *word) order() string { return w.Attest + signedBy + w.signer + ")" }

// signedBy follows what a note states in the order of a node, before who signed it.
const signedBy = " (a note signed by "
