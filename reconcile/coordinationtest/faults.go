package coordinationtest

import (
	"errors"
	"testing"
	"time"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// RunFaults runs what a place must do when its answers are lost, come late, or never
// come. The fixture must have faults.
func RunFaults(t *testing.T, f Fixture) {
	for name, test := range map[string]func(*bench){
		"a change whose answer is lost is unknown, and was made":             lost,
		"a change that comes late is unknown, and is made":                   late,
		"a change that comes late after another one is never made":           lateAfter,
		"a report that comes late after a newer one is never read":           lateReport,
		"a read that is not answered is no read, and ends":                   hang,
		"a change that is not answered is unknown, and ends":                 hangingChange,
		"a change that is tried again when its answer was lost is made once": twice,
	} {
		t.Run(name, func(t *testing.T) { test(&bench{f(t), t}) })
	}
}

// quick is a node that waits a second for any answer.
func (b *bench) quick() *node { return b.with(Options{Timeout: time.Second}) }

func lost(b *bench) {
	n := b.quick()
	b.Faults.Lose()
	id, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Main, "xivo-main")})
	if !errors.Is(err, failure.ErrUnknown) {
		b.t.Errorf("got %q, %v", id, err)
	}
	b.Faults.Heal()
	if r := n.read(plan.Tip{}); r.Tip.Seq != 1 {
		b.t.Errorf("got %+v", r)
	}
}

func twice(b *bench) {
	n := b.quick()
	b.Faults.Lose()
	p := plan.Push{Claim: claim(1, plan.Take, spec.Main, "xivo-main")}
	if _, err := n.PushClaim(ctx(b.t), claimRef, p); !errors.Is(err, failure.ErrUnknown) {
		b.t.Errorf("got %v", err)
	}
	b.Faults.Heal()
	id, err := n.PushClaim(ctx(b.t), claimRef, p)
	if err != nil || id != n.at(claimRef) {
		b.t.Errorf("again: %s, %v", id, err)
	}
	if changes, err := n.Chain(ctx(b.t), claimRef, id, 0); err != nil || len(changes) != 1 {
		b.t.Errorf("%d changes, %v", len(changes), err)
	}
}

// hold makes a change wait on its way.
func (b *bench) hold(act func() error) {
	b.t.Helper()
	b.Faults.Late()
	if err := act(); err == nil {
		b.t.Fatal("it is held back, and was carried out")
	}
	b.Faults.Heal()
	if b.Faults.Held() == 0 {
		b.t.Fatal("nothing is held back")
	}
}

// arrives lets it come, and waits until it has.
func (b *bench) arrives() {
	b.t.Helper()
	b.Faults.Release()
	for deadline := time.Now().Add(20 * time.Second); b.Faults.Held() > 0; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatal("it never comes")
		}
	}
}

func late(b *bench) {
	n := b.quick()
	b.hold(func() error {
		_, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Main, "xivo-main")})
		if !errors.Is(err, failure.ErrUnknown) {
			b.t.Errorf("got %v", err)
		}
		return err
	})
	if at := n.at(claimRef); at != "" {
		b.t.Fatalf("listed at %s before it came", at)
	}
	b.arrives()
	for deadline := time.Now().Add(20 * time.Second); n.at(claimRef) == ""; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatal("it came, and is not there")
		}
	}
}

func lateAfter(b *bench) {
	n := b.quick()
	first := n.chain(1)[0]
	b.hold(func() error {
		_, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: first.ID, Claim: claim(2, plan.Seize, spec.Standby, "xivo-standby")})
		return err
	})
	second := b.node().change(claim(2, plan.Renew, spec.Main, "xivo-main"), first)
	b.arrives()
	for range 20 {
		if at := n.at(claimRef); at != second.ID {
			b.t.Fatalf("listed at %s, want %s", at, second.ID)
		}
	}
}

func lateReport(b *bench) {
	n := b.quick()
	if err := n.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Activating)); err != nil {
		b.t.Fatal(err)
	}
	b.hold(func() error { return n.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Active)) })
	if err := n.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Inactive)); err != nil {
		b.t.Fatal(err)
	}
	at := n.at(reportRef)
	b.arrives()
	for range 20 {
		if now := n.at(reportRef); now != at {
			b.t.Fatalf("listed at %s, want %s", now, at)
		}
	}
}

func hang(b *bench) {
	n := b.quick()
	tip := n.chain(2)[1]
	other := b.quick()
	b.Faults.Hang()
	defer b.Faults.Heal()
	within(b.t, 10*time.Second, func() {
		if l, err := other.link.List(ctx(b.t)); !errors.Is(err, failure.ErrUnreachable) || len(l.Refs) > 0 {
			b.t.Errorf("list: got %+v, %v", l, err)
		}
		if r, err := other.link.Claim(ctx(b.t), claimRef, tip.ID, plan.Tip{}); !errors.Is(err, failure.ErrUnreachable) {
			b.t.Errorf("claim: got %+v, %v", r, err)
		}
		got, errs := other.link.Reports(ctx(b.t), map[string]string{reportRef: tip.ID})
		if !errors.Is(errs[reportRef], failure.ErrUnreachable) {
			b.t.Errorf("reports: got %+v, %v", got, errs)
		}
	})
}

func hangingChange(b *bench) {
	n := b.quick()
	n.chain(1)
	at := n.at(claimRef)
	b.Faults.Late()
	within(b.t, 10*time.Second, func() {
		_, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: at, Claim: claim(2, plan.Renew, spec.Main, "xivo-main")})
		if !errors.Is(err, failure.ErrUnknown) {
			b.t.Errorf("got %v", err)
		}
	})
	b.Faults.Heal()
	b.Faults.Release()
}
