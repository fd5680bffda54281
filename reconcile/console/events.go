package console

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The bounds of live following.
const (
	// mostStreams is how many browsers may follow at once.
	mostStreams = 1000
	// streamBeat is how often a quiet stream says that it lives.
	streamBeat = 20 * time.Second
	// streamWrite is how long a browser may take to be told something.
	streamWrite = 5 * time.Second
	// streamLife is how long one stream lasts; the browser opens the next by itself.
	streamLife = time.Hour
)

// hub tells every stream that something changed. What a stream has not told its
// browser yet is never kept twice, so a slow browser costs the others nothing.
type hub struct {
	mu      sync.Mutex
	streams map[chan struct{}]bool
	most    int
	version uint64
}

func newHub(most int) *hub {
	if most <= 0 {
		most = mostStreams
	}
	return &hub{streams: map[chan struct{}]bool{}, most: most}
}

// tell wakes every stream.
func (h *hub) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version++
	for c := range h.streams {
		select {
		case c <- struct{}{}:
		default: // it has something to tell already
		}
	}
}

// now is how often something changed, and how many streams there are.
func (h *hub) now() (version uint64, streams int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.version, len(h.streams)
}

// join adds a stream; ok is false when there are too many.
func (h *hub) join() (woken chan struct{}, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.streams) >= h.most {
		return nil, false
	}
	woken = make(chan struct{}, 1)
	h.streams[woken] = true
	return woken, true
}

func (h *hub) leave(c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, c)
}

// events is one stream. An event carries a number only: the browser asks for the page
// when it is not the one that it shows.
func (c *Console) events(w http.ResponseWriter, r *http.Request) {
	woken, ok := c.hub.join()
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many browsers follow live: the page reloads by itself", http.StatusServiceUnavailable)
		return
	}
	defer c.hub.leave(woken)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	say := func(format string, args ...any) bool {
		_ = out.SetWriteDeadline(time.Now().Add(streamWrite))
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	version, _ := c.hub.now()
	if !say("retry: 3000\nevent: changed\ndata: %d\n\n", version) {
		return
	}
	beat, end := time.NewTicker(streamBeat), time.NewTimer(streamLife)
	defer beat.Stop()
	defer end.Stop()
	for good := true; good; {
		select {
		case <-r.Context().Done():
			return
		case <-end.C:
			return
		case <-woken:
			version, _ = c.hub.now()
			good = say("event: changed\ndata: %d\n\n", version)
		case <-beat.C:
			good = say(": still here\n\n")
		}
	}
}
