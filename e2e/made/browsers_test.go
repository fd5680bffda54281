package made

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	browsers    = 200
	deployments = 100
)

// page is a console that runs as a process of its own.
type page struct {
	address string
	pid     int
}

// serve starts the console of a repository, until the test ends.
func serve(b *testing.B, r *Repository) page {
	b.Helper()
	program := filepath.Join(b.TempDir(), "mainstay")
	if out, err := exec.Command("go", "build", "-o", program, "mainstay/cmd/mainstay").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	c := exec.Command(program, "console", "--repo", r.Dir, "--listen", "127.0.0.1:0", "--every", "1s")
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the console says nothing: %v", err)
	}
	return page{strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "console: ")), "/"), c.Process.Pid}
}

// used is the time of processors that the process took, and its memory in MB.
func (p page) used(b *testing.B) (cpu time.Duration, resident float64) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, i := range []int{11, 12} { // utime and stime, in ticks of 10 ms
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			b.Fatal(err)
		}
		cpu += time.Duration(n) * 10 * time.Millisecond
	}
	pages, err := strconv.Atoi(fields[21])
	if err != nil {
		b.Fatal(err)
	}
	return cpu, float64(pages*os.Getpagesize()) / (1 << 20)
}

// follow tells of every change that a browser hears of, and looks at the page then, as
// browsers do. It says when it has the new page.
func (p page) follow(ctx context.Context, client *http.Client, ready func(), got func(heard, seen time.Time)) error {
	ask := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+path, nil)
		if err != nil {
			return nil, err
		}
		return client.Do(r)
	}
	stream, err := ask("/events")
	if err != nil {
		return err
	}
	defer stream.Body.Close()
	first := true
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "data:") {
			continue
		}
		if first { // says what is, when it begins
			first = false
			ready()
			continue
		}
		heard := time.Now()
		res, err := ask("/")
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err != nil {
			return err
		}
		got(heard, time.Now())
	}
	return nil
}

// BenchmarkBrowsers measures one change of one of 100 deployments, until each of 200
// browsers that watch them has heard of it and has the new page, beside one that reads
// nothing.
func BenchmarkBrowsers(b *testing.B) {
	var sites []Site
	for i := range deployments {
		sites = append(sites, Site{fmt.Sprintf("site-%03d", i), Fine})
	}
	r, err := New(filepath.Join(b.TempDir(), "voice.git"), time.Now(), sites...)
	if err != nil {
		b.Fatal(err)
	}
	p := serve(b, r)
	ctx, cancel := context.WithCancel(b.Context())
	var ready, gone sync.WaitGroup
	defer gone.Wait()
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: browsers}, Timeout: 10 * time.Minute}
	slow, err := client.Get(p.address + "/events") // never read
	if err != nil {
		b.Fatal(err)
	}
	defer slow.Body.Close()
	type news struct{ heard, seen time.Time }
	all := make(chan news, browsers)
	for range browsers {
		ready.Add(1)
		gone.Go(func() {
			once := sync.OnceFunc(ready.Done)
			defer once()
			if err := p.follow(ctx, client, once, func(heard, seen time.Time) { all <- news{heard, seen} }); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		})
	}
	ready.Wait()
	settle(all)
	var heard, seen, cpu time.Duration
	rounds := 0
	for b.Loop() {
		before, _ := p.used(b)
		if err := r.Tell(sites[rounds%deployments], fmt.Sprintf("all services run and answer, round %d", rounds), time.Now()); err != nil {
			b.Fatal(err)
		}
		var first, lastHeard, lastSeen time.Time
		for range browsers {
			n := <-all
			if first.IsZero() || n.heard.Before(first) {
				first = n.heard
			}
			lastHeard, lastSeen = later(lastHeard, n.heard), later(lastSeen, n.seen)
		}
		after, _ := p.used(b)
		heard, seen, cpu = heard+lastHeard.Sub(first), seen+lastSeen.Sub(first), cpu+after-before
		rounds++
	}
	_, resident := p.used(b)
	b.ReportMetric(heard.Seconds()/float64(rounds), "s-heard/change")
	b.ReportMetric(seen.Seconds()/float64(rounds), "s-shown/change")
	b.ReportMetric(float64(cpu.Milliseconds())/float64(rounds), "cpu-ms/change")
	b.ReportMetric(resident, "MB")
}

// settle waits until nothing is heard for a while: the first look is over.
func settle[T any](news <-chan T) {
	for {
		select {
		case <-news:
		case <-time.After(3 * time.Second):
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
