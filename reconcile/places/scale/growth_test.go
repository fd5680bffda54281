//go:build e2e

package scale

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// BenchmarkSwitchesOfYears prints how the claim of one role grows over 10,000 switches in git,
// which packs it after every 1,000, and on etcd.
func BenchmarkSwitchesOfYears(b *testing.B) {
	const switches, batch = 10_000, 1000
	bare := gitserver.Bare(b)
	gitserver.Git(b, bare, "config", "gc.auto", "0") // it would tidy at moments of its own
	remote, err := git.Open(git.Options{URL: bare})
	if err != nil {
		b.Fatal(err)
	}
	c := etcdserver.New(b, 3)
	cluster, err := etcd.Open(etcd.Options{URL: c.URL("growth")})
	if err != nil {
		b.Fatal(err)
	}
	cluster.Narrow("", "paris")
	fmt.Println("| switches | git: a change | files before `git gc` | MB before | MB after | the whole chain, read anew | a listing | etcd: a change | MB of a member |\n|---|---|---|---|---|---|---|---|---|")
	ref := plan.ClaimRef("paris", "xivo")
	inGit, onEtcd := &chain{place: remote, ref: ref}, &chain{place: cluster, ref: ref}
	for done := batch; done <= switches; done += batch {
		each := inGit.grow(b, 2*batch)
		files, before := sizeOf(b, filepath.Join(bare, "objects"))
		gitserver.Git(b, bare, "gc", "--quiet", "--prune=now")
		_, after := sizeOf(b, filepath.Join(bare, "objects"))
		read, list := inGit.read(b)
		eachOnEtcd := onEtcd.grow(b, 2*batch)
		fmt.Printf("| %d | %s | %d | %.1f | %.1f | %s | %s | %s | %.1f |\n", done, ms(each), files, mb(before), mb(after), ms(read), ms(list),
			ms(eachOnEtcd), mb(c.Size(b)))
	}
}

// chain is a claim that changes.
type chain struct {
	place git.Place
	ref   string
	id    string
	seq   uint64
}

// grow makes the claim change so often, and returns how long each change took in the middle.
func (c *chain) grow(b *testing.B, changes int) time.Duration {
	b.Helper()
	var took []time.Duration
	for range changes {
		c.seq++
		side, action := []spec.Side{spec.Main, spec.Standby}[c.seq/2%2], plan.Take
		holder := plan.Holder(side)
		if c.seq%2 == 0 {
			holder, action = plan.HeldByNone, plan.Release
		}
		began := time.Now()
		id, err := c.place.PushClaim(b.Context(), c.ref, plan.Push{Parent: c.id, Rule: "R3", Claim: plan.Claim{
			Seq: c.seq, Holder: holder, Node: "xivo-" + string(side), Instance: strings.Repeat("a", 32), Run: strings.Repeat("b", 16), Action: action,
			Commit: strings.Repeat("c", 40), Document: strings.Repeat("d", 64), Reason: "the other side is ready to take over", At: began}})
		if err != nil {
			b.Fatalf("change %d: %v", c.seq, err)
		}
		c.id, took = id, append(took, time.Since(began))
	}
	return at(took, 50)
}

// read is how long a node takes that never saw the claim, and one listing.
func (c *chain) read(b *testing.B) (whole, list time.Duration) {
	b.Helper()
	began := time.Now()
	l, err := c.place.ListPrimary(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	list = time.Since(began)
	began = time.Now()
	if _, err := c.place.Claim(b.Context(), c.ref, l.Refs[c.ref], plan.Tip{}); err != nil {
		b.Fatal(err)
	}
	return time.Since(began), list
}

// BenchmarkReportsOfYears prints how a repository grows by 1,000,000 reports, whose refs are
// replaced, with and without what tidies it.
func BenchmarkReportsOfYears(b *testing.B) {
	fmt.Println("| reports | git: files | MB | after `git gc --prune=now`: files | MB | which took |\n|---|---|---|---|---|---|")
	pushed(b, 2000)
	const all, batch = 1_000_000, 100_000
	bare := gitserver.Bare(b)
	for done := batch; done <= all; done += batch {
		imported(b, bare, done-batch, batch)
		files, size := sizeOf(b, filepath.Join(bare, "objects"))
		began := time.Now()
		gitserver.Git(b, bare, "gc", "--quiet", "--prune=now")
		took := time.Since(began)
		left, after := sizeOf(b, filepath.Join(bare, "objects"))
		fmt.Printf("| %d, packed as they came | %d | %.1f | %d | %.1f | %.1f s |\n", done, files, mb(size), left, mb(after), took.Seconds())
	}
}

// pushed is reports as nodes push them, each in files of its own.
func pushed(b *testing.B, reports int) {
	b.Helper()
	bare := gitserver.Bare(b)
	gitserver.Git(b, bare, "config", "gc.auto", "0")
	r, err := git.Open(git.Options{URL: bare})
	if err != nil {
		b.Fatal(err)
	}
	last := ""
	for i := range reports {
		one := report(time.Unix(1_800_000_000+int64(i), 0))
		one.Reason = fmt.Sprintf("report %d", i)
		if last, err = r.PublishReport(b.Context(), plan.ReportRef("site0", "a"), one, last); err != nil {
			b.Fatal(err)
		}
	}
	files, size := sizeOf(b, filepath.Join(bare, "objects"))
	began := time.Now()
	gitserver.Git(b, bare, "gc", "--quiet", "--prune=now")
	took := time.Since(began)
	left, after := sizeOf(b, filepath.Join(bare, "objects"))
	fmt.Printf("| %d, pushed one by one | %d | %.1f | %d | %.1f | %.1f s |\n", reports, files, mb(size), left, mb(after), took.Seconds())
}

// imported puts reports in by git's fast importer, of a thousand nodes in turn.
func imported(b *testing.B, bare string, from, reports int) {
	b.Helper()
	var in bytes.Buffer
	for i := from; i < from+reports; i++ {
		ref := fmt.Sprintf("refs/mainstay/site%d/report/a", i%1000)
		text := fmt.Sprintf(`{"deployment":"site%d","node":"a","role":"xivo","status":"Active","reason":"report %d","beat":%d}`+"\n", i%1000, i, i)
		fmt.Fprintf(&in, "reset %s\ncommit %s\ncommitter a <a@mainstay> %d +0000\ndata 9\na: Active\nM 100644 inline report.json\ndata %d\n%s\n",
			ref, ref, 1_800_000_000+i, len(text), text)
	}
	cmd := exec.CommandContext(b.Context(), "git", "fast-import", "--quiet", "--force")
	cmd.Dir, cmd.Env, cmd.Stdin = bare, gitserver.Env(), &in
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("fast-import: %v\n%s", err, out)
	}
}

// BenchmarkReportsOnEtcd prints how a member of etcd grows by reports of a thousand nodes, and
// what compaction and defragmentation leave.
func BenchmarkReportsOnEtcd(b *testing.B) {
	const all, batch, nodes = 200_000, 50_000, 20
	c := etcdserver.New(b, 3)
	fmt.Println("| reports | one takes | MB of a member | after compaction and defragmentation |\n|---|---|---|---|")
	var writers []*writer
	for i := range nodes {
		cluster, err := etcd.Open(etcd.Options{URL: c.URL("growth")})
		if err != nil {
			b.Fatal(err)
		}
		writers = append(writers, &writer{place: cluster, deployment: fmt.Sprintf("site%d", i)})
	}
	for done := batch; done <= all; done += batch {
		var took []time.Duration
		results := make(chan result, nodes)
		for _, w := range writers {
			go func() { results <- w.write(b.Context(), batch/nodes) }()
		}
		for range writers {
			r := <-results
			if r.err != nil {
				b.Fatal(r.err)
			}
			took = append(took, r.middle)
		}
		before := c.Size(b)
		c.Compact(b)
		fmt.Printf("| %d | %s | %.1f | %.1f |\n", done, ms(at(took, 50)), mb(before), mb(c.Size(b)))
	}
}

// writer is a node that publishes reports, one after the other.
type writer struct {
	place      git.Place
	deployment string
	last       string
}

type result struct {
	middle time.Duration
	err    error
}

func (w *writer) write(ctx context.Context, reports int) result {
	var took []time.Duration
	for range reports {
		began := time.Now()
		one := report(began)
		one.Deployment = w.deployment
		id, err := w.place.PublishReport(ctx, plan.ReportRef(w.deployment, "a"), one, w.last)
		if err != nil {
			return result{err: err}
		}
		w.last, took = id, append(took, time.Since(began))
	}
	return result{middle: at(took, 50)}
}

// sizeOf is how many files a folder holds, and what they need on disk, in bytes.
func sizeOf(b *testing.B, folder string) (files int, size int64) {
	b.Helper()
	err := filepath.WalkDir(folder, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			const block = 4096
			files, size = files+1, size+(info.Size()+block-1)/block*block
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return files, size
}

func mb(n int64) float64 { return float64(n) / (1 << 20) }

// BenchmarkNews prints how long it takes until ever more nodes that listen to etcd have heard
// of a commit, while each of them asks git once a minute.
func BenchmarkNews(b *testing.B) {
	c := etcdserver.New(b, 3)
	fmt.Println("| nodes that listen | half have heard after | the last after | MB of a member |\n|---|---|---|---|")
	for _, nodes := range []int{10, 100, 1000, 3000} {
		half, last := hear(b, c, nodes)
		fmt.Printf("| %d | %s | %s | %.0f |\n", nodes, ms(half), ms(last), float64(c.Resident(b))/1024)
	}
}

// hear is how long it took until half of the nodes had heard of a commit, and all of them; the
// middle of nine times.
func hear(b *testing.B, c *etcdserver.Cluster, nodes int) (half, last time.Duration) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	deployment := fmt.Sprintf("site%d", nodes)
	heard, began := make(chan time.Time, nodes), make(chan bool, nodes)
	ended := make(chan bool, nodes)
	for range nodes {
		one, err := etcd.Open(etcd.Options{URL: c.URL("news")})
		if err != nil {
			b.Fatal(err)
		}
		one.Narrow("", deployment)
		go func() {
			defer func() { one.Close(); ended <- true }()
			one.Watch(ctx, func(n etcd.News) {
				if n.Began {
					began <- true
				} else if n.Commit != "" {
					heard <- time.Now()
				}
			})
		}()
	}
	for range nodes {
		<-began
	}
	teller, err := etcd.Open(etcd.Options{URL: c.URL("news")})
	if err != nil {
		b.Fatal(err)
	}
	teller.Narrow("", deployment)
	var halves, lasts []time.Duration
	for i := range 9 {
		sleepUntil(ctx, time.Now().Add(time.Second)) // what is told too often is passed on later
		at := time.Now()
		if err := teller.Tell(ctx, fmt.Sprintf("%040x", i+1)); err != nil {
			b.Fatal(err)
		}
		var took time.Duration
		for n := range nodes {
			if took = (<-heard).Sub(at); n == nodes/2 {
				halves = append(halves, took)
			}
		}
		lasts = append(lasts, took)
	}
	cancel()
	for range nodes {
		<-ended
	}
	return at(halves, 50), at(lasts, 50)
}
