//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/e2e/hosts"
	"mainstay/e2e/observer"
)

// lookEvery is how often the observer looks at everything that runs.
const lookEvery = 20 * time.Millisecond

// storyFolder is where timelines are written.
const storyFolder = "../bin/stories"

// witness watches a story from outside the agents.
type witness struct {
	*observer.Observer
	title string
	stops []func()
}

// slowTrack is something to watch that cannot be looked at in an instant.
type slowTrack struct {
	name  string
	every time.Duration
	look  func() string
}

// watch begins to watch a story: what runs, who holds the claims, where the
// shared nodes point, what a user of the page sees, and what else matters.
func (p *wholePage) watch(t *testing.T, title string, more ...slowTrack) *witness {
	t.Helper()
	w := &witness{title: title}
	tracks := p.xivoTracks()
	containers := observer.NewContainers()
	for _, service := range []string{"xuc", "xucmgt"} {
		for _, side := range []string{"main", "standby"} {
			project := p.projects["cc-"+side].Name
			tracks = append(tracks, observer.Track{Name: service + " on cc-" + side, Group: service, Side: side,
				Look: up(func() bool { return containers.Runs(project, service) })})
		}
	}
	tracks = append(tracks, observer.Track{Name: "call held on the telephone", Look: up(func() bool { return p.calls.Load() > 0 })})
	user := p.user(t)
	for _, s := range append([]slowTrack{
		{"claim of xivo", 250 * time.Millisecond, func() string { return p.holder("xivo") }},
		{"claim of cc", 250 * time.Millisecond, func() string { return p.holder("cc") }},
		{"mds1 points at", 50 * time.Millisecond, func() string { return serving(p.nodes["mds1"], "/etc/asterisk/pjsip.d/10-serving.conf") }},
		{"edge points at", 50 * time.Millisecond, func() string { return serving(p.nodes["edge"], "/etc/nginx/conf.d/upstream.conf") }},
		{"page at " + voiceName, 100 * time.Millisecond, func() string { return pageSide(user) }},
	}, more...) {
		newest, stop := observer.Slow(s.every, s.look)
		w.stops = append(w.stops, stop)
		tracks = append(tracks, observer.Track{Name: s.name, Look: newest})
	}
	w.Observer = observer.Watch(title, lookEvery, tracks...)
	return w
}

// xivoTracks are the services of both XiVO.
func (p *wholePage) xivoTracks() []observer.Track {
	var tracks []observer.Track
	for _, service := range []string{"asterisk", "monit"} {
		for _, side := range []string{"main", "standby"} {
			host := p.nodes["xivo-"+side]
			tracks = append(tracks, observer.Track{Name: service + " on xivo-" + side, Group: service, Side: side,
				Look: up(func() bool { return host.Runs(service + ".service") })})
		}
	}
	return tracks
}

func up(is func() bool) func() string {
	return func() string {
		if is() {
			return "up"
		}
		return ""
	}
}

// rootOf is the root folder of a host, seen from the machine.
func rootOf(host *hosts.Host) string {
	pids, err := host.Processes("systemd-journald.service")
	if err != nil || len(pids) == 0 {
		return "/nonexistent"
	}
	return fmt.Sprintf("/proc/%d/root", pids[0])
}

// serving is the side that a rendered file says it was rendered for.
func serving(host *hosts.Host, path string) string {
	text, err := os.ReadFile(rootOf(host) + path)
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(text), "serving: ")
	side, _, _ := strings.Cut(after, "\n")
	return side
}

// holders remembers what the claims said when their refs were looked at last.
type holders struct {
	mu    sync.Mutex
	known map[string][2]string // by role: the ref's content, and the holder
}

// holder is a claim's holder and number. Git is only run when the ref, on the git
// host's own disk, has changed: several processes for each look would keep a small
// machine busy.
func (p *wholePage) holder(role string) string {
	if p.etcd != nil {
		return p.holderOnEtcd(role)
	}
	h := &p.holders
	h.mu.Lock()
	defer h.mu.Unlock()
	ref, err := os.ReadFile(rootOf(p.git.Host) + hosts.Repository + "/refs/mainstay/paris/claim/" + role)
	if known := h.known[role]; err == nil && known[0] == string(ref) && known[1] != "" {
		return known[1]
	}
	holder := p.readHolder(role)
	if err == nil {
		if h.known == nil {
			h.known = map[string][2]string{}
		}
		h.known[role] = [2]string{string(ref), holder}
	}
	return holder
}

// readHolder reads a claim as git shows it.
func (p *wholePage) readHolder(role string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := p.git.Exec(ctx, "git", "-c", "safe.directory=*", "-C", hosts.Repository,
		"cat-file", "blob", "refs/mainstay/paris/claim/"+role+":claim.json")
	if err != nil {
		return ""
	}
	return holderIn(out)
}

// holderIn is the holder and the number that a claim's file says.
func holderIn(file string) string {
	var c struct {
		Seq    uint64
		Holder string
	}
	if json.Unmarshal([]byte(file), &c) != nil {
		return ""
	}
	return fmt.Sprintf("%s %d", c.Holder, c.Seq)
}

// end stops watching, writes the timeline, and fails if both sides of anything
// ran together for longer than allowed: zero, unless a takeover was presumed.
func (w *witness) end(t *testing.T, allowed time.Duration) *observer.Recording {
	t.Helper()
	for _, stop := range w.stops {
		stop()
	}
	r := w.End()
	writeTimeline(t, r)
	median, longest := r.Gap()
	say(t, "%-66s %6.1f s, double-active %.2f s, looked every %d ms (longest gap %d ms)",
		w.title, r.Length.Seconds(), r.Double().Seconds(), median.Milliseconds(), longest.Milliseconds())
	if got := r.Double(); got > allowed {
		t.Errorf("both sides were active for %v: %+v", got, r.Overlaps())
	}
	return r
}

func writeTimeline(t *testing.T, r *observer.Recording) {
	t.Helper()
	if err := os.MkdirAll(storyFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(storyFolder, strings.ToLower(strings.Join(strings.FieldsFunc(r.Title, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
	}), "-")))
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	if err := os.WriteFile(name+".txt", []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	picture, err := os.Create(name + ".svg")
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if err := r.WriteSVG(picture); err != nil {
		t.Fatal(err)
	}
}

// lasts lets a condition last for as long as a story says, or to the test's
// end.
func lasts(t *testing.T, d time.Duration) {
	t.Helper()
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-t.Context().Done():
	}
}

// say logs a line and adds it to the summary of its test, which "make e2e" prints
// at its end: tests that run together would mix their lines.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	if err := os.MkdirAll(storyFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	top, _, _ := strings.Cut(t.Name(), "/")
	file, err := os.OpenFile(filepath.Join(storyFolder, "summary-"+top+".txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, line); err != nil {
		t.Error(err)
	}
}
