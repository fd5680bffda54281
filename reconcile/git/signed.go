package git

import (
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
)

// signedBy checks that a key that may have made it signed a note for this ref, and
// returns that key's line.
func (r Notary) signedBy(raw []byte, ref string, may func(signature.NodeKey) bool) (signature.NodeKey, error) {
	keys, err := r.readNodeKeys()
	if err != nil {
		return signature.NodeKey{}, err
	}
	var signer signature.NodeKey
	err = guard(func() (err error) {
		signer, err = signature.VerifyNote(raw, trailerRef+ref, keys, may)
		return err
	})
	if err != nil {
		return signature.NodeKey{}, damaged(ref, fmt.Errorf("forged: %w", failure.Scrub(err)))
	}
	return signer, nil
}

func (r Notary) readNodeKeys() ([]signature.NodeKey, error) {
	keys, err := signature.ReadNodeKeys(r.nodeKeys)
	if err != nil {
		return nil, &failure.Error{
			Kind: failure.ErrSignature, Step: "read", At: r.nodeKeys, Err: err,
			Advice: "correct verify.nodes in the agent's file, or the file that it names",
		}
	}
	return keys, nil
}

func deploymentOf(ref string) string {
	deployment, _, _ := strings.Cut(strings.TrimPrefix(ref, ownPrefix), "/")
	return deployment
}

// ownReport reads a report, and refuses one that its node did not sign.
func (r Notary) ownReport(st *store, ref, hash string) (plan.Report, error) {
	rep, err := st.report(ref, hash)
	if err != nil || r.nodeKeys == "" {
		return rep, err
	}
	raw, err := st.raw(plumbing.CommitObject, plumbing.NewHash(hash))
	if err == nil {
		_, err = r.signedBy(raw, ref, func(k signature.NodeKey) bool { return k.Name == deploymentOf(ref)+"/"+refPart(rep.Node) })
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
func (r Notary) ownChanges(ref string, links []Link, known plan.Tip) error {
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
		signer, err := r.signedBy(l.Commit, ref, func(k signature.NodeKey) bool { return mayMake(k, ref, l.Tip.Claim) })
		if err != nil {
			return err
		}
		for _, p := range l.Parents {
			if why := notTheirs(signer, l.Tip.Claim, tips[p]); why != nil {
				return damaged(ref, fmt.Errorf("forged: change %d by %s: %w", l.Tip.Seq, signer.Name, why))
			}
		}
		if why := notTheirs(signer, l.Tip.Claim, plan.Tip{}); why != nil {
			return damaged(ref, fmt.Errorf("forged: change %d by %s: %w", l.Tip.Seq, signer.Name, why))
		}
	}
	return nil
}

// mayMake tells whether a key may make a change of the claim at ref: it is a key of
// the node that the change names, and that node is of the claim's role. A person
// vouches on any node of the role (R9).
func mayMake(k signature.NodeKey, ref string, c plan.Claim) bool {
	deployment, node, _ := strings.Cut(k.Name, "/")
	return k.Role != "" && ref == ClaimRef(deployment, k.Role) && (c.Action == plan.Reroot || node == c.Node)
}

// notTheirs says why a change of a parent is not its signer's to make: a side takes
// only what becomes its own, and only the holder releases. A free claim that is carried to
// another place stays free. Of a parent that is not at hand nothing is said.
func notTheirs(signer signature.NodeKey, c plan.Claim, parent plan.Tip) error {
	switch {
	case c.Action == plan.Reroot, (c.Action == plan.Move || c.Action == plan.Enter) && c.Holder == plan.HeldByNone && parent.Free():
		return nil
	case c.Action == plan.Release && parent.ID != "" && string(parent.Holder) != signer.Side:
		return fmt.Errorf("a node of %s releases what %s held", signer.Side, parent.Holder)
	case c.Action != plan.Release && string(c.Holder) != signer.Side:
		return fmt.Errorf("a node of %s gives it to %s", signer.Side, c.Holder)
	}
	return nil
}
