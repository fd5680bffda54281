package etcd_test

import (
	"errors"
	"strings"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

const claimRef = "refs/mainstay/paris/claim/xivo"

func refused(t *testing.T, c *etcd.Client, want string) {
	t.Helper()
	l, err := c.ListPrimary(t.Context())
	if err == nil || len(l.Refs) > 0 || !strings.Contains(err.Error(), want) {
		t.Errorf("got %+v, %v, want %q", l, err, want)
	}
	p := plan.Push{Claim: plan.Claim{Seq: 1, Holder: "main", Node: "n", Instance: "i", Action: plan.Take}}
	if id, err := c.PushClaim(t.Context(), claimRef, p); err == nil {
		t.Errorf("pushed %s", id)
	}
}

// R13: two clusters that one address lists would each hand out every claim. However many
// of their members answer, neither is used.
func TestTwoClustersOfOneAddressAreNone(t *testing.T) {
	one, other := etcdserver.NewFake(1), etcdserver.NewFake(1)
	other.Snapshot()() // which is another cluster
	a, b := one.Serve(t), other.Serve(t)
	refused(t, opened(t, "etcd://"+a+","+b+"/voice"), "too few members")
	refused(t, opened(t, "etcd://"+a+",127.0.0.1:1/voice"), "too few members")
	refused(t, opened(t, "etcd://127.0.0.1:1,"+b+"/voice"), "too few members")
	if keys := append(one.Keys(""), other.Keys("")...); len(keys) > 0 {
		t.Errorf("written: %q", keys)
	}
	large, foreign := etcdserver.NewFake(3), etcdserver.NewFake(3)
	foreign.Snapshot()()
	refused(t, opened(t, "etcd://"+large.Serve(t)+","+foreign.Serve(t)+"/voice"), "is of cluster")
}

// R10: a cluster that began anew is not the one that was read: the read that finds out is
// no read, and the next one begins with whose it is.
func TestAnotherClusterInTheSamePlaceIsNotReadAsThisOne(t *testing.T) {
	f := etcdserver.NewFake(1)
	c := opened(t, "etcd://"+f.Serve(t)+"/voice")
	restore := f.Snapshot()
	f.Put("voice/head/paris/claim/xivo", commit)
	if l, err := c.ListPrimary(t.Context()); err != nil || l.Refs[claimRef] != commit {
		t.Fatalf("got %+v, %v", l, err)
	}
	restore()
	if l, err := c.ListPrimary(t.Context()); err == nil || len(l.Refs) > 0 {
		t.Errorf("the first read after it: %+v, %v", l, err)
	}
	if l, err := c.ListPrimary(t.Context()); err != nil || len(l.Refs) > 0 {
		t.Errorf("the next one: %+v, %v", l, err)
	}
}

// A head that names nothing we know of is damaged, and never a claim that is not there.
func TestAHeadThatNamesNoChangeIsDamagedAndNotFree(t *testing.T) {
	f := etcdserver.NewFake(1)
	c := opened(t, "etcd://"+f.Serve(t)+"/voice")
	for name, value := range map[string]string{"empty": "", "a word": "none", "a hash that is not there": commit, "large": strings.Repeat("e", 1<<20)} {
		f.Put("voice/head/paris/claim/xivo", value)
		l, err := c.ListPrimary(t.Context())
		at := l.Refs[claimRef]
		if err != nil || at == "" {
			t.Fatalf("%s: listed at %q, %v", name, at, err)
		}
		if r, err := c.Claim(t.Context(), claimRef, at, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
		if n := c.Notes(t.Context(), map[string]string{claimRef: at}); !errors.Is(n.Errors[claimRef], failure.ErrDamaged) {
			t.Errorf("%s: as one note: %+v", name, n)
		}
	}
	f.Put("voice/head/paris/other/\x1b[2J", commit)
	f.Put("voice/head/paris/claim/x y", commit)
	if l, err := c.ListPrimary(t.Context()); err != nil || len(l.Refs) != 1 {
		t.Errorf("keys that nobody of ours wrote: %+v, %v", l, err)
	}
}

// Too much is an error, and no smaller listing.
func TestAListingThatIsTooLargeIsNone(t *testing.T) {
	f := etcdserver.NewFake(1)
	c := opened(t, "etcd://"+f.Serve(t)+"/voice")
	for i := range 8 {
		f.Put("voice/head/paris/report/n"+string(rune('a'+i)), strings.Repeat("e", 1<<20))
	}
	if l, err := c.ListPrimary(t.Context()); !errors.Is(err, failure.ErrTooLarge) || len(l.Refs) > 0 {
		t.Errorf("got %d refs, %v", len(l.Refs), err)
	}
}
