package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
)

const (
	// WallCookie keeps the token in the browser of a wall board.
	WallCookie = "mainstay-wall"
	// LeastToken is how many characters a token has at least.
	LeastToken  = 32
	mostToken   = 1 << 10
	watcherName = "wall"
)

// Watcher is whoever comes with the token: nobody in particular, who may look.
func Watcher() User { return User{Name: watcherName, Role: Read} }

// Watches reports whether a user is whoever comes with the token.
func (u User) Watches() bool { return u == Watcher() }

// Token is a secret for screens and programs that only look. It is read again when its
// file changed, so that a new one ends the old one at once.
type Token struct {
	path string
	mu   sync.Mutex
	seen stamp
	sum  [sha256.Size]byte
}

// OpenToken reads the file of a token.
func OpenToken(path string) (*Token, error) {
	t := &Token{path: path}
	return t, t.load()
}

func (t *Token) load() error {
	info, err := os.Stat(t.path)
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	now := stamp{info.ModTime(), info.Size(), info.Mode()}
	if now == t.seen {
		return nil
	}
	t.seen = stamp{}
	data, err := private(t.path, "file with a token", info, mostToken)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(data))
	if len(text) < LeastToken || strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(tokenLetters, r) }) {
		return fmt.Errorf("%s: a token has %d letters, digits, dashes and underscores, or more: openssl rand -hex 32 makes one", t.path, LeastToken)
	}
	t.sum, t.seen = sha256.Sum256([]byte(text)), now
	return nil
}

const tokenLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Is reports whether a text is the token. One whose file cannot be read is nobody's.
func (t *Token) Is(text string) bool {
	if t == nil || text == "" {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.load() != nil {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
}

// shownBy reports whether a request that only reads comes with the token.
func (t *Token) shownBy(r *http.Request) bool {
	if t == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if text, ok := strings.CutPrefix(only(r, "Authorization"), "Bearer "); ok {
		return t.Is(text)
	}
	kept, err := r.Cookie(WallCookie)
	return err == nil && t.Is(kept.Value)
}

// Watch lets a browser keep the token, if it is the right one.
func (d *Desk) Watch(w http.ResponseWriter, r *http.Request, text string) bool {
	back, ok := d.addresses.take(network(d.Peer(r)), d.Now())
	if !ok || !d.Wall.Is(text) {
		return false
	}
	back()
	c := d.cookie(WallCookie, text, wallAge)
	c.SameSite = http.SameSiteStrictMode
	http.SetCookie(w, c)
	return true
}

// wallAge is how long a wall board need not be set up again, in seconds.
const wallAge = 365 * 24 * 3600
