package coordinationtest

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// keys are what Keys makes.
type keys struct {
	private map[string]string
	nodes   string
}

// Keys makes a key for each node of paris, and the file that names whose they are.
func Keys(t *testing.T) (private map[string]string, nodes string) {
	t.Helper()
	k := newKeys(t)
	return k.private, k.nodes
}

func newKeys(t *testing.T) keys {
	t.Helper()
	k := keys{private: map[string]string{}, nodes: filepath.Join(t.TempDir(), "nodes")}
	var lines []string
	for node, may := range map[string]string{"xivo-main": "claim=xivo/main ", "xivo-standby": "claim=xivo/standby ", "edge": ""} {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		block, err := ssh.MarshalPrivateKey(private, "")
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.NewSignerFromKey(private)
		if err != nil {
			t.Fatal(err)
		}
		k.private[node] = filepath.Join(t.TempDir(), node)
		if err := os.WriteFile(k.private[node], pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "paris/"+node+" "+may+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))))
	}
	if err := os.WriteFile(k.nodes, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// runSigned runs what a place must do when every node signs what it writes.
func runSigned(t *testing.T, f Fixture) {
	for name, test := range map[string]func(*bench, keys){
		"what its node signed is believed":                     believed,
		"a claim that its node did not sign is damaged":        forgedClaim,
		"a report that its node did not sign is damaged":       forgedReport,
		"a signed claim that is put to another ref is damaged": elsewhere,
		"the history says who signed":                          signedHistory,
	} {
		t.Run(name, func(t *testing.T) { test(&bench{f(t), t}, newKeys(t)) })
	}
}

func (b *bench) as(k keys, node string) *node {
	return b.with(Options{SignKey: k.private[node], NodeKeys: k.nodes})
}

func believed(b *bench, k keys) {
	main, standby := b.as(k, "xivo-main"), b.as(k, "xivo-standby")
	tip := main.change(claim(1, plan.Take, spec.Main, "xivo-main"), plan.Tip{})
	c := claim(2, plan.Release, "", "xivo-main")
	tip = main.change(c, tip)
	if r := standby.read(plan.Tip{}); r.Tip.ID != tip.ID {
		b.t.Errorf("got %+v", r)
	}
	standby.change(claim(3, plan.Take, spec.Standby, "xivo-standby"), tip)
	if r := main.read(tip); !r.Descends || r.Tip.Seq != 3 {
		b.t.Errorf("got %+v", r)
	}
	if err := main.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Active)); err != nil {
		b.t.Fatal(err)
	}
	if _, errs := standby.link.Reports(ctx(b.t), map[string]string{reportRef: standby.at(reportRef)}); len(errs) > 0 {
		b.t.Error(errs)
	}
}

func forgedClaim(b *bench, k keys) {
	main := b.as(k, "xivo-main")
	tip := main.change(claim(1, plan.Take, spec.Main, "xivo-main"), plan.Tip{})
	for name, forger := range map[string]*node{
		"nobody": b.node(), "the edge": b.as(k, "edge"), "the other side": b.as(k, "xivo-standby"),
	} {
		b.Put(b.t, claimRef, tip.ID)
		c := claim(2, plan.Renew, spec.Main, "xivo-main")
		c.Reason = name
		id, err := forger.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: tip.ID, Claim: c})
		if err != nil {
			b.t.Fatal(err)
		}
		if r, err := main.link.Claim(ctx(b.t), claimRef, id, tip); !errors.Is(err, failure.ErrDamaged) {
			b.t.Errorf("by %s: got %+v, %v", name, r, err)
		}
	}
}

func forgedReport(b *bench, k keys) {
	main := b.as(k, "xivo-main")
	for name, forger := range map[string]*node{"nobody": b.node(), "the edge": b.as(k, "edge")} {
		if err := forger.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Inactive)); err != nil {
			b.t.Fatal(err)
		}
		got, errs := main.link.Reports(ctx(b.t), map[string]string{reportRef: main.at(reportRef)})
		if !errors.Is(errs[reportRef], failure.ErrDamaged) {
			b.t.Errorf("by %s: got %v, %v", name, got, errs)
		}
	}
}

func elsewhere(b *bench, k keys) {
	main := b.as(k, "xivo-main")
	tip := main.change(claim(1, plan.Take, spec.Main, "xivo-main"), plan.Tip{})
	other := strings.Replace(claimRef, "/xivo", "/cc", 1)
	b.Copy(b.t, claimRef, other, tip)
	if r, err := main.link.Claim(ctx(b.t), other, main.at(other), plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
		b.t.Errorf("got %+v, %v", r, err)
	}
}

func signedHistory(b *bench, k keys) {
	main := b.as(k, "xivo-main")
	tip := main.change(claim(1, plan.Take, spec.Main, "xivo-main"), plan.Tip{})
	changes, err := main.Chain(ctx(b.t), claimRef, tip.ID, 0)
	if err != nil || len(changes) != 1 || changes[0].Signer.State != signature.Verified || changes[0].Signer.Node != "paris/xivo-main" {
		b.t.Errorf("got %+v, %v", changes, err)
	}
}
