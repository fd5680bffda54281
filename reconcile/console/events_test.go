package console

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/fleet"
)

// follow opens a stream and returns its events.
func (s *site) follow(ctx context.Context) (<-chan string, int) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- data
			}
		}
	}()
	return events, res.StatusCode
}

// Many browsers follow one reader: a change reaches all of them, and no change none.
func TestAChangeReachesEveryBrowser(t *testing.T) {
	place := &repository{view: viewOf(calm("paris"))}
	s := newSite(t, Options{}, place)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var streams []<-chan string
	for range 200 {
		events, code := s.follow(ctx)
		if code != http.StatusOK {
			t.Fatal(code)
		}
		streams = append(streams, events)
	}
	first := ""
	for _, events := range streams {
		first = <-events
	}
	s.look() // nothing changed
	d := calm("paris")
	d.Findings = []string{"news"}
	place.set(viewOf(d), nil)
	s.look()
	for _, events := range streams {
		if next := <-events; next == first {
			t.Fatal("an event without a change")
		}
	}
}

func TestStreamsHaveABound(t *testing.T) {
	attack.Row(t, "web page", "more live streams than there may be", "refused; pages are answered all the same")
	s := newSite(t, Options{Streams: 2}, &repository{view: viewOf(calm("paris"))})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusServiceUnavailable} {
		events, code := s.follow(ctx)
		if code != want {
			t.Errorf("stream %d: %d", i, code)
		}
		if code == http.StatusOK {
			<-events
		}
	}
	s.wants("/d/paris", "en")
	s.wants("/metrics", "en", "mainstay_console_streams 2")
}

// A browser that reads nothing holds up neither the reader nor the others, and what it
// has not been told is kept once.
func TestASlowBrowserCostsTheOthersNothing(t *testing.T) {
	attack.Row(t, "web page", "a browser that opens a stream and reads nothing", "costs the others nothing")
	h := newHub(0)
	slow, _ := h.join()
	quick, _ := h.join()
	for range 1000 {
		h.tell()
		<-quick
	}
	if len(slow) != 1 {
		t.Errorf("%d changes are kept for it", len(slow))
	}
	h.leave(slow)
	if version, streams := h.now(); version != 1000 || streams != 1 {
		t.Errorf("version %d, %d streams", version, streams)
	}
}

// 1,000 deployments of 6 nodes are one page; the budget is a second.
func BenchmarkFleetPage(b *testing.B) {
	var all []fleet.Deployment
	for i := range 1000 {
		d := calm(fmt.Sprintf("site-%d", i))
		d.Nodes = append(d.Nodes, d.Nodes...)
		all = append(all, d)
	}
	s := newSite(b, Options{}, &repository{view: viewOf(all...)})
	for b.Loop() {
		if _, body := s.get("/", "fr"); !strings.Contains(body, "site-999") {
			b.Fatal("a deployment is missing")
		}
	}
}
