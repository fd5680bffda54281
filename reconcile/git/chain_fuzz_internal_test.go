package git

import (
	"fmt"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git/content"
	"mainstay/reconcile/plan"
)

// chained makes a chain of a text: a line is a change, and begins with the letters
// of the changes that are its parents. It returns the last one, or nothing.
func chained(st *store, text string) string {
	made := map[byte]string{}
	last := ""
	for i, l := range strings.SplitN(text, "\n", 20) {
		before, claim, _ := strings.Cut(l, " ")
		var parents []string
		for _, c := range []byte(before) {
			if made[c] != "" {
				parents = append(parents, made[c])
			}
		}
		o, err := note{file: claimFile, content: []byte(claim), author: "n", parents: parents}.objects()
		if err != nil {
			continue
		}
		for _, object := range o.list() {
			if _, err := st.objects.SetEncodedObject(object); err != nil {
				continue
			}
		}
		last = o.ID
		made['a'+byte(i)] = last
	}
	return last
}

// FuzzClaimChain reads chains of strangers: of whatever is believed, each change is
// a claim whose seq is above those of its parents (R10).
func FuzzClaimChain(f *testing.F) {
	change := func(parents string, seq int, action, holder string) string {
		return fmt.Sprintf(`%s {"seq":%d,"holder":%q,"node":"n","instance":"i","action":%q}`, parents, seq, holder, action) + "\n"
	}
	f.Add(change("", 1, "take", "main")+change("a", 2, "release", "none")+change("b", 3, "take", "standby"), uint64(1))
	f.Add(change("", 7, "take", "main")+change("a", 6, "seize", "standby"), uint64(7))
	f.Add(change("", 1, "take", "main")+change("a", 2, "seize", "standby")+change("ab", 3, "reroot", "main")+change("bc", 9, "reroot", "none"), uint64(0))
	f.Add(change("", 1, "take", "main")+change("a", 1, "take", "main"), uint64(3))
	f.Fuzz(func(t *testing.T, text string, seq uint64) {
		attack.Cheap(t, func() {
			st := noteStore(maxChain)
			tip := chained(st, text)
			if tip == "" {
				return
			}
			links, err := st.links(tip, "")
			known := plan.Tip{Claim: plan.Claim{Seq: seq % plan.MaxSeq}}
			if err != nil || growing(links, known) != nil {
				return
			}
			seqs := map[string]uint64{}
			for _, l := range links {
				seqs[l.Tip.ID] = l.Tip.Seq
				if err := content.CheckClaim(l.Tip.Claim); err != nil {
					t.Errorf("a change that is no claim is believed: %v", err)
				}
			}
			for _, l := range links {
				for _, p := range l.Parents {
					if before, here := seqs[p]; here && l.Tip.Seq <= before {
						t.Errorf("seq %d follows %d", l.Tip.Seq, before)
					}
				}
			}
			if links[0].Tip.ID != tip {
				t.Errorf("the newest is %s, not %s", links[0].Tip.ID, tip)
			}
		})
	})
}
