package signin

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The bounds of guessing, for each address and each name.
const (
	guessesAtOnce = 10
	guessEvery    = 6 * time.Second
	// mostKnown is how many addresses, and how many names, are counted apart.
	mostKnown = 4096
	// strangersAtOnce and strangerEvery bound what is kept of people who are not signed in.
	strangersAtOnce = 100
	strangerEvery   = time.Second
)

// guesses counts attempts by a key. What is beyond mostKnown shares one count, so that
// nobody makes room for more guesses, nor takes memory, with more keys.
type guesses struct {
	mu    sync.Mutex
	known map[string]*rate.Limiter
	rest  *rate.Limiter
}

func newGuesses() *guesses {
	return &guesses{known: map[string]*rate.Limiter{}, rest: limiter()}
}

func limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(guessEvery), guessesAtOnce) }

// take counts one more attempt, and reports whether it is let through now. Who signs in
// has guessed nothing: back takes the attempt out of the count again, so that all of a
// team behind one address get in.
func (g *guesses) take(key string, now time.Time) (back func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, ok := g.known[key]
	if !ok {
		if len(g.known) >= mostKnown {
			g.forget(now)
		}
		if l = g.rest; len(g.known) < mostKnown {
			l = limiter()
			g.known[key] = l
		}
	}
	if l.TokensAt(now) < 1 {
		return nil, false
	}
	one := l.ReserveN(now, 1)
	return func() { one.CancelAt(now) }, true
}

// forget drops the keys that have as many attempts left as a new one.
func (g *guesses) forget(now time.Time) {
	for key, l := range g.known {
		if l.TokensAt(now) >= guessesAtOnce {
			delete(g.known, key)
		}
	}
}

// NotesStranger reports whether one more thing that somebody did who is not signed in is
// written down: nobody fills the disk with what is refused.
func (d *Desk) NotesStranger() bool { return d.strangers.AllowN(d.Now(), 1) }
