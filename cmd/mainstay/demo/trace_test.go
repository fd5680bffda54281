package demo

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/plan"
)

// traced is how many switches BenchmarkSwitchTrace takes the median of, for each program.
const traced = 14

// besideVar names another program, whose switches are measured in turn with those of this
// tree.
const besideVar = "MAINSTAY_BESIDE"

// settled is how long a pair is left alone before a switch, so that nothing of the one
// before is under way.
const settled = 1500 * time.Millisecond

// BenchmarkSwitchTrace measures a planned switch of a pair on a git server over HTTP that
// tells its agents by the example's hook. It prints how long each leg took, and of one
// switch every request with when it began and ended.
func BenchmarkSwitchTrace(b *testing.B) {
	for b.Loop() {
		programs := map[string]string{"this tree": program}
		names := []string{"this tree"}
		if other := os.Getenv(besideVar); other != "" {
			names, programs["beside"] = append(names, "beside"), other
		}
		sites := map[string]*tracedSite{}
		for _, name := range names {
			sites[name] = newTracedSite(b, programs[name])
		}
		for i := range traced + 1 {
			for _, name := range names {
				watch(b, settled)
				s := sites[name].trace([]string{"standby", "main"}[i%2])
				if i > 0 { // in the first one nothing is warm
					sites[name].switches = append(sites[name].switches, s)
				}
			}
		}
		var out bytes.Buffer
		for _, name := range names {
			sites[name].print(&out, name)
		}
		median := func(name string) time.Duration { return sites[name].median(tracedSwitch.beyond) }
		b.ReportMetric(median(names[0]).Seconds(), "s-beyond/switch")
		if len(names) > 1 {
			fmt.Fprintf(&out, "beyond the services' own time, beside / this tree: %.2f\n", median("beside").Seconds()/median(names[0]).Seconds())
		}
		_, _ = os.Stdout.Write(append([]byte("\n"), out.Bytes()...))
	}
}

// request is one request of a node to the git server.
type request struct {
	node, what string
	begin, end time.Time
}

// moment is what an agent's log says of when something happened.
type moment struct {
	node, what string
	at         time.Time
}

// tracedSwitch is one planned switch.
type tracedSwitch struct {
	begin, pushed time.Time // of the person's git push
	requests      []request
	moments       []moment
	// When the old side was told to stop its first service and was seen stopped, and
	// the new one took the claim, started its first service and was seen active.
	stopping, stopped, taking, starting, active time.Time
}

func (s tracedSwitch) whole() time.Duration  { return s.active.Sub(s.begin) }
func (s tracedSwitch) beyond() time.Duration { return s.whole() - s.own() }
func (s tracedSwitch) own() time.Duration {
	return s.stopped.Sub(s.stopping) + s.active.Sub(s.starting)
}

// tracedSite is a pair whose requests are written down.
type tracedSite struct {
	*site
	mu       sync.Mutex
	requests []request
	switches []tracedSwitch
}

func newTracedSite(b *testing.B, program string) *tracedSite {
	t := &tracedSite{}
	t.site = newSite(b, func(p *layout) {
		p.Poll, p.Self = "5s", program
		urls := map[string]string{}
		for _, n := range p.nodes() {
			urls[n.Name] = gitserver.HTTP(b, p.repo(), gitserver.Wrap(t.record(n.Name)))
		}
		p.RemoteOf = func(node string) string { return urls[node] }
		must(b, os.WriteFile(p.secret(), []byte("demo-only\n"), 0o600))
	})
	t.installHook()
	return t
}

// installHook installs the hook of the examples, which tells all agents of a push.
func (t *tracedSite) installHook() {
	hook, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "full", "hooks", "post-receive"))
	must(t.t, err)
	must(t.t, os.WriteFile(filepath.Join(t.repo(), "hooks", "post-receive"), hook, 0o755))
	config := [][]string{{"mainstay.secretFile", t.secret()}, {"mainstay.program", t.Self}}
	for _, n := range t.nodes() {
		config = append(config, []string{"mainstay.agent", "http://" + t.Address(n.Host) + ":9477"})
	}
	for _, c := range config {
		must(t.t, exec.Command("git", append([]string{"-C", t.repo(), "config", "--add"}, c...)...).Run())
	}
}

// record writes down what a node asks of the server.
func (t *tracedSite) record(node string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begin := time.Now()
			head := make([]byte, 512)
			n, _ := io.ReadFull(r.Body, head)
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(bytes.NewReader(head[:n]), r.Body), r.Body}
			next.ServeHTTP(w, r)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.requests = append(t.requests, request{node, asked(r, head[:n]), begin, time.Now()})
		})
	}
}

var pushedRef = regexp.MustCompile(`refs/mainstay/[^/]+/([a-z]+)/`)

// asked says in a word or two what a request is about.
func asked(r *http.Request, body []byte) string {
	switch ref := pushedRef.FindSubmatch(body); {
	case r.Method == http.MethodGet:
		return "which refs, for " + strings.TrimPrefix(r.URL.Query().Get("service"), "git-")
	case ref != nil:
		return "push " + string(ref[1])
	case bytes.Contains(body, []byte("command=ls-refs")):
		return "list"
	}
	return fmt.Sprintf("fetch %d", bytes.Count(body, []byte("want ")))
}

// trace switches to a side and waits until all is quiet again.
func (t *tracedSite) trace(to string) tracedSwitch {
	from := map[string]string{"main": "standby", "standby": "main"}[to]
	t.mu.Lock()
	t.requests = nil
	t.mu.Unlock()
	s := tracedSwitch{begin: time.Now()}
	commit := t.flips(to)
	s.pushed = time.Now()
	t.until("the switch to "+to, func(m map[string]plan.Report) bool {
		before, after := m["xivo-"+from], m["xivo-"+to]
		return before.Applied == commit && before.Status == plan.Inactive && after.Applied == commit && after.Status == plan.Active
	})
	s.stopping, s.stopped = t.said(&s, "xivo-"+from, "do=stop"), t.said(&s, "xivo-"+from, "status=Inactive")
	s.taking, s.starting, s.active = t.said(&s, "xivo-"+to, "status=Activating"), t.said(&s, "xivo-"+to, "do=start"), t.said(&s, "xivo-"+to, "status=Active ")
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.requests {
		if r.begin.Before(s.active) {
			s.requests = append(s.requests, r)
		}
	}
	return s
}

var saidAt = regexp.MustCompile(`(?m)^time=(\S+) .*$`)

// said is when the agent of a node first said something since the switch began.
func (t *tracedSite) said(s *tracedSwitch, node, what string) time.Time {
	t.t.Helper()
	b, err := os.ReadFile(filepath.Join(t.node(node), "agent.log"))
	must(t.t, err)
	for _, line := range saidAt.FindAllSubmatch(b, -1) {
		at, err := time.Parse(time.RFC3339Nano, string(line[1]))
		must(t.t, err)
		if at.After(s.begin) && bytes.Contains(line[0], []byte(what)) {
			s.moments = append(s.moments, moment{node, strings.TrimSpace(what), at})
			return at
		}
	}
	t.t.Fatalf("%s never said %s", node, what)
	return time.Time{}
}

// median is of what each switch took.
func (t *tracedSite) median(of func(tracedSwitch) time.Duration) time.Duration {
	return spread(t.switches, of)[1]
}

// spread is the least, the median and the most.
func spread(all []tracedSwitch, of func(tracedSwitch) time.Duration) [3]time.Duration {
	var took []time.Duration
	for _, s := range all {
		took = append(took, of(s))
	}
	slices.Sort(took)
	return [3]time.Duration{took[0], took[len(took)/2], took[len(took)-1]}
}

func (t *tracedSite) print(out io.Writer, name string) {
	legs := []struct {
		what string
		of   func(tracedSwitch) time.Duration
	}{
		{"push begins -> pushed", func(s tracedSwitch) time.Duration { return s.pushed.Sub(s.begin) }},
		{"push begins -> stop ordered", func(s tracedSwitch) time.Duration { return s.stopping.Sub(s.begin) }},
		{"the services' own stop", func(s tracedSwitch) time.Duration { return s.stopped.Sub(s.stopping) }},
		{"seen stopped -> take decided", func(s tracedSwitch) time.Duration { return s.taking.Sub(s.stopped) }},
		{"take decided -> start ordered", func(s tracedSwitch) time.Duration { return s.starting.Sub(s.taking) }},
		{"the services' own start", func(s tracedSwitch) time.Duration { return s.active.Sub(s.starting) }},
		{"nobody serves", func(s tracedSwitch) time.Duration { return s.active.Sub(s.stopping) }},
		{"whole, beyond the services' own", tracedSwitch.beyond},
		{"whole", tracedSwitch.whole},
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s, %d switches\tmedian\tleast\tmost\t\n", name, len(t.switches))
	for _, l := range legs {
		d := spread(t.switches, l.of)
		fmt.Fprintf(w, "%s\t%d ms\t%d ms\t%d ms\t\n", l.what, d[1].Milliseconds(), d[0].Milliseconds(), d[2].Milliseconds())
	}
	var asked []int
	for _, s := range t.switches {
		asked = append(asked, len(s.requests))
	}
	slices.Sort(asked)
	fmt.Fprintf(w, "requests until active\t%d\t%d\t%d\t\n", asked[len(asked)/2], asked[0], asked[len(asked)-1])
	w.Flush()
	t.printOne(out)
}

// printOne prints the switch that took as long as the median.
func (t *tracedSite) printOne(out io.Writer) {
	all := slices.Clone(t.switches)
	slices.SortFunc(all, func(a, b tracedSwitch) int { return cmp.Compare(a.beyond(), b.beyond()) })
	s := all[len(all)/2]
	lines := []request{{"git push", "", s.begin, s.pushed}}
	lines = append(lines, s.requests...)
	for _, m := range s.moments {
		lines = append(lines, request{m.node, m.what, m.at, m.at})
	}
	slices.SortFunc(lines, func(a, b request) int { return a.begin.Compare(b.begin) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "begins ms\tends ms\twho\twhat")
	for _, l := range lines {
		end := ""
		if l.end.After(l.begin) {
			end = fmt.Sprint(l.end.Sub(s.begin).Milliseconds())
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", l.begin.Sub(s.begin).Milliseconds(), end, l.node, l.what)
	}
	w.Flush()
	fmt.Fprintln(out)
}
