package carry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/carry"
	"mainstay/reconcile/coordinationtest"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

// Signed claims are carried by the node that made the newest change, held or free, and the
// nodes believe them in the new place. Another node's key changes nothing: a change that
// nobody believes would be a claim that is damaged.
func TestASignedClaimIsCarriedByTheNodeThatMadeItsNewestChange(t *testing.T) {
	private, nodes := coordinationtest.Keys(t)
	old, now := "etcd://"+etcdserver.NewFake(1).Serve(t)+"/voice", "etcd://"+etcdserver.NewFake(1).Serve(t)+"/voice"
	as := func(node, url string) *etcd.Client {
		c, err := etcd.Open(etcd.Options{URL: url, SignKey: private[node], NodeKeys: nodes})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	by := func(node, from, to string, declared spec.Side) (plan.Tip, error) {
		folder, err := state.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		c := carry.Carrier{From: as(node, from), To: as(node, to), Chains: git.NewChainStore(folder), Notary: git.NewNotary(private[node], nodes), Try: carry.TryOut(as(node, to), "paris", node), Now: time.Now}
		return c.Claim(t.Context(), ref, declared)
	}
	p := &pair{t: t, old: as("xivo-main", old), new: as("xivo-standby", now)}
	first := plan.Next(plan.Tip{}, plan.Claim{Action: plan.Take, Holder: "main", Node: "xivo-main", Instance: "i1", Guarantee: plan.Released})
	id := p.push(p.old, plan.Push{Claim: first})
	var refused *carry.Refused
	if _, err := by("xivo-standby", old, now, spec.Main); !errors.As(err, &refused) || !strings.Contains(refused.Hint(), "xivo-main") || p.tip(p.old).ID != id {
		t.Fatalf("by the other side's key: %v; the claim is %+v", err, p.tip(p.old))
	}
	if _, err := by("xivo-main", old, now, spec.Main); err != nil {
		t.Fatal(err)
	}
	if got := p.tip(p.new); got.Action != plan.Enter || got.Holder != "main" { // as standby reads it
		t.Errorf("in the new place: %+v", got)
	}
	if got := p.tip(p.old); got.Action != plan.Move { // as main does
		t.Errorf("in the old place: %+v", got)
	}
	entered := p.tip(p.new)
	free := plan.Next(entered, plan.Claim{Action: plan.Release, Node: "xivo-main", Instance: "i1"})
	p.push(as("xivo-main", now), plan.Push{Parent: entered.ID, Claim: free})
	if _, err := by("xivo-main", now, old, ""); err != nil { // back, while nobody holds it
		t.Errorf("a free claim: %v", err)
	}
	if got := p.tip(as("xivo-standby", old)); got.Action != plan.Enter || !got.Free() {
		t.Errorf("a free claim is %+v", got)
	}
}
