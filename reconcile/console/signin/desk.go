package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"

	"mainstay/reconcile/console/signin/provider"
)

// How long a session lasts.
const (
	// idleEnd is after how long without an act of the person a session ends. A page that
	// refreshes itself is no act.
	idleEnd = 30 * time.Minute
	// absoluteEnd is after how long a session ends in any case.
	absoluteEnd = 12 * time.Hour
	// vouchedEnd is after how long a session ends whose role rests on what a provider
	// said at its beginning: who was taken out of a group there is out then.
	vouchedEnd = time.Hour
	// cookieName is that of the session.
	cookieName = "mainstay-session"
	// mostSessions is how many sessions a person has at most: the oldest one ends.
	mostSessions = 20
	// atOnce is how many passwords are compared at a time.
	atOnce = 2
)

// The reasons why nobody is signed in.
var (
	// ErrWrong is of a name or a password that is not right; which, is not said.
	ErrWrong = errors.New("the name or the password is not right")
	// ErrTooMany is of attempts that come too fast.
	ErrTooMany = errors.New("too many attempts")
	// ErrStranger is of a person whom a proxy let in and whom the file of users does not
	// have.
	ErrStranger = errors.New("not one of the users")
)

// Options say how people are told apart.
type Options struct {
	// Users is the file of users. Nil leaves the roles to Grants, and nobody has a
	// password here.
	Users  *Users
	Grants []Grant
	// Header is what a proxy that asked already names the person in, believed only
	// from the addresses in From. Empty believes none. EmailHeader and GroupsHeader say
	// more of the person, groups with commas between them.
	Header, EmailHeader, GroupsHeader string
	From                              []netip.Addr
	// Provider says who a person is, nil where none is asked.
	Provider *provider.Provider
	// Wall is the token of those who only look, nil for none.
	Wall *Token
	// Secure is set where browsers come by https, Path is below which the cookie counts.
	Secure bool
	Path   string
	// Now is the clock, nil for the machine's own.
	Now func() time.Time
}

// Desk signs people in and out. Its methods may be called by several at a time.
type Desk struct {
	Options
	sessions         *scs.SessionManager
	addresses, names *guesses
	strangers        *rate.Limiter
	turns            chan struct{}

	mu   sync.Mutex
	held map[string][]held // by person, oldest first
}

// held is a session that somebody began.
type held struct {
	token string
	since time.Time
}

// hold counts a new session of a person, and ends the oldest one beyond the bound.
func (d *Desk) hold(name, token string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	for who, all := range d.held { // what has ended by itself
		if all = slices.DeleteFunc(all, func(h held) bool { return now.Sub(h.since) > absoluteEnd }); len(all) == 0 {
			delete(d.held, who)
		} else {
			d.held[who] = all
		}
	}
	all := append(d.held[name], held{token, now})
	var over []held
	if n := len(all) - mostSessions; n > 0 {
		over, all = all[:n], slices.Clone(all[n:])
	}
	d.held[name] = all
	for _, h := range over {
		if err := d.sessions.Store.Delete(h.token); err != nil {
			return err
		}
	}
	return nil
}

// release counts the session of a request no more: it ends.
func (d *Desk) release(ctx context.Context) {
	name, token := d.sessions.GetString(ctx, "name"), d.sessions.Token(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.DeleteFunc(d.held[name], func(h held) bool { return h.token == token })
	if d.held[name] = all; len(all) == 0 {
		delete(d.held, name)
	}
}

// New opens a desk, which is there for as long as the process: what clears its ended
// sessions away is never stopped.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Desk{Options: o, sessions: scs.New(), addresses: newGuesses(), names: newGuesses(),
		strangers: rate.NewLimiter(rate.Every(strangerEvery), strangersAtOnce), turns: make(chan struct{}, atOnce), held: map[string][]held{}}
	d.sessions.Store, d.sessions.Lifetime = memstore.New(), absoluteEnd
	c := &d.sessions.Cookie
	c.Name, c.Path, c.Secure, c.HttpOnly, c.SameSite, c.Persist = cookieName, o.Path, o.Secure, true, http.SameSiteLaxMode, false
	return d
}

// Handler gives every request its session.
func (d *Desk) Handler(next http.Handler) http.Handler { return d.sessions.LoadAndSave(next) }

// Peer is where a request comes from: the address of the connection, or what a proxy
// at an address of From says of it.
func (d *Desk) Peer(r *http.Request) string {
	peer := remote(r)
	if d.believed(peer) {
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if a, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			return a.Unmap().String()
		}
	}
	return peer.String()
}

func remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func (d *Desk) believed(peer netip.Addr) bool {
	for _, a := range d.From {
		if d.Header != "" && peer.IsValid() && a.Unmap() == peer {
			return true
		}
	}
	return false
}

// Who is the person that a request is of; ok is false for one of nobody. err is
// ErrStranger, or says why the file of users cannot be read.
func (d *Desk) Who(r *http.Request) (who User, ok bool, err error) {
	if d.believed(remote(r)) {
		switch named := r.Header.Values(d.Header); {
		case len(named) > 1:
			return User{}, false, ErrStranger
		case len(named) == 1 && named[0] != "":
			who, err = d.admitted(provider.Person{Name: named[0], Email: only(r, d.EmailHeader), Groups: listed(only(r, d.GroupsHeader))})
			return who, err == nil, err
		}
	}
	who, ok, err = d.ofSession(r.Context())
	if !ok && err == nil && d.Wall.shownBy(r) {
		return Watcher(), true, nil
	}
	return who, ok, err
}

// only is the value of a header that was sent once, else empty.
func only(r *http.Request, name string) string {
	if values := r.Header.Values(name); name != "" && len(values) == 1 {
		return values[0]
	}
	return ""
}

// listed parts a list with commas.
func listed(text string) []string {
	var out []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// ofSession is the person of a session that has not ended.
func (d *Desk) ofSession(ctx context.Context) (User, bool, error) {
	name := d.sessions.GetString(ctx, "name")
	if name == "" {
		return User{}, false, nil
	}
	now, end := d.Now(), absoluteEnd
	since, acted := time.Unix(d.sessions.GetInt64(ctx, "since"), 0), time.Unix(d.sessions.GetInt64(ctx, "acted"), 0)
	who, ok := User{}, false
	var err error
	if d.Users != nil {
		who, ok, err = d.Users.Find(name)
	} else {
		end = vouchedEnd
		ok = json.Unmarshal(d.sessions.GetBytes(ctx, "vouched"), &who) == nil && who.Name == name
	}
	if err != nil {
		return User{}, false, err
	}
	if !ok || now.Sub(since) > end || now.Sub(acted) > idleEnd || d.sessions.GetString(ctx, "mark") != mark(who) {
		return User{}, false, d.end(ctx)
	}
	return who, true, nil
}

// mark is another one after the password was changed, which ends the sessions before.
func mark(u User) string {
	sum := sha256.Sum256([]byte(u.Password))
	return hex.EncodeToString(sum[:])
}

// Acted notes that the person of a session did something.
func (d *Desk) Acted(r *http.Request) {
	if d.sessions.GetString(r.Context(), "name") != "" {
		d.sessions.Put(r.Context(), "acted", d.Now().Unix())
	}
}

// SignIn begins a session for who gives the right password.
// Errors: ErrTooMany, ErrWrong, and those of reading the file.
func (d *Desk) SignIn(r *http.Request, name, password string) (User, error) {
	now := d.Now()
	backAddress, ok := d.addresses.take(network(d.Peer(r)), now)
	if !ok {
		return User{}, ErrTooMany
	}
	backName, ok := d.names.take(name[:min(len(name), longestText)], now)
	if !ok {
		return User{}, ErrTooMany
	}
	if d.Users == nil {
		return User{}, ErrWrong
	}
	who, ok, err := d.Users.Find(name)
	if err != nil {
		return User{}, err
	}
	hash := who.Password
	if hash == "" {
		hash = d.Users.any() // a name that nobody has takes as long as one that somebody has
	}
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
	case <-r.Context().Done():
		return User{}, r.Context().Err()
	}
	right := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	if !ok || !right || who.Password == "" {
		return User{}, ErrWrong
	}
	backAddress()
	backName()
	return who, d.begin(r.Context(), who)
}

// begin makes the session one of a person. It gets a new name, so that one that somebody
// else chose is worth nothing.
func (d *Desk) begin(ctx context.Context, who User) error {
	d.release(ctx)
	if err := d.sessions.Clear(ctx); err != nil {
		return err
	}
	if err := d.sessions.RenewToken(ctx); err != nil {
		return err
	}
	now := d.Now().Unix()
	d.sessions.Put(ctx, "name", who.Name)
	d.sessions.Put(ctx, "mark", mark(who))
	d.sessions.Put(ctx, "since", now)
	d.sessions.Put(ctx, "acted", now)
	if d.Users == nil {
		data, err := json.Marshal(who)
		if err != nil {
			return err
		}
		d.sessions.Put(ctx, "vouched", data)
	}
	return d.hold(who.Name, d.sessions.Token(ctx))
}

// network is the address, or of IPv6 the network of one line.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() {
		return address
	}
	p, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// SignOut ends the session.
func (d *Desk) SignOut(r *http.Request) error { return d.end(r.Context()) }

func (d *Desk) end(ctx context.Context) error {
	d.release(ctx)
	return d.sessions.Destroy(ctx)
}

// Keep puts what a person had typed into the session, for one page.
func (d *Desk) Keep(r *http.Request, draft string) { d.sessions.Put(r.Context(), "draft", draft) }

// Kept takes it out again.
func (d *Desk) Kept(r *http.Request) string { return d.sessions.PopString(r.Context(), "draft") }
