package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
)

// numbered is change n of a chain.
func numbered(n int) Link {
	return Link{Tip: plan.Tip{ID: fmt.Sprintf("%040d", n)}, Parents: []string{fmt.Sprintf("%040d", n-1)}}
}

// R10: all changes are kept in their order, whichever file they are in, and a change seldom
// writes more than the newest ones.
func TestAChainGrowsInASmallFileAndIsKeptWhole(t *testing.T) {
	disk, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const changes = 3 * mostNewest
	var before os.FileInfo
	rewritten := 0
	for n := 1; n <= changes; n++ {
		if err := NewChainStore(disk).Extend("c", ClaimChain{Links: []Link{numbered(n)}}); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(disk.Dir(), "chain*"))
		info, err := os.Stat(strings.Join(files, ""))
		if err != nil {
			t.Fatal(err)
		}
		if before == nil || !os.SameFile(before, info) {
			rewritten++
		}
		before = info
		kept, err := NewChainStore(disk).load("c")
		if err != nil || len(kept.Links) != n || kept.Links[0].Tip.ID != numbered(n).Tip.ID || kept.Links[n-1].Tip.ID != numbered(1).Tip.ID {
			t.Fatalf("after %d changes %d are kept, the newest %s: %v", n, len(kept.Links), kept.Links[0].Tip.ID, err)
		}
	}
	if rewritten > 1+changes/(mostNewest-1) {
		t.Errorf("the large file was written %d times in %d changes", rewritten, changes)
	}
}

// A machine that dies between the two files has the large one with the newest change.
func TestAChainIsKeptWholeWhenTheMachineDiesBetweenItsFiles(t *testing.T) {
	disk, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := NewChainStore(disk)
	for n := 1; n <= 3; n++ {
		if err := c.Extend("c", ClaimChain{Links: []Link{numbered(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.Save(chainName("c"), chain{"c", []Link{numbered(5), numbered(4), numbered(3), numbered(2), numbered(1)}}); err != nil {
		t.Fatal(err)
	}
	if tip, err := c.Tip("c"); err != nil || tip.ID != numbered(5).Tip.ID {
		t.Errorf("the newest is %s: %v", tip.ID, err)
	}
	if err := c.Extend("c", ClaimChain{Links: []Link{numbered(6)}}); err != nil {
		t.Fatal(err)
	}
	if kept, err := c.load("c"); err != nil || len(kept.Links) != 6 || kept.Links[0].Tip.ID != numbered(6).Tip.ID {
		t.Errorf("%d are kept: %v", len(kept.Links), err)
	}
}
