package gitserver

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault is what happens to a request that a Faults middleware chose.
type Fault int

const (
	// None lets the request through.
	None Fault = iota
	// Refuse cuts the connection before git sees the request.
	Refuse
	// Lose lets git carry the request out and cuts the connection instead of
	// answering.
	Lose
	// Hang lets git do nothing and keeps the connection open until the client
	// goes away.
	Hang
	// Late takes the whole request in and lets git carry it out at
	// Faults.Release, also if the client has gone by then: the push that lands
	// after its sender gave up. It is dropped if the server ends first.
	Late
	// Deny answers 403.
	Deny
	// Break answers 500.
	Break
	// Truncate lets git carry the request out and cuts the connection in the
	// middle of the reply.
	Truncate
)

// Faults is middleware whose behaviour a test changes while it serves. The
// zero value lets everything through. It may be used by many goroutines.
type Faults struct {
	mu      sync.Mutex
	choose  func(*http.Request) Fault
	delay   time.Duration
	release chan struct{}
	held    int
	seen    []string
}

// Set makes every request from now on meet this fault.
func (f *Faults) Set(fault Fault) {
	f.Choose(func(*http.Request) Fault { return fault })
}

// SetPush makes pushes from now on meet this fault, and lets reading through.
func (f *Faults) SetPush(fault Fault) {
	f.Choose(func(r *http.Request) Fault {
		if IsPush(r) {
			return fault
		}
		return None
	})
}

// Choose asks choose about every request from now on.
func (f *Faults) Choose(choose func(*http.Request) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choose = choose
}

// Delay makes every request wait this long before anything else.
func (f *Faults) Delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// Release lets all requests that are held as Late go on.
func (f *Faults) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.release != nil {
		close(f.release)
		f.release = nil
	}
}

// Held is how many requests are now being kept waiting by Hang or Late.
func (f *Faults) Held() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held
}

// Requests lists method, path and query of every request seen so far.
func (f *Faults) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

// IsPush reports whether a request is the one that carries a push out, not the
// listing of refs before it.
func IsPush(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-receive-pack")
}

// Option makes f middleware of HTTP.
func (f *Faults) Option() Option {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m := f.meet(r)
			if !pause(r, m.delay) {
				panic(http.ErrAbortHandler)
			}
			f.serve(w, r, next, m)
		})
	}
}

// meeting is what one request met, decided when it arrived.
type meeting struct {
	fault   Fault
	delay   time.Duration
	release <-chan struct{}
}

func (f *Faults) meet(r *http.Request) meeting {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Method+" "+r.URL.RequestURI())
	if f.release == nil {
		f.release = make(chan struct{})
	}
	m := meeting{fault: None, delay: f.delay, release: f.release}
	if f.choose != nil {
		m.fault = f.choose(r)
	}
	return m
}

func (f *Faults) serve(w http.ResponseWriter, r *http.Request, next http.Handler, m meeting) {
	switch m.fault {
	case Refuse:
		panic(http.ErrAbortHandler)
	case Hang:
		f.hold(r.Context().Done(), nil)
		panic(http.ErrAbortHandler)
	case Lose:
		carryOut(r, next)
		panic(http.ErrAbortHandler)
	case Late:
		f.late(w, r, next, m)
	case Deny:
		http.Error(w, "no", http.StatusForbidden)
	case Break:
		http.Error(w, "out of order", http.StatusInternalServerError)
	case Truncate:
		half(w, carryOut(r, next))
	default:
		next.ServeHTTP(w, r)
	}
}

// hold waits for either channel and reports whether the second one ended it.
func (f *Faults) hold(end, release <-chan struct{}) bool {
	f.count(1)
	defer f.count(-1)
	select {
	case <-end:
		return false
	case <-release:
		return true
	}
}

func (f *Faults) count(change int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held += change
}

func (f *Faults) late(w http.ResponseWriter, r *http.Request, next http.Handler, m meeting) {
	if !takeBody(w, r) || !f.hold(serverEnd(r), m.release) {
		panic(http.ErrAbortHandler)
	}
	send(w, carryOut(r, next))
}

func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
