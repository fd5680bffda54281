package plan

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// R12: a side that takes the claim may serve from there on, so the proof of its own
// rest ends; what is known of the other side stays.
func TestATakerIsNotProvenDown(t *testing.T) {
	both := Down{Main: Proof{By: ByRelease, Seq: 2}, Standby: Proof{By: ByRelease, Seq: 4}}
	tip := Tip{ID: "t4", Claim: Claim{Seq: 4, Holder: HeldByNone, Action: Release, Down: both}}
	next := Next(tip, Claim{Action: Take, Holder: "main", Guarantee: Released})
	if want := (Down{Standby: both.Standby}); next.Down != want {
		t.Errorf("proven down: %+v", next.Down)
	}
}

// R12: a presumption, a person's word and a fencing are no observation of the other
// side, so they leave no proof of it, nor keep one.
func TestNobodySawWhomOneOnlyPresumesDown(t *testing.T) {
	tip := Tip{ID: "t4", Claim: Claim{Seq: 4, Holder: "standby", Down: Down{Standby: Proof{By: ByRelease, Seq: 2}}}}
	for _, g := range []Guarantee{Presumed, Attested, Fenced} {
		if next := Next(tip, Claim{Action: Seize, Holder: "main", Guarantee: g}); next.Down != (Down{}) {
			t.Errorf("%s leaves %+v", g, next.Down)
		}
	}
}

// R12: a machine tells of itself alone. One that takes the place of another, which
// nobody saw down, does not prove by its own release that the side is down, until a
// person says that the older one is gone.
func TestAMachineTellsOfItselfAlone(t *testing.T) { // README: released
	tip := Tip{ID: "t1", Claim: Claim{Seq: 1, Holder: "main", Instance: "old", Last: Last{Main: "old"}}}
	for _, c := range []Claim{
		{Action: Seize, Holder: "standby", Instance: "s", Guarantee: Attested},
		{Action: Release, Instance: "s"},
		{Action: Take, Holder: "main", Instance: "new", Guarantee: Released},
	} {
		tip = Tip{ID: tip.ID + "'", Claim: Next(tip, c)}
	}
	if tip.Last.Main != Several || !tip.Unseen() {
		t.Errorf("both may serve: %+v", tip.Last)
	}
	if next := Next(tip, Claim{Action: Release, Instance: "new"}); next.Down.Main != (Proof{}) {
		t.Errorf("the new machine proves the old one down: %+v", next.Down.Main)
	}
	tip = Tip{ID: "adopted", Claim: Next(tip, Claim{Action: Adopt, Holder: "main", Instance: "new"})}
	if next := Next(tip, Claim{Action: Release, Instance: "new"}); next.Down.Main.By != ByRelease || tip.Unseen() {
		t.Errorf("after a person's word it speaks for the side: %+v", next.Down.Main)
	}
}

// R12: a machine that was seen down leaves its place to the one that follows.
func TestAMachineThatWasSeenDownLeavesItsPlace(t *testing.T) {
	tip := Tip{ID: "t1", Claim: Claim{Seq: 1, Holder: "main", Instance: "old"}}
	tip = Tip{ID: "t2", Claim: Next(tip, Claim{Action: Release, Instance: "old"})}
	if next := Next(tip, Claim{Action: Take, Holder: "main", Instance: "new", Guarantee: Released}); next.Last.Main != "new" {
		t.Errorf("the place of main: %+v", next.Last)
	}
}

// R4: whoever reads of a guarantee finds in the README what it rests on, what no rule
// can see, and tests that are there and cite that row.
func TestTheReadmeSaysWhatEachGuaranteeRestsOn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	cites := citingTests(t, filepath.Join("..", ".."))
	for _, g := range []Guarantee{Released, Lease, Fenced, Attested, Presumed} {
		var row []string
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(strings.TrimSpace(line), "| `"+string(g)+"` |") {
				row = strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			}
		}
		if len(row) != 5 || slices.ContainsFunc(row, func(cell string) bool { return strings.TrimSpace(cell) == "" }) {
			t.Errorf("%s: the README says %q", g, row)
			continue
		}
		var named []string
		for name := range strings.SplitSeq(row[4], ",") {
			named = append(named, strings.Trim(name, " `"))
		}
		slices.Sort(named)
		if !slices.Equal(named, cites[g]) {
			t.Errorf("%s: the README names the tests %q, and these cite it: %q", g, named, cites[g])
		}
	}
}

var citing = regexp.MustCompile(`(?m)^func (Test\w+)\(.* README: (\w+)$`)

// citingTests are the tests of the tree that cite a row of the README's table, in order.
func citingTests(t *testing.T, root string) map[Guarantee][]string {
	t.Helper()
	cites := map[Guarantee][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range citing.FindAllStringSubmatch(string(source), -1) {
			cites[Guarantee(m[2])] = append(cites[Guarantee(m[2])], m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range cites {
		slices.Sort(names)
	}
	return cites
}
