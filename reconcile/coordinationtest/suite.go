package coordinationtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Run runs what every place must do.
func Run(t *testing.T, f Fixture) {
	for name, test := range map[string]func(*bench){
		"a claim that never was is free, and is no error":       neverWas,
		"a claim is read as it was pushed":                      asPushed,
		"of many that go for a claim one wins":                  oneWinner,
		"a change of an old parent is refused for ever":         oldParent,
		"a chain descends from everything it came by":           descends,
		"a claim that went back is not believed (R10)":          wentBack,
		"a claim that is gone is not free to who knew it (R10)": gone,
		"who remembers a claim restores it (R10)":               restores,
		"nobody restores over a change of somebody (R10)":       restoresOverNobody,
		"a person vouches for a chain (R9)":                     reroots,
		"a damaged claim is an error and no claim":              damagedClaims,
		"a seq that does not grow is damaged":                   growing,
		"a claim that is too large is never pushed":             tooLarge,
		"a report is read as it was published":                  reports,
		"a damaged report hides no other":                       damagedReports,
		"a report is of the node of its ref":                    ownReport,
		"one deployment is asked for alone":                     narrow,
		"the history is all there, newest first":                history,
		"the history ends where it is damaged":                  damagedHistory,
	} {
		t.Run(name, func(t *testing.T) { test(&bench{f(t), t}) })
	}
	t.Run("signed", func(t *testing.T) { runSigned(t, f) })
}

func neverWas(b *bench) {
	n := b.node()
	if at := n.at(claimRef); at != "" {
		b.t.Fatalf("listed at %s", at)
	}
	if r := n.read(plan.Tip{}); !r.Descends || !r.Tip.Free() || r.Tip.Seq != 0 {
		b.t.Errorf("got %+v", r)
	}
}

func asPushed(b *bench) {
	n, other := b.node(), b.node()
	want := claim(1, plan.Take, spec.Main, "xivo-main")
	n.change(want, plan.Tip{})
	r := other.read(plan.Tip{})
	if !r.Descends || r.Rerooted {
		b.t.Errorf("got %+v", r)
	}
	if diff := cmp.Diff(want, r.Tip.Claim); diff != "" {
		b.t.Error(diff)
	}
	if at := other.at(claimRef); at != r.Tip.ID {
		b.t.Errorf("read %s, listed %s", r.Tip.ID, at)
	}
}

// R3: of any number of contenders exactly one push wins.
func oneWinner(b *bench) {
	const contenders, rounds = 8, 4
	var nodes []*node
	for range contenders {
		nodes = append(nodes, b.node())
	}
	parent := ""
	for seq := uint64(1); seq <= rounds; seq++ {
		won := make([]string, contenders)
		var wg sync.WaitGroup
		for i, n := range nodes {
			wg.Go(func() {
				c := claim(seq, plan.Seize, spec.Main, fmt.Sprintf("node-%d", i))
				id, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: parent, Claim: c})
				if err == nil {
					won[i] = id
				} else if !errors.Is(err, failure.ErrRefused) {
					b.t.Errorf("round %d: %v", seq, err)
				}
			})
		}
		wg.Wait()
		at := nodes[0].at(claimRef)
		if winners := strings.Join(won, ""); winners != at || at == parent {
			b.t.Fatalf("round %d: %q won, listed at %s", seq, won, at)
		}
		parent = at
	}
}

func oldParent(b *bench) {
	n := b.node()
	tips := n.chain(2)
	late := plan.Push{Parent: tips[0].ID, Claim: claim(2, plan.Seize, spec.Standby, "xivo-standby")}
	for range 2 {
		if _, err := n.PushClaim(ctx(b.t), claimRef, late); !errors.Is(err, failure.ErrRefused) {
			b.t.Errorf("an old parent: %v", err)
		}
	}
	first := plan.Push{Claim: claim(1, plan.Take, spec.Standby, "xivo-standby")}
	if _, err := n.PushClaim(ctx(b.t), claimRef, first); !errors.Is(err, failure.ErrRefused) {
		b.t.Errorf("a first claim beside one: %v", err)
	}
	if at := n.at(claimRef); at != tips[1].ID {
		b.t.Errorf("listed at %s, want %s", at, tips[1].ID)
	}
	again := plan.Push{Parent: tips[0].ID, Claim: tips[1].Claim}
	if id, err := n.PushClaim(ctx(b.t), claimRef, again); err != nil || id != tips[1].ID {
		b.t.Errorf("the same change once more: %s, %v", id, err)
	}
}

func descends(b *bench) {
	tips := b.node().chain(20)
	other := b.node()
	for _, known := range tips {
		if r := other.read(known); !r.Descends || r.Rerooted || r.Tip.ID != tips[19].ID {
			b.t.Errorf("from seq %d: got %+v", known.Seq, r)
		}
	}
	stranger := plan.Tip{ID: strings.Repeat("e", 40), Claim: plan.Claim{Seq: 7}}
	if r := other.read(stranger); r.Descends || r.Rerooted {
		b.t.Errorf("from a change that never was: got %+v", r)
	}
}

func wentBack(b *bench) {
	n := b.node()
	tips := n.chain(3)
	b.Put(b.t, claimRef, tips[0].ID)
	if r := n.read(tips[2]); r.Descends || r.Rerooted || r.Tip.ID != tips[0].ID {
		b.t.Errorf("put back: got %+v", r)
	}
	other := b.node()
	for seq := uint64(2); seq <= 4; seq++ {
		other.change(claim(seq, plan.Seize, spec.Standby, "xivo-standby"), plan.Tip{})
		if r := n.read(tips[2]); r.Descends || r.Rerooted {
			b.t.Errorf("gone on from there to seq %d: got %+v", seq, r)
		}
	}
}

func gone(b *bench) {
	n := b.node()
	tips := n.chain(2)
	b.Put(b.t, claimRef, "")
	if at := n.at(claimRef); at != "" {
		b.t.Fatalf("listed at %s", at)
	}
	r, err := n.link.Claim(ctx(b.t), claimRef, "", tips[1])
	if err != nil || r.Descends {
		b.t.Errorf("got %+v, %v", r, err)
	}
}

func restores(b *bench) {
	n := b.node()
	tips := n.chain(12)
	known := tips[11]
	for _, to := range []string{tips[4].ID, ""} {
		b.Put(b.t, claimRef, to)
		if able, err := b.node().link.Restorable(ctx(b.t), claimRef, to, known); able || err != nil {
			b.t.Errorf("a node that remembers nothing would restore it: %v", err)
		}
		if able, err := n.link.Restorable(ctx(b.t), claimRef, to, known); !able || err != nil {
			b.t.Fatalf("from %q: not restorable: %v", to, err)
		}
		if err := n.link.Restore(ctx(b.t), claimRef, known); err != nil {
			b.t.Fatalf("from %q: %v", to, err)
		}
		other := b.node()
		for _, before := range append(tips[:11:11], plan.Tip{}) {
			if r := other.read(before); r.Tip.ID != known.ID || !r.Descends {
				b.t.Errorf("from %q, known seq %d: got %+v", to, before.Seq, r)
			}
		}
	}
}

func restoresOverNobody(b *bench) {
	n := b.node()
	tips := n.chain(3)
	b.Put(b.t, claimRef, tips[0].ID)
	fork := b.node().change(claim(2, plan.Seize, spec.Standby, "xivo-standby"), plan.Tip{})
	if err := n.link.Restore(ctx(b.t), claimRef, tips[2]); !errors.Is(err, failure.ErrRewound) {
		b.t.Errorf("restored over a change: %v", err)
	}
	if at := n.at(claimRef); at != fork.ID {
		b.t.Errorf("listed at %s, want %s", at, fork.ID)
	}
}

func reroots(b *bench) {
	n := b.node()
	tips := n.chain(6)
	known := tips[5]
	b.Put(b.t, claimRef, tips[0].ID)
	id, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: tips[0].ID, Known: known.ID, Claim: claim(7, plan.Reroot, spec.Main, "xivo-main")})
	if err != nil {
		b.t.Fatal(err)
	}
	if r := n.read(known); !r.Descends || !r.Rerooted || r.Tip.ID != id {
		b.t.Errorf("the place still has what is known: got %+v", r)
	}
	lost := plan.Tip{ID: strings.Repeat("e", 40), Claim: plan.Claim{Seq: 7}}
	_, err = n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: id, Known: lost.ID, Claim: claim(9, plan.Reroot, spec.Main, "xivo-main")})
	if err != nil {
		b.t.Fatal(err)
	}
	if r := n.read(lost); r.Descends || !r.Rerooted {
		b.t.Errorf("the place lost what is known: got %+v", r)
	}
}

func damagedClaims(b *bench) {
	whole := `{"seq":1,"holder":"main","node":"n","instance":"i","action":"take","lease":"0s"}`
	n := b.node()
	for name, content := range map[string]string{
		"no JSON":          "<html>",
		"empty":            "",
		"cut short":        whole[:40],
		"two values":       whole + whole,
		"a list":           "[]",
		"no seq":           strings.Replace(whole, `"seq":1,`, "", 1),
		"seq below zero":   strings.Replace(whole, `"seq":1`, `"seq":-1`, 1),
		"unknown holder":   strings.Replace(whole, "main", "both", 1),
		"unknown action":   strings.Replace(whole, "take", "grab", 1),
		"an option":        strings.Replace(whole, `"lease"`, `"commit":"--output=x","lease"`, 1),
		"no instance":      strings.Replace(whole, `"i"`, `""`, 1),
		"lease below zero": strings.Replace(whole, `"0s"`, `"-5s"`, 1),
		"huge":             whole + strings.Repeat(" ", 200<<10),
	} {
		at := b.Write(b.t, claimRef, content)
		if listed := n.at(claimRef); listed != at || listed == "" {
			b.t.Errorf("%s: listed at %q, want %q", name, listed, at)
		}
		if r, err := n.link.Claim(ctx(b.t), claimRef, at, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			b.t.Errorf("%s: got %+v, %v", name, r, err)
		}
		if got := n.Notes(ctx(b.t), map[string]string{claimRef: at}); !errors.Is(got.Errors[claimRef], failure.ErrDamaged) {
			b.t.Errorf("%s: as one note: %+v", name, got)
		}
	}
	at := b.Write(b.t, claimRef, whole)
	if r, err := n.link.Claim(ctx(b.t), claimRef, at, plan.Tip{}); err != nil || r.Tip.Seq != 1 {
		b.t.Errorf("whole: got %+v, %v", r, err)
	}
	if got := n.Notes(ctx(b.t), map[string]string{claimRef: at}); len(got.Errors) > 0 || got.Claims[claimRef].Seq != 1 {
		b.t.Errorf("whole, as one note: %+v", got)
	}
}

func growing(b *bench) {
	n := b.node()
	n.chain(1)
	for _, seq := range []uint64{1, 3} {
		id, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: n.at(claimRef), Claim: claim(seq, plan.Renew, spec.Main, "xivo-main")})
		if err != nil {
			b.t.Fatal(err)
		}
		if r, err := n.link.Claim(ctx(b.t), claimRef, id, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			b.t.Errorf("seq %d: got %+v, %v", seq, r, err)
		}
	}
}

func tooLarge(b *bench) {
	n := b.node()
	c := claim(1, plan.Take, spec.Main, "xivo-main")
	c.Reason = strings.Repeat("x", 64<<10)
	if _, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Claim: c}); !errors.Is(err, failure.ErrTooLarge) {
		b.t.Errorf("claim: %v", err)
	}
	r := report("xivo-main", plan.Active)
	r.Reason = strings.Repeat("x", 256<<10)
	if err := n.link.Publish(ctx(b.t), reportRef, r); !errors.Is(err, failure.ErrTooLarge) {
		b.t.Errorf("report: %v", err)
	}
	if at := n.at(claimRef) + n.at(reportRef); at != "" {
		b.t.Errorf("listed at %s", at)
	}
}

func narrow(b *bench) {
	n := b.node()
	n.change(claim(1, plan.Take, spec.Main, "xivo-main"), plan.Tip{})
	r := report("xivo-main", plan.Active)
	r.Deployment = "paris2"
	other := "refs/mainstay/paris2/report/xivo-main"
	if err := n.link.Publish(ctx(b.t), other, r); err != nil {
		b.t.Fatal(err)
	}
	if n.at(other) == "" || n.at(claimRef) == "" {
		b.t.Fatal("all of them: one is missing")
	}
	n.link.Narrow("paris")
	l, err := n.link.List(ctx(b.t))
	// A server that cannot be asked for a part sends all, and says so.
	if err != nil || l.Refs[claimRef] == "" || (l.Refs[other] == "") != (l.Only == "paris") || l.Only != "" && l.Only != "paris" {
		b.t.Errorf("got %+v, %v", l, err)
	}
}

func history(b *bench) {
	tips := b.node().chain(15)
	n := b.node()
	for _, limit := range []int{5, 15, 0} {
		changes, err := n.Chain(ctx(b.t), claimRef, tips[14].ID, limit)
		want := limit
		if limit == 0 {
			want = 15
		}
		if err != nil || len(changes) != want {
			b.t.Fatalf("limit %d: %d changes, %v", limit, len(changes), err)
		}
		for i, c := range changes {
			if c.ID != tips[14-i].ID || c.Seq != tips[14-i].Seq {
				b.t.Errorf("change %d: %s seq %d", i, c.ID, c.Seq)
			}
		}
	}
}

func damagedHistory(b *bench) {
	n := b.node()
	at := b.Write(b.t, claimRef, `{"seq":1,"holder":"both"}`)
	for seq := uint64(2); seq <= 3; seq++ {
		id, err := n.PushClaim(ctx(b.t), claimRef, plan.Push{Parent: at, Claim: claim(seq, plan.Renew, spec.Main, "xivo-main")})
		if err != nil {
			b.t.Fatal(err)
		}
		at = id
	}
	changes, err := n.Chain(ctx(b.t), claimRef, at, 0)
	if !errors.Is(err, failure.ErrDamaged) || len(changes) != 2 || changes[0].Seq != 3 {
		b.t.Errorf("got %d changes, %v", len(changes), err)
	}
}

// within fails a test whose call took longer than its bound.
func within(t *testing.T, bound time.Duration, call func()) {
	t.Helper()
	began := time.Now()
	call()
	if took := time.Since(began); took > bound {
		t.Errorf("took %s, more than %s", took, bound)
	}
}
