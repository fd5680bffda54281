package carry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile"
	"mainstay/reconcile/carry"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

var ref = plan.ClaimRef("paris", "xivo")

var errCut = errors.New("cut off")

// wire is a person's way to both places: it breaks at one request, before that is carried
// out or after.
type wire struct {
	left  int
	after bool
	seen  func()
}

func (w *wire) pass(do func() error) error {
	w.left--
	switch {
	case w.left < 0:
		return errCut
	case w.left == 0 && !w.after:
		return errCut
	}
	err := do()
	w.seen()
	if w.left == 0 {
		return errCut
	}
	return err
}

// breaking is a place at the end of such a wire.
type breaking struct {
	git.Place
	w *wire
}

func (b breaking) ListPrimary(ctx context.Context) (l reconcile.Listing, err error) {
	err = b.w.pass(func() (err error) { l, err = b.Place.ListPrimary(ctx); return err })
	return l, err
}

func (b breaking) PushClaim(ctx context.Context, ref string, p plan.Push) (id string, err error) {
	err = b.w.pass(func() (err error) { id, err = b.Place.PushClaim(ctx, ref, p); return err })
	return id, err
}

func (b breaking) Restore(ctx context.Context, ref, listed string, c *git.ChainStore) (tip plan.Tip, err error) {
	err = b.w.pass(func() (err error) { tip, err = b.Place.Restore(ctx, ref, listed, c); return err })
	return tip, err
}

func (b breaking) Try(ctx context.Context, ref string) error {
	return b.w.pass(func() error { return carry.TryOut(b.Place, "paris", "xivo-main")(ctx, ref) })
}

// pair are two places, and what is asked of them.
type pair struct {
	t        *testing.T
	old, new git.Place
}

func newPair(t *testing.T) *pair {
	t.Helper()
	remote, err := git.Open(git.Options{URL: gitserver.Bare(t)})
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := etcd.Open(etcd.Options{URL: "etcd://" + etcdserver.NewFake(1).Serve(t) + "/voice"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	t.Cleanup(cluster.Close)
	p := &pair{t, remote, cluster}
	var tip plan.Tip
	for seq := range uint64(3) {
		tip.Claim = plan.Next(tip, plan.Claim{Holder: "main", Node: "xivo-main", Instance: "i1",
			Action: []plan.Action{plan.Take, plan.Renew, plan.Renew}[seq], Start: seq + 1, Guarantee: plan.Released})
		tip.ID = p.push(p.old, plan.Push{Parent: tip.ID, Claim: tip.Claim})
	}
	return p
}

func (p *pair) push(at git.Place, push plan.Push) string {
	p.t.Helper()
	id, err := at.PushClaim(p.t.Context(), ref, push)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// tip is the claim as a place has it.
func (p *pair) tip(at git.Place) plan.Tip {
	p.t.Helper()
	l, err := at.ListPrimary(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := at.Claim(p.t.Context(), ref, l.Refs[ref], plan.Tip{})
	if err != nil {
		p.t.Fatal(err)
	}
	return c.Tip
}

// counts reports whether somebody may change the claim in a place.
func counts(t plan.Tip) bool { return t.ID != "" && t.Action != plan.Move }

// neverBoth fails when the claim counts in both places.
func (p *pair) neverBoth(when string) {
	p.t.Helper()
	if old, now := p.tip(p.old), p.tip(p.new); counts(old) && counts(now) {
		p.t.Errorf("%s: it counts in both places: %d %s and %d %s", when, old.Seq, old.Action, now.Seq, now.Action)
	}
}

func (p *pair) carry(from, to git.Place, declared spec.Side) (plan.Tip, error) {
	p.t.Helper()
	folder, err := state.Open(p.t.TempDir())
	if err != nil {
		p.t.Fatal(err)
	}
	c := carry.Carrier{From: from, To: to, Chains: git.NewChainStore(folder), Try: carry.TryOut(to, "paris", "xivo-main"), Now: time.Now}
	return c.Claim(p.t.Context(), ref, declared)
}

// R13: whoever held the claim holds it in the new place, on the same chain, and in the old
// one nobody can change it: neither who was about to, nor who reads that it ended.
func TestAClaimIsCarriedWithItsChain(t *testing.T) {
	p := newPair(t)
	before := p.tip(p.old)
	got, err := p.carry(p.old, p.new, spec.Main)
	if err != nil {
		t.Fatal(err)
	}
	old, now := p.tip(p.old), p.tip(p.new)
	if old.Action != plan.Move || old.To != carry.Word(p.new.URL()) || now.Action != plan.Enter || now.Seq != before.Seq+2 || got.ID != now.ID {
		t.Errorf("the old place has %+v, the new one %+v", old, now)
	}
	if now.Holder != before.Holder || now.Instance != before.Instance || now.Node != before.Node || now.Start != before.Start || now.Down != before.Down || now.Last != before.Last {
		t.Errorf("it was %+v and is %+v", before, now)
	}
	if changes, err := p.new.Chain(t.Context(), ref, now.ID, 0); err != nil || len(changes) != 5 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
	if _, err := p.old.PushClaim(t.Context(), ref, plan.Push{Parent: before.ID, Claim: plan.Next(before, plan.Claim{Action: plan.Release, Holder: "none", Node: "xivo-main", Instance: "i1"})}); err == nil {
		t.Error("somebody who was about to change it there did")
	}
	if again, err := p.carry(p.old, p.new, spec.Main); err != nil || again.ID != now.ID || p.tip(p.new).ID != now.ID {
		t.Errorf("a second time: %+v, %v", again, err)
	}
}

func TestAClaimIsCarriedBackAndForth(t *testing.T) { // R13
	p := newPair(t)
	for i := range 3 {
		for _, way := range [][2]git.Place{{p.old, p.new}, {p.new, p.old}} {
			if _, err := p.carry(way[0], way[1], spec.Main); err != nil {
				t.Fatal(err)
			}
			now := p.tip(way[1])
			if counts(p.tip(way[0])) || !counts(now) {
				t.Fatalf("round %d: it counts where it was, or nowhere", i)
			}
			p.push(way[1], plan.Push{Parent: now.ID, Claim: plan.Next(now, plan.Claim{Action: plan.Renew, Holder: "main", Node: "xivo-main", Instance: "i1"})})
		}
	}
}

// R13: at no moment it counts in both places, wherever the person's machine breaks off; and
// from there it can be carried on, or taken back.
func TestACarryThatBreaksOffCountsInNoTwoPlacesAndGoesOnOrBack(t *testing.T) {
	for _, back := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			for n := 1; ; n++ {
				p := newPair(t)
				w := &wire{left: n, after: after, seen: func() { p.neverBoth(fmt.Sprintf("after request %d", n)) }}
				_, err := p.carry(breaking{p.old, w}, breaking{p.new, w}, spec.Main)
				p.told(err)
				if err == nil {
					if n < 7 {
						t.Errorf("only %d requests", n)
					}
					break
				}
				from, to := p.old, p.new
				if back {
					from, to = p.new, p.old
				}
				moved := p.tip(p.old).Action == plan.Move
				_, err = p.carry(from, to, spec.Main)
				p.neverBoth(fmt.Sprintf("after %d, back %v", n, back))
				var refused *carry.Refused
				switch {
				case back && !moved && errors.As(err, &refused): // it had not begun
					to = p.old
				case err != nil:
					t.Errorf("after request %d, carried out %v, back %v: %v", n, after, back, err)
				}
				if !counts(p.tip(to)) {
					t.Errorf("after request %d, carried out %v, back %v: it counts nowhere", n, after, back)
				}
			}
		}
	}
}

// told fails when an error does not say what it leaves behind.
func (p *pair) told(err error) {
	p.t.Helper()
	var h *carry.Halfway
	says := errors.As(err, &h)
	ended, now := p.tip(p.old).Action == plan.Move, counts(p.tip(p.new))
	switch {
	case err == nil:
	case ended && !says, says && !strings.Contains(err.Error(), "nobody can switch until this is over"), says && !strings.Contains(h.Hint(), "run this command again"):
		p.t.Errorf("it has ended, and the error says %v", err)
	case says && !ended && !strings.Contains(err.Error(), "whether the claim has ended in "):
		p.t.Errorf("it has not ended, and the error says %v", err)
	case says && now && !strings.Contains(err.Error(), "is not known"):
		p.t.Errorf("it counts in the new place, and the error says %v", err)
	}
}

// R13: who goes on with a carry of which the way back broke off goes on, at whichever point
// that was, and is never told that it counts where it does not.
func TestACarryGoesOnAfterItsWayBackBrokeOff(t *testing.T) {
	for n := 1; ; n++ {
		p := newPair(t)
		if _, err := p.carry(p.old, p.new, spec.Main); err != nil {
			t.Fatal(err)
		}
		w := &wire{left: n, after: true, seen: func() { p.neverBoth(fmt.Sprintf("after request %d", n)) }}
		_, broke := p.carry(breaking{p.new, w}, breaking{p.old, w}, spec.Main)
		back := counts(p.tip(p.old))
		got, err := p.carry(p.old, p.new, spec.Main)
		p.neverBoth("on")
		if now := p.tip(p.new); err != nil || !counts(now) || got.ID != now.ID {
			t.Errorf("after request %d of the way back, which went through %v: %+v, %v; there it is %+v", n, back, got, err, now)
		}
		if broke == nil {
			return
		}
	}
}

// R13: the claim ends nowhere before the new place was seen to take changes.
func TestAClaimIsNotEndedForAPlaceThatTakesNoChanges(t *testing.T) {
	for name, known := range map[string]bool{"that had it before": true, "that never had it": false} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			if _, err := p.carry(p.old, p.new, spec.Main); err != nil {
				t.Fatal(err)
			}
			folder := gitserver.Bare(t)
			if known {
				folder = p.old.URL()
			}
			shut, err := git.Open(git.Options{URL: folder})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(shut.Close)
			try := carry.TryOut(shut, "paris", "xivo-main")
			if err := try(t.Context(), ref); err != nil {
				t.Fatalf("while it takes changes: %v", err)
			}
			hook := filepath.Join(strings.TrimPrefix(folder, "file://"), "hooks", "update")
			if err := errors.Join(os.MkdirAll(filepath.Dir(hook), 0o755), os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755)); err != nil {
				t.Fatal(err)
			}
			before := p.tip(p.new)
			var refused *carry.Refused
			if _, err := p.carry(p.new, shut, spec.Main); !errors.As(err, &refused) || !strings.Contains(err.Error(), "nothing was changed") || refused.Hint() == "" {
				t.Errorf("got %v", err)
			}
			if p.tip(p.new).ID != before.ID || counts(p.tip(shut)) {
				t.Error("something was changed")
			}
		})
	}
}

// Two persons, one of whom carries it on and the other one back: one of them wins.
func TestACarryOnAndACarryBackAtOnceDoNotBothWin(t *testing.T) {
	p := newPair(t)
	for n := 1; n < 14; n++ {
		p = newPair(t)
		half := &wire{left: 6, after: true, seen: func() {}} // it ended in the old place
		_, _ = p.carry(breaking{p.old, half}, breaking{p.new, half}, spec.Main)
		turn := 0
		on := &wire{left: 1 << 30, seen: func() {
			p.neverBoth("on")
			if turn++; turn == n {
				_, _ = p.carry(p.new, p.old, spec.Main)
				p.neverBoth("back")
			}
		}}
		_, _ = p.carry(breaking{p.old, on}, breaking{p.new, on}, spec.Main)
		p.neverBoth("after both")
	}
}

func TestAClaimIsNotCarriedWhere(t *testing.T) {
	other := func(p *pair) { // the new place has a claim of its own
		p.push(p.new, plan.Push{Claim: plan.Claim{Seq: 1, Holder: "standby", Node: "xivo-standby", Instance: "i2", Action: plan.Take}})
	}
	for name, c := range map[string]struct {
		make     func(*pair)
		declared spec.Side
		way      func(*pair) (from, to git.Place)
	}{
		"a switch is under way":                 {func(*pair) {}, spec.Standby, func(p *pair) (git.Place, git.Place) { return p.old, p.new }},
		"the new place has a claim of its own":  {other, spec.Main, func(p *pair) (git.Place, git.Place) { return p.old, p.new }},
		"the places are one":                    {func(*pair) {}, spec.Main, func(p *pair) (git.Place, git.Place) { return p.old, p.old }},
		"there is none, and there never was":    {func(*pair) {}, spec.Main, func(p *pair) (git.Place, git.Place) { return p.new, p.old }},
		"it was carried to a third place":       {func(p *pair) { p.third() }, spec.Main, func(p *pair) (git.Place, git.Place) { return p.old, p.new }},
		"it was carried to a third place, back": {func(p *pair) { p.third() }, spec.Main, func(p *pair) (git.Place, git.Place) { return p.new, p.old }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.make(p)
			old, now := p.tip(p.old).ID, p.tip(p.new).ID
			from, to := c.way(p)
			var refused *carry.Refused
			if got, err := p.carry(from, to, c.declared); !errors.As(err, &refused) || refused.Hint() == "" {
				t.Errorf("got %+v, %v", got, err)
			}
			if p.tip(p.old).ID != old || p.tip(p.new).ID != now {
				t.Error("something was changed")
			}
		})
	}
}

// third carries the claim to a place that is neither.
func (p *pair) third() {
	p.t.Helper()
	third, err := etcd.Open(etcd.Options{URL: "etcd://" + etcdserver.NewFake(1).Serve(p.t) + "/voice"})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(third.Close)
	if _, err := p.carry(p.old, third, spec.Main); err != nil {
		p.t.Fatal(err)
	}
}
