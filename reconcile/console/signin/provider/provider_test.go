package provider_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	real "mainstay/e2e/provider"
	"mainstay/reconcile/console/signin/provider"
)

const back = "http://127.0.0.1:1/signin/return"

func folk() []real.Person {
	return []real.Person{
		{Name: "ada", Email: "ada@example.org", Verified: true, Groups: []string{"telephony", "staff"}},
		{Name: "eve", Email: "ada@example.org"},
	}
}

func start(t *testing.T, change func(*provider.Options)) (*real.Provider, *provider.Provider) {
	t.Helper()
	at := real.Start(back, folk()...)
	t.Cleanup(at.Close)
	o := provider.Options{Issuer: at.URL, Client: at.Client, Secret: at.Secret, Redirect: back, NameClaim: "email", GroupsClaim: "groups", Scopes: []string{"profile", "email"}}
	if change != nil {
		change(&o)
	}
	p, err := provider.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return at, p
}

// goThrough is what a browser does at the provider; it returns what it comes back with.
func goThrough(t *testing.T, at *real.Provider, to, name string) url.Values {
	t.Helper()
	answer, err := at.GoThrough(t.Context(), to, name)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAProviderSaysWhoAPersonIs(t *testing.T) {
	at, p := start(t, nil)
	to, trip, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who, err := p.Finish(t.Context(), trip, goThrough(t, at, to, "ada"))
	if err != nil || who.Name != "ada@example.org" || who.Email != "ada@example.org" || who.FullName != "Person ada" || !slices.Equal(who.Groups, []string{"telephony", "staff"}) {
		t.Errorf("%+v, %v", who, err)
	}
	at, p = start(t, func(o *provider.Options) { o.NameClaim = "preferred_username" })
	if to, trip, err = p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if who, err = p.Finish(t.Context(), trip, goThrough(t, at, to, "eve")); err != nil || who.Name != "eve" || who.Email != "" {
		t.Errorf("the unverified address counts: %+v, %v", who, err)
	}
}

func TestAnAddressThatNobodyVerifiedIsNoName(t *testing.T) {
	attack.Row(t, "web page", "single sign-on by an address that the provider has not verified", "refused")
	at, p := start(t, nil)
	to, trip, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if who, err := p.Finish(t.Context(), trip, goThrough(t, at, to, "eve")); !errors.Is(err, provider.ErrUnproven) {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestAnAnswerIsGoodForOneTripOfOneBrowser(t *testing.T) {
	attack.Row(t, "web page", "an answer of single sign-on, begun by another browser, sent twice, or made up", "refused")
	at, p := start(t, nil)
	to, trip, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer := goThrough(t, at, to, "ada")
	for name, wrong := range map[string]struct {
		trip   provider.Trip
		answer url.Values
		want   error
	}{
		"no trip":          {provider.Trip{}, answer, provider.ErrTrip},
		"another trip":     {other, answer, provider.ErrTrip},
		"no state":         {trip, url.Values{"code": answer["code"]}, provider.ErrTrip},
		"an error":         {trip, url.Values{"state": answer["state"], "error": {"access_denied"}}, provider.ErrDenied},
		"a made-up code":   {trip, url.Values{"state": answer["state"], "code": {"made-up"}}, provider.ErrDenied},
		"another verifier": {provider.Trip{State: trip.State, Nonce: trip.Nonce, Verifier: other.Verifier}, answer, provider.ErrDenied},
	} {
		if who, err := p.Finish(t.Context(), wrong.trip, wrong.answer); !errors.Is(err, wrong.want) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	to, trip, err = p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer = goThrough(t, at, to, "ada")
	if who, err := p.Finish(t.Context(), provider.Trip{State: trip.State, Nonce: other.Nonce, Verifier: trip.Verifier}, answer); !errors.Is(err, provider.ErrTrip) {
		t.Errorf("another nonce: %+v, %v", who, err)
	}
	if who, err := p.Finish(t.Context(), trip, answer); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("a code sent twice: %+v, %v", who, err)
	}
}

func TestAProviderThatIsAwayOrHostileLetsNobodyIn(t *testing.T) {
	attack.Row(t, "web page", "a provider of single sign-on that is away, endless, elsewhere, or sends people astray", "nobody is let in, in bounded time and memory")
	for name, h := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"issuer":"`)
			for block := strings.Repeat("x", 1<<16); r.Context().Err() == nil; {
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
		"another": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"issuer":"https://other.example.org"}`)
		},
		"astray": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"issuer":"http://`+r.Host+`","authorization_endpoint":"javascript:alert(1)","token_endpoint":"http://`+r.Host+`/t","jwks_uri":"http://`+r.Host+`/k"}`)
		},
	} {
		s := httptest.NewServer(h)
		p, err := provider.New(provider.Options{Issuer: s.URL, Client: "page", Secret: "x", Redirect: back, NameClaim: "email"})
		if err != nil {
			t.Fatal(err)
		}
		attack.Cheap(t, func() {
			if to, _, err := p.Begin(t.Context()); err == nil {
				t.Errorf("%s: sent to %s", name, to)
			}
		})
		s.Close()
		if _, _, err := p.Begin(t.Context()); err == nil {
			t.Errorf("%s: a provider that is away", name)
		}
	}
}

func TestAProviderIsAskedByHTTPS(t *testing.T) {
	for _, issuer := range []string{"http://sso.example.org", "https://ada@sso.example.org", "https:///x", "sso.example.org", "ftp://127.0.0.1", "https://sso.example.org?x=y"} {
		if _, err := provider.New(provider.Options{Issuer: issuer}); err == nil {
			t.Errorf("%s is taken", issuer)
		}
	}
}
