//go:build e2e

package etcd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// guarded is a cluster with the users of examples/etcd, and the folder of their files.
func guarded(t *testing.T) (c *etcdserver.Cluster, users string) {
	t.Helper()
	c, users = etcdserver.New(t, 3), t.TempDir()
	script := exec.Command("sh", "../../examples/etcd/roles.sh", users, "voice", "paris", "xivo-main=xivo", "xivo-standby=xivo", "edge")
	script.Env = append(os.Environ(), "ETCDCTL_ENDPOINTS="+c.Members[0].At)
	for range 2 { // once more changes nothing
		again := exec.Command(script.Path, script.Args[1:]...)
		again.Env = script.Env
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	c.Control("user", "add", "root:"+strings.Repeat("r", 20))
	c.Control("user", "grant-role", "root", "root")
	c.Control("auth", "enable")
	return c, users
}

func as(t *testing.T, c *etcdserver.Cluster, users, node string) *etcd.Client {
	t.Helper()
	client, err := etcd.Open(etcd.Options{URL: c.URL("voice"), UserFile: filepath.Join(users, "mainstay-paris-"+node)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	client.Narrow("", "paris")
	return client
}

func claimOf(node string, seq uint64) plan.Claim {
	return plan.Claim{Seq: seq, Holder: "main", Node: node, Instance: "i", Action: plan.Take}
}

// A stolen key of the edge reads, and changes its own report and nothing else.
func TestAStolenKeyOfTheEdgeChangesNothingOnEtcd(t *testing.T) {
	attack.Row(t, "etcd with the roles of examples/etcd", "edge's stolen password seizes the claim, forges a report and erases both", "etcd refuses each")
	c, users := guarded(t)
	main, edge := as(t, c, users, "xivo-main"), as(t, c, users, "edge")
	first, err := main.PushClaim(t.Context(), claimRef, plan.Push{Claim: claimOf("xivo-main", 1)})
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"parent", "none"} {
		p := plan.Push{Parent: map[string]string{"parent": first}[what], Claim: claimOf("xivo-standby", 2)}
		if id, err := edge.PushClaim(t.Context(), claimRef, p); !errors.Is(err, failure.ErrRefused) {
			t.Errorf("a claim of %s: %s, %v", what, id, err)
		}
	}
	other := plan.Report{Deployment: "paris", Node: "xivo-main", Instance: "i", Status: plan.Inactive}
	if _, err := edge.PublishReport(t.Context(), git.ReportRef("paris", "xivo-main"), other, ""); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("another's report: %v", err)
	}
	own := plan.Report{Deployment: "paris", Node: "edge", Instance: "i", Status: plan.Active}
	if _, err := edge.PublishReport(t.Context(), git.ReportRef("paris", "edge"), own, ""); err != nil {
		t.Errorf("its own report: %v", err)
	}
	if l, err := edge.ListPrimary(t.Context()); err != nil || l.Refs[claimRef] != first {
		t.Errorf("it lists %+v, %v", l, err)
	}
	if err := edge.Try(t.Context(), claimRef); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("try: %v", err)
	}
	if err := main.Try(t.Context(), claimRef); err != nil {
		t.Errorf("main's try: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(users, "mainstay-paris-edge"))
	if err != nil {
		t.Fatal(err)
	}
	erase := exec.Command("etcdctl", "--endpoints", c.Members[0].At, "--user", strings.TrimSpace(string(b)), "del", "--prefix", "voice/")
	erase.Env = append(os.Environ(), "ETCDCTL_API=3")
	if out, err := erase.CombinedOutput(); err == nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("erase: %v: %s", err, out)
	}
}

// Whoever only reads writes nothing, and a wrong password or none is let in nowhere: that
// is an error, and no claim that is not there.
func TestWhoIsNotLetInByEtcdSeesNoEmptyPlace(t *testing.T) {
	c, users := guarded(t)
	if _, err := as(t, c, users, "reader").PushClaim(t.Context(), claimRef, plan.Push{Claim: claimOf("n", 1)}); !errors.Is(err, failure.ErrRefused) {
		t.Errorf("the reader: %v", err)
	}
	bad := filepath.Join(users, "mainstay-paris-bad")
	if err := os.WriteFile(bad, []byte("mainstay-paris-edge:wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*etcd.Client{"a wrong password": as(t, c, users, "bad"), "nobody": opened(t, c.URL("voice"))} {
		l, err := client.ListPrimary(t.Context())
		if err == nil || len(l.Refs) > 0 || strings.Contains(err.Error(), "wrong\n") {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
		t.Logf("%s: %v", name, err)
	}
}

// A token ends when its user is changed; the next one is asked for by itself.
func TestAPasswordOfEtcdIsRotatedWithoutARestart(t *testing.T) {
	c, users := guarded(t)
	main := as(t, c, users, "xivo-main")
	if _, err := main.ListPrimary(t.Context()); err != nil {
		t.Fatal(err)
	}
	root := "root:" + strings.Repeat("r", 20)
	change := exec.Command("etcdctl", "--endpoints", c.Members[0].At, "--user", root, "user", "passwd", "mainstay-paris-xivo-main", "--interactive=false")
	change.Env, change.Stdin = append(os.Environ(), "ETCDCTL_API=3"), strings.NewReader("another\n")
	if out, err := change.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(users, "mainstay-paris-xivo-main")
	if err := os.WriteFile(file, fmt.Appendln(nil, "mainstay-paris-xivo-main:another"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := main.ListPrimary(t.Context()); err != nil {
			t.Errorf("after it: %v", err)
		}
	}
}
