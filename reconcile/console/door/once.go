package door

import "sync"

// mostDone is how many forms are remembered that were carried out.
const mostDone = 1000

// Once carries a form out once, however often it is sent. Its methods may be called by
// several at a time.
type Once struct {
	mu    sync.Mutex
	known map[string]*attempt
	order []string
}

// attempt is a form on its way, or one that was carried out.
type attempt struct {
	ended chan struct{}
	// to is where its sender goes then.
	to string
}

// NewOnce remembers no form yet.
func NewOnce() *Once { return &Once{known: map[string]*attempt{}} }

// Do runs work unless a form of that key was carried out, and returns where its sender
// goes. One that is on its way is waited for. What work does not carry out, by
// returning nothing, may be tried again.
func (o *Once) Do(key string, work func() string) string {
	for {
		o.mu.Lock()
		a, ok := o.known[key]
		if !ok {
			a = &attempt{ended: make(chan struct{})}
			o.known[key] = a
			o.mu.Unlock()
			return o.run(key, a, work)
		}
		o.mu.Unlock()
		<-a.ended
		if a.to != "" {
			return a.to
		}
	}
}

func (o *Once) run(key string, a *attempt, work func() string) string {
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if a.to == "" {
			delete(o.known, key)
		} else if o.order = append(o.order, key); len(o.order) > mostDone {
			delete(o.known, o.order[0])
			o.order = o.order[1:]
		}
		close(a.ended)
	}()
	a.to = work()
	return a.to
}
