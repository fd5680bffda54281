package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// link is a change with its parents.
func link(id string, parents ...string) Link {
	return Link{Tip: plan.Tip{ID: id}, Parents: parents}
}

// numberedTo are the changes from one down to another one.
func numberedTo(from, to int) (links []Link) {
	for n := from; n >= to; n-- {
		links = append(links, numbered(n))
	}
	return links
}

// A machine that dies, or a disk that refuses, before any file is written leaves the change of
// before as the newest, with all its own before it, and later the new one.
func TestAChainIsKeptWholeWhenTheMachineDiesBetweenItsFiles(t *testing.T) {
	rooted := []Link{link("r2", "r1"), link("r1", "somewhere else")}
	for name, k := range map[string]struct {
		before int
		read   []Link
		all    int // what is remembered afterwards
	}{
		"the small file grows":            {3, numberedTo(5, 4), 5},
		"the small file is full":          {mostNewest, numberedTo(mostNewest+2, mostNewest+1), mostNewest + 2},
		"a long read":                     {2, numberedTo(2*mostNewest, 3), 2 * mostNewest},
		"a read that does not touch":      {3, rooted, 2},
		"the same with a small file full": {mostNewest, rooted, 2},
		"the first read":                  {0, rooted, 2},
	} {
		for writes := range 4 {
			disk, err := state.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n <= k.before; n++ {
				if err := NewChainStore(disk).Extend("c", ClaimChain{Links: []Link{numbered(n)}}); err != nil {
					t.Fatal(err)
				}
			}
			dies, left := NewChainStore(disk), writes
			dies.save = func(name string, v any) error {
				if left--; left < 0 {
					return syscall.EIO
				}
				return disk.Save(name, v)
			}
			if err := dies.Extend("c", ClaimChain{Links: k.read}); err == nil && writes == 0 {
				t.Fatalf("%s: nothing was written, and nothing is said", name)
			}
			want, all := k.read[0].Tip.ID, k.all
			if writes == 0 {
				want, all = numbered(k.before).Tip.ID, k.before
			}
			kept, err := NewChainStore(disk).load("c")
			if err != nil || len(kept.Links) != all || all > 0 && kept.Links[0].Tip.ID != want {
				t.Fatalf("%s: after %d writes %d are kept, not %d: %v", name, writes, len(kept.Links), all, err)
			}
			for i := 1; i < len(kept.Links); i++ {
				if newer, older := kept.Links[i-1], kept.Links[i]; newer.Parents[0] != older.Tip.ID {
					t.Errorf("%s: after %d writes %s does not go on from %s", name, writes, newer.Tip.ID, older.Tip.ID)
				}
			}
			next := link("next", want)
			if err := NewChainStore(disk).Extend("c", ClaimChain{Links: []Link{next}}); err != nil {
				t.Fatal(err)
			}
			if kept, err := NewChainStore(disk).load("c"); err != nil || len(kept.Links) != all+1 || kept.Links[0].Tip.ID != "next" {
				t.Errorf("%s: after %d writes and the next change %d are kept: %v", name, writes, len(kept.Links), err)
			}
		}
	}
}

// What is left of a chain whose newest changes the disk lost is never told as the newest.
func TestAChainWithoutItsNewestChangesIsNotTheNewest(t *testing.T) {
	const changes = mostNewest + mostNewest/2
	for name, damage := range map[string]func(file string) error{
		"damaged": func(file string) error { return os.WriteFile(file, []byte("bad"), 0o600) },
		"gone":    os.Remove,
	} {
		disk, err := state.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		c := NewChainStore(disk)
		for n := 1; n <= changes; n++ {
			if err := c.Extend("c", ClaimChain{Links: []Link{numbered(n)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := damage(state.File(disk.Dir(), newestName("c"))); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if tip, err := NewChainStore(disk).Tip("c"); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("%s: %s counts as the newest: %v", name, tip.ID, err)
			}
			if _, _, err := NewChainStore(disk).Missing("c", numbered(1).Tip.ID); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("%s: what is missing is told: %v", name, err)
			}
		}
		if err := c.Extend("c", ClaimChain{Links: numberedTo(changes+1, changes)}); err != nil {
			t.Fatal(err)
		}
		if tip, err := c.Tip("c"); err != nil || tip.ID != numbered(changes+1).Tip.ID {
			t.Errorf("%s: after the next change the newest is %s: %v", name, tip.ID, err)
		}
	}
}

// A claim that went back is looked at again and again: why nothing that was kept of it can put
// it back is said each time, not only to who finds the damage.
func TestAChainOfWhichAllWasDamagedIsNotOneThatNeverWas(t *testing.T) {
	disk, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := NewChainStore(disk)
	if _, err := c.Tip("c"); err != nil {
		t.Errorf("nothing was kept: %v", err)
	}
	if err := c.Extend("c", ClaimChain{Links: []Link{numbered(1)}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{chainName("c"), newestName("c")} {
		if err := os.WriteFile(state.File(disk.Dir(), name), []byte("bad"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if tip, err := NewChainStore(disk).Tip("c"); !errors.Is(err, state.ErrDamaged) {
			t.Errorf("%s is kept: %v", tip.ID, err)
		}
	}
	if err := c.Extend("c", ClaimChain{Links: []Link{numbered(2)}}); err != nil && !errors.Is(err, state.ErrDamaged) {
		t.Fatal(err)
	}
	if tip, err := c.Tip("c"); err != nil || tip.ID != numbered(2).Tip.ID {
		t.Errorf("after the next change the newest is %s: %v", tip.ID, err)
	}
}
