//go:build e2e

package etcd_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
)

// traced is how many switches BenchmarkSwitchTrace prints the median one of.
const traced = 15

// event is a request of a node, or what its log says.
type event struct {
	node, what string
	begin, end time.Time
}

// tracer writes down what the nodes ask of git and of etcd.
type tracer struct {
	*site
	mu     sync.Mutex
	events []event
}

// oneSwitch is how long a planned switch took, and for how long nobody served, in ms.
type oneSwitch struct {
	took, gap float64
	ended     time.Time
	events    []event
}

// BenchmarkSwitchTrace measures planned switches with claims on etcd, from when both nodes are
// told of the commit, and prints the median one: every request of both nodes, and what their
// logs say. With MAINSTAY_BESIDE another program takes turns with this tree's.
func BenchmarkSwitchTrace(b *testing.B) {
	for b.Loop() {
		names, sites, all := []string{"this tree"}, map[string]*tracer{}, map[string][]oneSwitch{}
		if os.Getenv("MAINSTAY_BESIDE") != "" {
			names = append(names, "beside")
		}
		for _, name := range names {
			sites[name] = newTracer(b, name)
		}
		for i := range traced + 1 {
			for _, name := range names {
				one := sites[name].switched(b, []string{"main", "standby"}[i%2])
				if i > 0 { // in the first one nothing is warm
					all[name] = append(all[name], one)
				}
			}
		}
		for _, name := range names {
			sites[name].print(name, all[name])
		}
	}
}

func newTracer(b *testing.B, name string) *tracer {
	t := &tracer{site: newSite(b, etcdserver.New(b, 3), "10s")}
	if name == "beside" {
		t.program = os.Getenv("MAINSTAY_BESIDE")
	}
	t.main, t.standby = t.nodeOf("xivo-main"), t.nodeOf("xivo-standby")
	t.main.until("serving", func() bool { return t.main.serves() > 0 })
	t.handsOver("standby")
	return t
}

func (t *tracer) switched(b *testing.B, side string) oneSwitch {
	t.mu.Lock()
	t.events = nil
	t.mu.Unlock()
	took, gap := t.measured(b, side)
	ended := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	return oneSwitch{took, gap, ended, slices.Clone(t.events)}
}

func (t *tracer) print(name string, all []oneSwitch) {
	var gaps []float64
	for _, one := range all {
		gaps = append(gaps, one.gap)
	}
	slices.Sort(gaps)
	slices.SortFunc(all, func(a, b oneSwitch) int { return cmp.Compare(a.took, b.took) })
	median := all[len(all)/2]
	fmt.Printf("%s: told until it serves %.0f ms (%.0f to %.0f), nobody serves for %.0f ms (%.0f to %.0f)\n%s", name,
		median.took, all[0].took, all[len(all)-1].took, gaps[len(gaps)/2], gaps[0], gaps[len(gaps)-1],
		t.table(median.events, median.ended.Add(-time.Duration(median.took*float64(time.Millisecond))), median.ended))
}

// nodeOf starts an agent whose every request is written down.
func (t *tracer) nodeOf(node string) *agent {
	t.repository = gitserver.HTTP(t.t, t.bare, gitserver.Wrap(func(next http.Handler) http.Handler { return t.record(node, "git", next) }))
	var at []string
	for _, m := range t.cluster.Members {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: m.At})
		proxy.FlushInterval, proxy.ErrorLog = -1, log.New(io.Discard, "", 0)
		server := httptest.NewServer(t.record(node, "etcd", proxy))
		t.t.Cleanup(server.CloseClientConnections)
		at = append(at, strings.TrimPrefix(server.URL, "http://"))
	}
	t.url = "etcd://" + strings.Join(at, ",") + "/voice"
	return t.agentOf(node)
}

func (t *tracer) record(node, of string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		if strings.HasSuffix(r.URL.Path, "/v3/watch") {
			next.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.events = append(t.events, event{node, of + ": " + asked(r, body), begin, time.Now()})
	})
}

var (
	keys = regexp.MustCompile(`"key":"([^"]*)"`)
	own  = regexp.MustCompile(`/(claim|report|news)/([^/]*)`)
)

// asked says in a few words what a request is about.
func asked(r *http.Request, body []byte) string {
	switch {
	case bytes.Contains(body, []byte("command=ls-refs")):
		return "list the branch"
	case strings.HasSuffix(r.URL.Path, "/git-upload-pack"):
		return "fetch the commit"
	case !strings.HasPrefix(r.URL.Path, "/v3/"):
		return r.Method + " " + r.URL.Path
	}
	var about []string
	for _, key := range keys.FindAllSubmatch(body, -1) {
		text, _ := base64.StdEncoding.DecodeString(string(key[1]))
		if m := own.FindSubmatch(text); m != nil && !slices.Contains(about, string(m[1])) {
			about = append(about, string(m[1]))
		}
	}
	if bytes.Contains(body, []byte("request_put")) {
		return "write " + strings.Join(about, " and ")
	}
	return "read " + cmp.Or(strings.Join(about, " and "), "the heads")
}

var (
	infoLine = regexp.MustCompile(`(?m)^time=(\S+) level=INFO (.*)$`)
	said     = regexp.MustCompile(`msg=("[^"]*"|\S+)|(status|do|action|what|active)=\S+`)
)

// table is all events of a switch in their order, in ms since it began.
func (t *tracer) table(events []event, begin, end time.Time) string {
	for name, a := range map[string]*agent{"xivo-main": t.main, "xivo-standby": t.standby} {
		text, err := os.ReadFile(filepath.Join(a.folder, "log"))
		if err != nil {
			t.t.Fatal(err)
		}
		for _, m := range infoLine.FindAllSubmatch(text, -1) {
			at, err := time.Parse(time.RFC3339Nano, string(m[1]))
			if err == nil {
				events = append(events, event{name, strings.Join(said.FindAllString(string(m[2]), -1), " "), at, at})
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return a.begin.Compare(b.begin) })
	var out strings.Builder
	for _, e := range events {
		since, until := e.begin.Sub(begin), ""
		if since < -10*time.Millisecond || e.begin.After(end.Add(10*time.Millisecond)) {
			continue
		}
		if e.end.After(e.begin) {
			until = fmt.Sprintf("%6.1f", float64(e.end.Sub(begin).Microseconds())/1000)
		}
		fmt.Fprintf(&out, "%6.1f %6s  %-13s %s\n", float64(since.Microseconds())/1000, until, e.node, e.what)
	}
	return out.String()
}
