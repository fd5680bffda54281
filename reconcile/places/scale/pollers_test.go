//go:build e2e

package scale

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/hosts"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
)

func TestMain(m *testing.M) { os.Exit(hosts.Main(m, hosts.Bookworm)) }

// server is a git host, whose branch has one commit.
type server struct {
	b    *testing.B
	host *hosts.GitHost
	tip  string
}

func newServer(b *testing.B) *server {
	b.Helper()
	s := &server{b: b, host: hosts.StartGit(b, hosts.NewNetwork(b), "git")}
	// Every poller keeps its connection, as agents do, and a process may have a thousand.
	s.host.Must(b, "sed", "-i", "s/worker_connections .*/worker_connections 1000;/; s/worker_processes .*/worker_processes 8;/", "/etc/nginx/nginx.conf")
	s.host.Must(b, "systemctl", "restart", "nginx.service")
	work := b.TempDir()
	gitserver.Git(b, "", "clone", "--quiet", s.host.HTTP, work)
	gitserver.Git(b, work, "commit", "--quiet", "--allow-empty", "-m", "begin")
	gitserver.Git(b, work, "push", "--quiet", "origin", "HEAD:main")
	s.tip = strings.TrimSpace(gitserver.Git(b, work, "rev-parse", "HEAD"))
	return s
}

// git runs git in the server's repository.
func (s *server) git(args string) string {
	return s.host.Must(s.b, "sh", "-c", "cd "+hosts.Repository+" && su -s /bin/sh www-data -c '"+args+"'")
}

// refs makes the repository hold so many deployments of eight reports and a claim, each ref
// a file of its own.
func (s *server) refs(deployments int) {
	s.b.Helper()
	s.git("git for-each-ref --format=\"delete %(refname)\" refs/mainstay | git update-ref --stdin")
	s.git("i=0; while [ $i -lt " + strconv.Itoa(deployments) + " ]; do for n in claim/xivo report/a report/b report/c report/d report/e report/f report/g report/h; do " +
		"echo create refs/mainstay/site$i/$n " + s.tip + "; done; i=$((i+1)); done | git update-ref --stdin")
}

// A polling is what so many pollers saw of the server.
type polling struct {
	pollers, refs   int
	every           time.Duration
	asked           int
	p50, p99        time.Duration
	late, failed    int // ended more than a second after it was due
	push50, push99  time.Duration
	server          time.Duration // of its processors, in a second
	bytes           int           // sent and received, for one poll
	began, finished time.Time
}

const columns = "| nodes | each asks every | refs | asks/s | half answered in | 99 of 100 in | late | failed | a push takes, half and 99 of 100 | server, of one core | kB a poll |\n" +
	"|---|---|---|---|---|---|---|---|---|---|---|\n"

func (p polling) row() string {
	took := p.finished.Sub(p.began).Seconds()
	return fmt.Sprintf("| %d | %s | %d | %.0f | %s | %s | %d of %d | %d | %s, %s | %.0f %% | %.1f |\n", p.pollers, p.every, p.refs, float64(p.asked)/took,
		ms(p.p50), ms(p.p99), p.late, p.asked, p.failed, ms(p.push50), ms(p.push99), 100*p.server.Seconds(), float64(p.bytes)/1024)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// poll lets so many nodes ask for so long, each of a deployment of its own among those there
// are, while one node publishes a report every second.
func (s *server) poll(pollers, deployments int, every, during time.Duration) polling {
	s.b.Helper()
	s.quiet()
	ctx, cancel := context.WithCancel(s.b.Context())
	defer cancel()
	var mu sync.Mutex
	var all, pushes []time.Duration
	p := polling{pollers: pollers, refs: 1 + 9*deployments, every: every}
	counts := false
	var warm, done sync.WaitGroup
	for i := range pollers {
		r, err := git.Open(git.Options{URL: s.host.HTTP, Timeout: 10 * time.Second})
		if err != nil {
			s.b.Fatal(err)
		}
		r.Narrow("refs/heads/main", fmt.Sprintf("site%d", i%deployments))
		warm.Add(1)
		done.Go(func() {
			defer r.Close()
			sleepUntil(ctx, time.Now().Add(rand.N(time.Second+time.Duration(pollers)*5*time.Millisecond)))
			_, _ = r.ListPrimary(ctx) // connects, and learns what the server can do
			warm.Done()
			due := time.Now().Add(rand.N(every))
			for sleepUntil(ctx, due) {
				l, err := r.ListPrimary(ctx)
				took := time.Since(due)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				if counts {
					p.asked++
					all = append(all, took)
					if err != nil || len(l.Refs) != 10 {
						p.failed++
					}
					if took > time.Second {
						p.late++
					}
				}
				mu.Unlock()
				if due = due.Add(jitter(every)); due.Before(time.Now()) {
					due = time.Now()
				}
			}
		})
	}
	warm.Wait()
	mu.Lock()
	counts = true
	mu.Unlock()
	before, bytes := s.used()
	p.began = time.Now()
	writer, err := git.Open(git.Options{URL: s.host.HTTP, Timeout: 10 * time.Second})
	if err != nil {
		s.b.Fatal(err)
	}
	last := s.tip
	for due := p.began; due.Before(p.began.Add(during)); due = due.Add(time.Second) {
		if !sleepUntil(ctx, due) {
			break
		}
		at := time.Now()
		id, err := writer.PublishReport(ctx, plan.ReportRef("site0", "a"), report(at), last)
		if err == nil {
			last = id
		}
		pushes = append(pushes, time.Since(at))
	}
	after, bytesAfter := s.used()
	p.finished = time.Now()
	mu.Lock()
	counts = false
	p.server = time.Duration(float64(after-before) / p.finished.Sub(p.began).Seconds())
	p.p50, p.p99 = at(all, 50), at(all, 99)
	p.push50, p.push99 = at(pushes, 50), at(pushes, 99)
	p.bytes = (bytesAfter - bytes) / max(p.asked, 1)
	mu.Unlock()
	cancel()
	done.Wait()
	return p
}

// quiet waits until the server has nothing left to do of what was asked before.
func (s *server) quiet() {
	s.b.Helper()
	for before, _ := s.used(); sleepUntil(s.b.Context(), time.Now().Add(time.Second)); {
		after, _ := s.used()
		if after-before < 20*time.Millisecond {
			return
		}
		before = after
	}
}

// used is what the server used of its processors, and the bytes that passed its wire.
func (s *server) used() (processor time.Duration, bytes int) {
	s.b.Helper()
	processor, _, err := s.host.Use("nginx.service", "fcgiwrap.service")
	if err != nil {
		s.b.Fatal(err)
	}
	for field := range strings.FieldsSeq(s.host.Must(s.b, "cat", "/sys/class/net/eth0/statistics/rx_bytes", "/sys/class/net/eth0/statistics/tx_bytes")) {
		n, err := strconv.Atoi(field)
		if err != nil {
			s.b.Fatal(err)
		}
		bytes += n
	}
	return processor, bytes
}

func report(at time.Time) plan.Report {
	return plan.Report{Deployment: "site0", Node: "a", Role: "xivo", Side: "main", Instance: "one", Status: "Active", At: at, LastRead: at}
}

// jitter is an interval as agents take it.
func jitter(every time.Duration) time.Duration { return every*8/10 + rand.N(every*4/10) }

func sleepUntil(ctx context.Context, due time.Time) bool {
	t := time.NewTimer(time.Until(due))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// at is the value below which so many of a hundred are.
func at(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)*percent/100, len(s)-1)]
}

// BenchmarkPollers prints the first two tables of examples/SCALE.md: ever more nodes on one
// git server, and ever more deployments in one repository.
func BenchmarkPollers(b *testing.B) {
	s := newServer(b)
	const during = 20 * time.Second
	fmt.Print("\n" + columns)
	s.refs(1)
	for _, pollers := range []int{1000, 3000} {
		fmt.Print(s.poll(pollers, 1, time.Minute, 2*during).row())
	}
	for _, pollers := range []int{10, 100, 300, 1000, 2000, 3000} {
		fmt.Print(s.poll(pollers, 1, 5*time.Second, during).row())
	}
	fmt.Print("\n" + columns)
	for _, deployments := range []int{1, 9, 89, 889} {
		s.refs(deployments)
		fmt.Print(s.poll(100, deployments, 5*time.Second, during).row())
	}
	s.git("git pack-refs --all")
	fmt.Print(s.poll(100, 889, 5*time.Second, during).row())
}
