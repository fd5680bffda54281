package signin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"mainstay/reconcile/console/signin/provider"
)

// The cookies of a browser that is at the provider: what it has to bring back, and what
// its person had typed. They are kept there and not here, so that nobody fills the
// memory with trips that never end.
const (
	tripCookie  = "mainstay-trip"
	draftCookie = "mainstay-draft"
	// tripBound is how long a trip may take.
	tripBound = 10 * time.Minute
	// longestKept bounds what was typed, in bytes: a browser keeps 4 KiB of a cookie.
	longestKept = 3900
)

// The reasons why a provider lets nobody in, as its own package has them.
var (
	ErrTrip     = provider.ErrTrip
	ErrDenied   = provider.ErrDenied
	ErrUnproven = provider.ErrUnproven
)

// trip is what a browser keeps. About is what its person wanted to see.
type trip struct {
	provider.Trip
	About string `json:"a,omitempty"`
}

func (d *Desk) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: d.Path, MaxAge: age, HttpOnly: true, Secure: d.Secure, SameSite: http.SameSiteLaxMode}
}

// Leave says where to send a browser, so that the provider asks its person who it is.
// about and draft come back with it.
// Errors: those of asking the provider.
func (d *Desk) Leave(w http.ResponseWriter, r *http.Request, about, draft string) (to string, err error) {
	if d.Provider == nil {
		return "", errNoProvider
	}
	to, t, err := d.Provider.Begin(r.Context())
	if err != nil {
		return "", err
	}
	kept, err := json.Marshal(trip{t, about})
	if err != nil {
		return "", err
	}
	age := int(tripBound.Seconds())
	http.SetCookie(w, d.cookie(tripCookie, base64.RawURLEncoding.EncodeToString(kept), age))
	if draft != "" && len(draft) <= longestKept {
		http.SetCookie(w, d.cookie(draftCookie, draft, age))
	}
	return to, nil
}

// Return begins a session for the person whose browser came back from the provider.
// Errors: ErrTooMany, ErrStranger, ErrTrip, ErrDenied, ErrUnproven, those of asking the
// provider, and those of reading the file of users.
func (d *Desk) Return(w http.ResponseWriter, r *http.Request) (who User, about, draft string, err error) {
	if d.Provider == nil {
		return User{}, "", "", errNoProvider
	}
	var t trip
	if kept, err := r.Cookie(tripCookie); err == nil {
		if data, err := base64.RawURLEncoding.DecodeString(kept.Value); err == nil && json.Unmarshal(data, &t) != nil {
			t = trip{}
		}
	}
	if kept, err := r.Cookie(draftCookie); err == nil && len(kept.Value) <= longestKept {
		draft = kept.Value
	}
	http.SetCookie(w, d.cookie(tripCookie, "", -1))
	http.SetCookie(w, d.cookie(draftCookie, "", -1))
	back, ok := d.addresses.take(network(d.Peer(r)), d.Now())
	if !ok {
		return User{}, "", "", ErrTooMany
	}
	person, err := d.Provider.Finish(r.Context(), t.Trip, r.URL.Query())
	if err != nil {
		return User{}, "", "", err
	}
	if who, err = d.admitted(person); err != nil {
		return User{Name: person.Name}, "", "", err
	}
	back()
	return who, t.About, draft, d.begin(r.Context(), who)
}
