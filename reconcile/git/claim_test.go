package git_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func TestAClaimIsReadAsItWasPushed(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		want := plan.Tip{Claim: claim(1, plan.Take, spec.Main, "xivo-main")}
		want.ID = change(t, r, want.Claim)
		read, err := r.Claim(ctx(t), claimRef, listed(t, r)[claimRef], plan.Tip{})
		if err != nil || !read.Descends || read.Rerooted {
			t.Fatalf("got %+v, %v", read, err)
		}
		if diff := cmp.Diff(want, read.Tip); diff != "" {
			t.Error(diff)
		}
		log := gitserver.Git(t, w.bare, "log", "--format=%an: %s", claimRef)
		if want := "xivo-main: 1 take: main by xivo-main (released)\n"; log != want {
			t.Errorf("git log says %q, want %q", log, want)
		}
		gitserver.Git(t, w.bare, "fsck", "--strict")
	})
}

func TestNoRefIsAFreeClaim(t *testing.T) {
	r := open(t, git.Options{URL: t.TempDir()})
	read, err := r.Claim(ctx(t), claimRef, "", plan.Tip{})
	if err != nil || !read.Descends || !read.Tip.Free() {
		t.Errorf("never seen: got %+v, %v", read, err)
	}
	read, err = r.Claim(ctx(t), claimRef, "", plan.Tip{ID: strings.Repeat("a", 40), Claim: plan.Claim{Seq: 3}})
	if err != nil || read.Descends {
		t.Errorf("R10, ref deleted: got %+v, %v", read, err)
	}
}

// Of two changes of one parent one is carried out, and the other is told so.
func TestOnlyOneChangeOfAParentIsMade(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		parent := ""
		for seq := uint64(1); seq <= 2; seq++ {
			won, err := r.PushClaim(ctx(t), claimRef, plan.Push{Parent: parent, Claim: claim(seq, plan.Renew, spec.Main, "a")})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.PushClaim(ctx(t), claimRef, plan.Push{Parent: parent, Claim: claim(seq, plan.Renew, spec.Main, "b")})
			if !errors.Is(err, failure.ErrRefused) || errors.Is(err, failure.ErrUnknown) {
				t.Errorf("the second: got %v", err)
			}
			if parent = w.ref(claimRef); parent != won {
				t.Errorf("the ref is at %s, want %s", parent, won)
			}
		}
		_, err := r.PushClaim(ctx(t), claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Main, "c")})
		if !errors.Is(err, failure.ErrRefused) {
			t.Errorf("creating a ref that exists: got %v", err)
		}
	})
}

func TestAPushTriedAgainIsTheSamePush(t *testing.T) {
	overEach(t, func(t *testing.T, _ *work, r *git.Remote) {
		p := plan.Push{Claim: claim(1, plan.Take, spec.Main, "xivo-main")}
		want, err := r.ClaimNote(claimRef, p)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			id, err := r.PushClaim(ctx(t), claimRef, p)
			if err != nil || id != want {
				t.Errorf("got %s, %v, want %s", id, err, want)
			}
		}
	})
}

func TestAClaimDescendsFromTheKnownOneHoweverManyChangesAgo(t *testing.T) {
	overEach(t, func(t *testing.T, _ *work, r *git.Remote) {
		var tips []plan.Tip
		for seq := uint64(1); seq <= 20; seq++ {
			c := claim(seq, plan.Renew, spec.Main, "xivo-main")
			tips = append(tips, plan.Tip{ID: change(t, r, c), Claim: c})
		}
		newest := tips[len(tips)-1]
		for _, known := range []plan.Tip{tips[0], tips[7], tips[18], newest} {
			read, err := r.Claim(ctx(t), claimRef, newest.ID, known)
			if err != nil || !read.Descends || read.Tip.ID != newest.ID {
				t.Errorf("from seq %d: got %+v, %v", known.Seq, read, err)
			}
		}
		chain, err := r.Chain(ctx(t), claimRef, newest.ID, 5)
		if err != nil || len(chain) != 5 || chain[0].ID != newest.ID || chain[4].Seq != 16 {
			t.Errorf("chain: got %+v, %v", chain, err)
		}
	})
}

// R10: a claim that was put back to an older change is not believed.
func TestAClaimThatWentBackDoesNotDescend(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		old := change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
		c := claim(2, plan.Release, "", "xivo-main")
		known := plan.Tip{ID: change(t, r, c), Claim: c}
		gitserver.Git(t, w.bare, "update-ref", claimRef, old)
		read, err := r.Claim(ctx(t), claimRef, old, known)
		if err != nil || read.Descends || read.Rerooted {
			t.Errorf("put back: got %+v, %v", read, err)
		}
		change(t, r, claim(2, plan.Seize, spec.Standby, "xivo-standby"))
		fork := change(t, r, claim(3, plan.Renew, spec.Standby, "xivo-standby"))
		read, err = r.Claim(ctx(t), claimRef, fork, known)
		if err != nil || read.Descends || read.Rerooted {
			t.Errorf("gone on from there: got %+v, %v", read, err)
		}
	})
}

// R9, R10: a reroot is believed above the highest seq seen, and descends from
// what it names when the server still has it.
func TestARerootSaysSo(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		old := change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
		var known plan.Tip
		for seq := uint64(2); seq <= 6; seq++ {
			c := claim(seq, plan.Renew, spec.Main, "xivo-main")
			known = plan.Tip{ID: change(t, r, c), Claim: c}
		}
		gitserver.Git(t, w.bare, "update-ref", claimRef, old)
		id, err := r.PushClaim(ctx(t), claimRef, plan.Push{Parent: old, Known: known.ID, Claim: claim(7, plan.Reroot, spec.Main, "xivo-main")})
		if err != nil {
			t.Fatal(err)
		}
		read, err := r.Claim(ctx(t), claimRef, id, known)
		if err != nil || !read.Descends || !read.Rerooted {
			t.Errorf("server still has it: got %+v, %v", read, err)
		}
		lost := plan.Tip{ID: strings.Repeat("e", 40), Claim: plan.Claim{Seq: 7}}
		id, err = r.PushClaim(ctx(t), claimRef, plan.Push{Parent: id, Known: lost.ID, Claim: claim(9, plan.Reroot, spec.Main, "xivo-main")})
		if err != nil {
			t.Fatal(err)
		}
		read, err = r.Claim(ctx(t), claimRef, id, lost)
		if err != nil || read.Descends || !read.Rerooted {
			t.Errorf("server lost it: got %+v, %v", read, err)
		}
	})
}

func TestADamagedClaimIsAnErrorAndNoClaim(t *testing.T) {
	attack.Row(t, "claims", "claims that say what no claim may, such as an option for a commit", "damaged, not believed")
	w := newWork(t)
	r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare)})
	whole := `{"seq":1,"holder":"main","node":"n","instance":"i","action":"take","lease":"0s"}`
	for name, files := range map[string]map[string]string{
		"nothing":          {"README": "hello"},
		"something else":   {"claim.json": whole, "README": "hello"},
		"no JSON":          {"claim.json": "<html>"},
		"empty":            {"claim.json": ""},
		"cut short":        {"claim.json": whole[:40]},
		"two values":       {"claim.json": whole + whole},
		"a list":           {"claim.json": "[]"},
		"no seq":           {"claim.json": strings.Replace(whole, `"seq":1,`, "", 1)},
		"seq below zero":   {"claim.json": strings.Replace(whole, `"seq":1`, `"seq":-1`, 1)},
		"unknown holder":   {"claim.json": strings.Replace(whole, "main", "both", 1)},
		"unknown action":   {"claim.json": strings.Replace(whole, "take", "grab", 1)},
		"no instance":      {"claim.json": strings.Replace(whole, `"i"`, `""`, 1)},
		"lease in numbers": {"claim.json": strings.Replace(whole, `"0s"`, `5`, 1)},
		"lease below zero": {"claim.json": strings.Replace(whole, `"0s"`, `"-5s"`, 1)},
		"huge":             {"claim.json": whole + strings.Repeat(" ", 1<<20)},
	} {
		hash := foreign(w, claimRef, files)
		if _, err := r.Claim(ctx(t), claimRef, hash, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	hash := foreign(w, claimRef, map[string]string{"claim.json": whole})
	if _, err := r.Claim(ctx(t), claimRef, hash, plan.Tip{}); err != nil {
		t.Errorf("whole: got %v", err)
	}
}

func TestAClaimWhoseSeqDoesNotGrowIsDamaged(t *testing.T) {
	w := newWork(t)
	r := open(t, git.Options{URL: w.bare})
	change(t, r, claim(1, plan.Take, spec.Main, "xivo-main"))
	for _, seq := range []uint64{1, 3} {
		id := change(t, r, claim(seq, plan.Renew, spec.Main, "xivo-main"))
		if _, err := r.Claim(ctx(t), claimRef, id, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("seq 1, then %d: got %v", seq, err)
		}
	}
}

// foreign puts a commit of these files on a ref, as nobody of ours would.
func foreign(w *work, ref string, files map[string]string) string {
	w.t.Helper()
	w.git("checkout", "--quiet", "--orphan", "foreign")
	w.git("rm", "--quiet", "-rf", "--ignore-unmatch", ".")
	for name, content := range files {
		w.write(name, content)
	}
	w.git("add", "-A")
	w.git("commit", "--quiet", "--allow-empty", "-m", "foreign")
	hash := w.git("rev-parse", "HEAD")
	w.git("push", "--quiet", "--force", "origin", "HEAD:"+ref)
	w.git("checkout", "--quiet", "--detach")
	w.git("branch", "--quiet", "-D", "foreign")
	return hash
}
