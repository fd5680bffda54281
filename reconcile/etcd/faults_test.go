//go:build e2e

package etcd_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// R10: etcd is restored from a snapshot of before the switch. Whoever serves goes on,
// nobody else starts, and the claim is put back to what the nodes know.
func TestAgentsPutTheClaimBackWhenEtcdIsRestoredFromAnOldSnapshot(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	s.begin()
	old := filepath.Join(t.TempDir(), "snapshot")
	s.cluster.Save(old)
	s.handsOver("standby")
	s.standby.until("told of", func() bool { return strings.Contains(s.standby.says(), "Active") })
	client := opened(t, s.url)
	before := claimAt(t, client)
	pid := s.standby.serves()
	s.cluster.Restore(old)
	s.watchedUntil("put back", func() bool {
		l, err := client.ListPrimary(t.Context())
		return err == nil && l.Refs[claimRef] == before
	})
	if s.standby.serves() != pid || s.main.serves() > 0 {
		t.Errorf("standby serves as %d, was %d; main as %d", s.standby.serves(), pid, s.main.serves())
	}
	s.handsOver("main")
}

func claimAt(t *testing.T, c git.Place) string {
	t.Helper()
	l, err := c.ListPrimary(t.Context())
	if err != nil || l.Refs[claimRef] == "" {
		t.Fatalf("got %+v, %v", l, err)
	}
	return l.Refs[claimRef]
}

// A cluster that is full takes no change, says so, and is read on.
func TestAFullEtcdRefusesChangesAndIsReadOn(t *testing.T) {
	c := etcdserver.New(t, 3, "--quota-backend-bytes", strconv.Itoa(2<<20))
	client := opened(t, c.URL("voice"))
	first, err := client.PushClaim(t.Context(), claimRef, plan.Push{Claim: claimOf("n", 1)})
	if err != nil {
		t.Fatal(err)
	}
	fill := members{t, c, ""}
	for i := range 20 {
		if c.Members[0].Ask("/v3/kv/put", `{"key":"`+fill.key("fill"+strconv.Itoa(i))+`","value":"`+strings.Repeat("eHh4", 100_000)+`"}`, nil) != nil {
			break
		}
	}
	id, err := client.PushClaim(t.Context(), claimRef, plan.Push{Parent: first, Claim: claimOf("n", 2)})
	var told *failure.Error
	if !errors.Is(err, failure.ErrRefused) || !errors.As(err, &told) || !strings.Contains(told.Hint(), "defragment") {
		t.Errorf("a change: %s, %v", id, err)
	}
	if at := claimAt(t, client); at != first {
		t.Errorf("listed at %s, want %s", at, first)
	}
	alarms := 0
	for _, m := range client.Members(t.Context()) {
		alarms += len(m.Alarms)
	}
	if alarms == 0 {
		t.Error("no member raises an alarm")
	}
}

// Compaction under a watch costs it nothing: it asks for nothing older than now.
func TestCompactionOfEtcdUnderAWatchLosesNoNews(t *testing.T) {
	c := etcdserver.New(t, 3)
	client, l := listen(t, c.URL("voice"), "paris")
	l.hears("the beginning", etcd.News{Began: true})
	for i := range uint64(5) {
		parent := ""
		if i > 0 {
			parent = claimAt(t, client)
		}
		if _, err := client.PushClaim(t.Context(), claimRef, plan.Push{Parent: parent, Claim: claimOf("n", i+1)}); err != nil {
			t.Fatal(err)
		}
		l.hears("a change", etcd.News{Claims: true})
		var now struct {
			Header struct{ Revision string } `json:"header"`
		}
		if err := c.Members[0].Ask("/v3/kv/range", `{"key":"AA=="}`, &now); err != nil {
			t.Fatal(err)
		}
		c.Control("compact", now.Header.Revision)
		l.quiet()
	}
	if changes, err := client.Chain(t.Context(), claimRef, claimAt(t, client), 0); err != nil || len(changes) != 5 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}

// R7: a member that hangs, and one that is cut off from the majority, answer nothing that
// counts. The first is passed over, and without a majority a read is no read.
func TestAMemberOfEtcdThatIsCutOffAnswersNothingThatCounts(t *testing.T) {
	c := etcdserver.New(t, 3)
	client := opened(t, c.URL("voice"))
	first, err := client.PushClaim(t.Context(), claimRef, plan.Push{Claim: claimOf("n", 1)})
	if err != nil {
		t.Fatal(err)
	}
	c.Pause(c.Members[0])
	if at := claimAt(t, client); at != first {
		t.Errorf("with one that hangs: listed at %s", at)
	}
	second, err := client.PushClaim(t.Context(), claimRef, plan.Push{Parent: first, Claim: claimOf("n", 2)})
	if err != nil {
		t.Errorf("with one that hangs: %v", err)
	}
	c.Pause(c.Members[1]) // the third is alone now, and knows the claim
	if l, err := client.ListPrimary(t.Context()); err == nil || len(l.Refs) > 0 {
		t.Errorf("of the minority: %+v, %v", l, err)
	}
	if id, err := client.PushClaim(t.Context(), claimRef, plan.Push{Parent: second, Claim: claimOf("n", 3)}); !errors.Is(err, failure.ErrUnknown) {
		t.Errorf("a change to the minority: %s, %v", id, err)
	}
	c.Resume(c.Members[0])
	c.Resume(c.Members[1])
	c.Ready()
	if at := claimAt(t, client); at == first {
		t.Errorf("listed at %s again", at)
	}
}
