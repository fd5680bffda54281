package kept

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func orders(t *testing.T) *Orders {
	t.Helper()
	o, err := OpenOrders(filepath.Join(t.TempDir(), "orders"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func order(c string, at time.Time) Order {
	return Order{Commit: strings.Repeat(c, 40), Branch: "b", At: at, State: Waits}
}

func TestOrdersOutliveThePage(t *testing.T) {
	o := orders(t)
	for _, one := range []Order{order("b", noon().Add(time.Hour)), order("a", noon())} {
		if err := o.Put(one); err != nil {
			t.Fatal(err)
		}
	}
	again, err := OpenOrders(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := again.All()
	if err != nil || len(all) != 2 || all[0] != order("a", noon()) || all[1].Commit[0] != 'b' {
		t.Errorf("%+v %v", all, err)
	}
}

// Of any number of pages exactly one takes an order in hand, and none does so again.
func TestAnOrderIsTakenInHandOnce(t *testing.T) {
	o := orders(t)
	commit := order("a", noon()).Commit
	if o.Taken(commit) {
		t.Error("it is taken already")
	}
	var wg sync.WaitGroup
	won := make(chan bool, 20)
	for range cap(won) {
		wg.Go(func() {
			again, err := OpenOrders(o.dir)
			if err != nil {
				t.Error(err)
				return
			}
			ok, err := again.Take(commit)
			if err != nil {
				t.Error(err)
			}
			won <- ok
		})
	}
	wg.Wait()
	n := 0
	for range cap(won) {
		if <-won {
			n++
		}
	}
	if n != 1 || !o.Taken(commit) {
		t.Errorf("%d took it", n)
	}
}

// What is no order, or one under another name, orders nothing; the others stay.
func TestAFileThatIsNoOrderOrdersNothing(t *testing.T) {
	o := orders(t)
	if err := o.Put(order("a", noon())); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(o.file(order("a", noon()).Commit, ".json"))
	if err != nil {
		t.Fatal(err)
	}
	b, c := strings.Repeat("b", 40), strings.Repeat("c", 40)
	for name, text := range map[string]string{b + ".json": string(good), c + ".json": "{", "x.json": string(good), b + ".taken": ""} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(o.file(order("a", noon()).Commit, ".json"), filepath.Join(o.dir, strings.Repeat("d", 40)+".json")); err != nil {
		t.Fatal(err)
	}
	all, err := o.All()
	if err == nil || len(all) != 1 || all[0].Commit != strings.Repeat("a", 40) {
		t.Errorf("%+v %v", all, err)
	}
	for _, bad := range []string{"", "../x", "--all", strings.Repeat("A", 40)} {
		if o.Put(Order{Commit: bad}) == nil {
			t.Errorf("%q is kept", bad)
		}
		if ok, err := o.Take(bad); ok || err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAFolderThatOthersWriteToIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenOrders(dir); err == nil {
		t.Error("it is taken")
	}
}

func TestOrdersThatEndedAreForgotten(t *testing.T) {
	o := orders(t)
	old, fresh, waits := order("a", noon()), order("b", noon()), order("c", noon())
	old.State, old.Ended = Done, noon()
	fresh.State, fresh.Ended = Missed, noon().Add(3*24*time.Hour)
	for _, one := range []Order{old, fresh, waits} {
		if err := o.Put(one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Take(old.Commit); err != nil {
		t.Fatal(err)
	}
	all, err := o.All()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Clear(all, noon().Add(4*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if all, err = o.All(); err != nil || len(all) != 2 || o.Taken(old.Commit) {
		t.Errorf("%+v %v", all, err)
	}
}
