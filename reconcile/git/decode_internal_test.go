package git

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git/content"
	"mainstay/reconcile/plan"
)

// What is read and written again must be read the same: an agent that keeps a
// claim must not change it.
func FuzzClaim(f *testing.F) {
	f.Add([]byte(`{"seq":1,"holder":"main","node":"n","instance":"i","action":"take","commit":"abababababababababababababababababababab","lease":"0s","stopBound":"1m","debt":"0s","at":"2026-11-03T10:00:00Z"}`))
	f.Add([]byte(`{"seq":18446744073709551615,"holder":"none","node":"n","instance":"i","action":"release"}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, b []byte) {
		attack.Cheap(t, func() {
			c, err := content.DecodeClaim(b)
			if err != nil {
				return
			}
			again, err := content.EncodeClaim(c)
			if err != nil {
				t.Fatalf("read, and not written: %v", err)
			}
			back, err := content.DecodeClaim(again)
			if err != nil || !reflect.DeepEqual(c, back) {
				t.Errorf("got %+v, %v, want %+v", back, err, c)
			}
			if _, err := (Notary{}).claimNote("refs/mainstay/d/claim/r", plan.Push{Claim: c}); err != nil {
				t.Error(err)
			}
		})
	})
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"deployment":"d","node":"n","instance":"i","status":"Active","services":[{"name":"a","run":"running"}]}`))
	f.Add([]byte(`{"deployment":"d","node":"n","instance":"i","status":"Held","versions":{"a":"b"},"since":"2026-11-03T10:00:00Z"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		attack.Cheap(t, func() {
			rep, err := content.DecodeReport(b)
			if err != nil {
				return
			}
			rep.At, rep.LastRead = time.Time{}, time.Time{}
			o, err := (Notary{}).reportNote(ReportRef(rep.Deployment, rep.Node), rep)
			if err != nil {
				return // it may grow beyond the bound when written in full
			}
			st := newStore()
			for _, object := range o.list() {
				if _, err := st.objects.SetEncodedObject(object); err != nil {
					t.Fatal(err)
				}
			}
			back, err := st.report(ReportRef(rep.Deployment, rep.Node), o.ID)
			if err != nil || back.Node != rep.Node || back.Status != rep.Status || len(back.Services) != len(rep.Services) {
				t.Errorf("got %+v, %v, want %+v", back, err, rep)
			}
		})
	})
}

// Names that git forbids in a ref, and names that look alike, have refs of
// their own.
func TestEveryNameHasARefOfItsOwn(t *testing.T) {
	names := []string{"xivo", "xivo.main", "a..b", ".a", "a.", "a.lock", "a/b", "a b", "a%b", "a%20b", "é", "~", "@{", "-a"}
	seen := map[string]string{}
	for _, name := range names {
		ref := ReportRef("paris", name)
		if other, dup := seen[ref]; dup {
			t.Errorf("%q and %q share %s", name, other, ref)
		}
		seen[ref] = name
		if strings.ContainsAny(ref, " ~^:?*[\\") || strings.Contains(ref, "..") || strings.HasSuffix(ref, ".") ||
			strings.HasSuffix(ref, ".lock") || strings.Contains(ref, "@{") || strings.Count(ref, "/") != 4 {
			t.Errorf("%q: git refuses %s", name, ref)
		}
	}
	if got := ClaimRef("paris", "xivo"); got != "refs/mainstay/paris/claim/xivo" {
		t.Errorf("got %s", got)
	}
}

// What nodes write is handed to people's git: a commit that is none, such as an
// option, is refused where it is read.
func TestACommitThatIsNoFullHashIsDamage(t *testing.T) {
	good := strings.Repeat("ab", 20)
	for _, commit := range []string{
		"--output=/home/ops/.ssh/authorized_keys", "-O/tmp/x", "HEAD", "main", "abcdef", good + "^", good + " ", " " + good,
		strings.ToUpper(good), good + good[:24], "@{upstream}", ":/fix", "\n" + good,
	} {
		c := plan.Claim{Seq: 1, Holder: "main", Node: "n", Instance: "i", Action: plan.Take, Commit: commit}
		if err := content.CheckClaim(c); err == nil {
			t.Errorf("a claim with the commit %q is believed", commit)
		}
		for _, r := range []plan.Report{{Seen: commit}, {Accepted: commit}, {Applied: commit}} {
			r.Deployment, r.Node, r.Instance, r.Status = "d", "n", "i", plan.Active
			if err := content.CheckReport(r); err == nil {
				t.Errorf("a report with the commit %q is believed", commit)
			}
		}
	}
	for _, commit := range []string{good, ""} {
		if err := content.CheckClaim(plan.Claim{Seq: 1, Holder: "main", Node: "n", Instance: "i", Action: plan.Take, Commit: commit}); err != nil {
			t.Errorf("the commit %q: %v", commit, err)
		}
	}
}

// An empty value takes three bytes in a text and a hundred in memory.
func TestAListOfEmptyValuesIsDamaged(t *testing.T) {
	attack.Row(t, "hostile server", "a claim or a report that is a list of empty values", "damaged, not believed")
	for _, c := range []struct {
		text []byte
		good bool
	}{
		{repeated(`{"seq":1,"holder":"main","node":"n","instance":"i","action":"renew"`, "phases", 20), true},
		{repeated(`{"seq":1,"holder":"main","node":"n","instance":"i","action":"renew"`, "phases", 2000), false},
		{repeated(`{"seq":1,"holder":"main","node":"n","instance":"i","action":"renew","reason":"\",[{,,,"`, "phases", 20), true},
	} {
		if _, err := content.DecodeClaim(c.text); (err == nil) != c.good {
			t.Errorf("%.200s: %v", c.text, err)
		}
	}
	if _, err := content.DecodeReport(repeated(smallReport, "services", 50_000)); err == nil {
		t.Error("a report of 50,000 services is believed")
	}
}
