package git_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// large makes a bare repository of commits and files by git's fast importer.
func large(b *testing.B, commits, files int) (bare, tip string) {
	b.Helper()
	bare = gitserver.Bare(b)
	var in bytes.Buffer
	for i := range commits {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter test <test@example.org> %d +0000\ndata 1\nx\n", 1700000000+i)
		if i == 0 {
			for f := range files {
				text := strings.Repeat(fmt.Sprintf("line of file %d\n", f), 20)
				fmt.Fprintf(&in, "M 644 inline f%d/f%d\ndata %d\n%s\n", f%50, f, len(text), text)
			}
		}
		text := fmt.Sprintf("name: paris %d\n", i)
		fmt.Fprintf(&in, "M 644 inline deployment.yaml\ndata %d\n%s\n", len(text), text)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Env, cmd.Stdin = bare, gitserver.Env(), &in
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("fast-import: %v\n%s", err, out)
	}
	gitserver.Git(b, bare, "repack", "-adq")
	return bare, strings.TrimSpace(gitserver.Git(b, bare, "rev-parse", "main"))
}

// cpu is the processor time this process and its children have used.
func cpu(b *testing.B, who int) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the memory of this process, in MB, without what the runtime keeps
// for later.
func resident(b *testing.B) float64 {
	b.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

// heap is what is in use after a collection, in MB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// serveApart serves a repository by another process, so that this process's
// processor time and memory are the poller's alone.
func serveApart(b *testing.B, bare string) string {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), self)
	cmd.Env = append(os.Environ(), serveEnv+"="+bare)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	url := make([]byte, 200)
	n, err := out.Read(url)
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(string(url[:n]))
}

// serveUntilClosed is the other process: it says its address and serves until
// its input ends.
func serveUntilClosed(bare string) error {
	program, err := exec.LookPath("git")
	if err != nil {
		return err
	}
	s := httptest.NewServer(&cgi.Handler{
		Path: program, Args: []string{"http-backend"}, Root: "/repo.git", Env: append(gitserver.Env(),
			"GIT_PROJECT_ROOT="+bare, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true"),
	})
	defer s.Close()
	if _, err := fmt.Println(s.URL + "/repo.git"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// BenchmarkIdlePoll is one look at a repository where nothing moved, beside the
// same by git ls-remote.
func BenchmarkIdlePoll(b *testing.B) {
	bare, _ := large(b, 100, 20)
	url := serveApart(b, bare)
	b.Run("mainstay", func(b *testing.B) {
		r := open(b, git.Options{URL: url})
		listedOK(b, r)
		began := cpu(b, unix.RUSAGE_SELF)
		for b.Loop() {
			listedOK(b, r)
		}
		b.ReportMetric(float64(cpu(b, unix.RUSAGE_SELF)-began)/float64(b.N)/1e6, "cpu-ms/op")
	})
	b.Run("ls-remote", func(b *testing.B) {
		began := cpu(b, unix.RUSAGE_CHILDREN)
		for b.Loop() {
			gitserver.Git(b, "", "ls-remote", url)
		}
		b.ReportMetric(float64(cpu(b, unix.RUSAGE_CHILDREN)-began)/float64(b.N)/1e6, "cpu-ms/op")
	})
	b.Run("local path", func(b *testing.B) {
		r := open(b, git.Options{URL: bare})
		for b.Loop() {
			listedOK(b, r)
		}
	})
	b.Run("bytes", func(b *testing.B) { benchBytes(b, url, "") })
	foreignRefs(b, bare, 20_000, "refs/pull/%d/head")
	b.Run("bytes beside 20,000 foreign refs", func(b *testing.B) { benchBytes(b, url, "") })
	foreignRefs(b, bare, 8_000, "refs/mainstay/site-%d/report/a")
	b.Run("bytes beside 8,000 other deployments, all of them", func(b *testing.B) { benchBytes(b, url, "") })
	b.Run("bytes beside 8,000 other deployments", func(b *testing.B) { benchBytes(b, url, "paris") })
}

// benchBytes counts what one poll sends and receives.
func benchBytes(b *testing.B, url, deployment string) {
	relay, count := relayTo(b, url)
	r := open(b, git.Options{URL: relay})
	if deployment != "" {
		git.NewDocument(r, "main").Narrow(deployment)
	}
	listedOK(b, r) // the first one learns what the server can do
	count.bytes.Store(0)
	count.requests.Store(0)
	for b.Loop() {
		listedOK(b, r)
	}
	b.ReportMetric(float64(count.requests.Load())/float64(b.N), "requests/poll")
	b.ReportMetric(float64(count.bytes.Swap(0))/float64(b.N), "mainstay-bytes")
	gitserver.Git(b, "", "ls-remote", relay)
	b.ReportMetric(float64(count.bytes.Load()), "ls-remote-bytes")
}

// foreignRefs adds refs that are nobody's business here.
func foreignRefs(b *testing.B, bare string, n int, name string) {
	b.Helper()
	hash := strings.TrimSpace(gitserver.Git(b, bare, "rev-parse", "main"))
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "create "+name+" %s\n", i, hash)
	}
	cmd := exec.Command("git", "update-ref", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = bare, gitserver.Env(), strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("update-ref: %v\n%s", err, out)
	}
	gitserver.Git(b, bare, "pack-refs", "--all")
}

// relayTo counts what goes to a server and comes back.
func relayTo(b *testing.B, url string) (string, *traffic) {
	b.Helper()
	var address string
	count := &traffic{}
	target := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/repo.git")
	listen(b, &address, func(conn net.Conn) {
		server, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(counter{server, count, true}, conn)
			_ = server.Close()
		}()
		_, _ = io.Copy(counter{conn, count, false}, server)
	})
	return "http://" + address + "/repo.git", count
}

// traffic is what a relay passed on.
type traffic struct{ bytes, requests atomic.Int64 }

type counter struct {
	io.Writer
	n     *traffic
	asked bool // this is what the client says
}

func (c counter) Write(p []byte) (int, error) {
	c.n.bytes.Add(int64(len(p)))
	if c.asked {
		c.n.requests.Add(int64(bytes.Count(p, []byte(" HTTP/1.1\r\n"))))
	}
	return c.Writer.Write(p)
}

func listedOK(b *testing.B, r *git.Remote) {
	if _, err := r.List(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMemory prints this process's memory after 100 and after 10,000 polls
// of a repository of 10,000 commits and 2,000 files, with a revision read every
// hundredth time.
func BenchmarkMemory(b *testing.B) {
	bare, tip := large(b, 10_000, 2_000)
	r := open(b, git.Options{URL: serveApart(b, bare)})
	for b.Loop() {
		for poll := 1; poll <= 10_000; poll++ {
			listedOK(b, r)
			if poll%100 == 1 {
				if _, err := r.Revision(b.Context(), "main", tip, ""); err != nil {
					b.Fatal(err)
				}
			}
			if poll == 100 || poll == 10_000 {
				b.ReportMetric(resident(b), fmt.Sprintf("MB-resident@%d", poll))
				b.ReportMetric(heap(), fmt.Sprintf("MB-heap@%d", poll))
			}
		}
	}
}

// BenchmarkRevision is reading one commit of a large repository: new on a node,
// one commit on, and after the whole history was rewritten.
func BenchmarkRevision(b *testing.B) {
	bare, tip := large(b, 10_000, 2_000)
	r := open(b, git.Options{URL: serveApart(b, bare), Timeout: time.Minute})
	parent := strings.TrimSpace(gitserver.Git(b, bare, "rev-parse", "main~1"))
	for name, accepted := range map[string]string{"first": "", "next": parent, "rewound": strings.Repeat("e", 40)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Revision(b.Context(), "main", tip, accepted); (err == nil) == (name == "rewound") {
					b.Fatal(err)
				}
			}
			b.ReportMetric(resident(b), "MB-resident")
		})
	}
}

// BenchmarkClaim is one change of a claim, and reading it.
func BenchmarkClaim(b *testing.B) {
	for name, serve := range map[string]func(bare string) string{
		"http": func(bare string) string { return serveApart(b, bare) },
		"path": func(bare string) string { return bare },
	} {
		b.Run(name, func(b *testing.B) {
			r := open(b, git.Options{URL: serve(gitserver.Bare(b))})
			var known plan.Tip
			for b.Loop() {
				c := claim(known.Seq+1, plan.Renew, spec.Main, "xivo-main")
				id, err := r.PushClaim(b.Context(), claimRef, plan.Push{Parent: known.ID, Claim: c})
				if err != nil {
					b.Fatal(err)
				}
				read, err := r.Claim(b.Context(), claimRef, id, known)
				if err != nil {
					b.Fatal(err)
				}
				known = read.Tip
			}
		})
	}
}
