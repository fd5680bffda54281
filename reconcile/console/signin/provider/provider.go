// Package provider asks an OpenID Connect provider who a person is: by the code flow,
// with a state, a nonce and PKCE, each good for one trip of one browser.
//
// It must not know of roles, sessions and pages.
package provider

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// The bounds of what a provider may cost.
const (
	// askBound is how long one of its answers may take, mostAnswer how many bytes it may
	// have.
	askBound   = 10 * time.Second
	mostAnswer = 1 << 20
	// knownFor is how long what it says of itself is believed.
	knownFor = time.Hour
	// mostGroups is how many groups of a person are looked at.
	mostGroups = 1000
)

// The reasons why a person is not known after a trip.
var (
	// ErrTrip is of an answer that belongs to no trip of this browser.
	ErrTrip = errors.New("the answer is not one to this browser's question")
	// ErrDenied is of a provider that did not say who the person is.
	ErrDenied = errors.New("the provider let nobody in")
	// ErrUnproven is of a person about whom it did not say what has to be known.
	ErrUnproven = errors.New("the provider does not vouch for it")
)

// Options say which provider, and what of its answers counts.
type Options struct {
	// Issuer is its address, https but on this machine itself.
	Issuer string
	// Client and Secret are what the page is called there, Redirect where a browser comes
	// back to.
	Client, Secret, Redirect string
	// NameClaim holds the person's name. In email the address counts only if the
	// provider says that it has verified it.
	NameClaim string
	// GroupsClaim holds the person's groups.
	GroupsClaim string
	// Scopes are asked for beside openid.
	Scopes []string
	// Roots are believed beside the machine's own, nil for no more.
	Roots *x509.CertPool
}

// Person is who somebody is.
type Person struct {
	Name, FullName, Email string
	Groups                []string
}

// Trip is what a browser keeps while it is at the provider.
type Trip struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
}

// Provider is one. Its methods may be called by several at a time.
type Provider struct {
	o      Options
	client *http.Client
	mu     sync.Mutex
	known  *oidc.Provider
	until  time.Time
}

// New prepares to ask. Nothing is asked before somebody signs in, so that a provider
// that is away keeps nothing else from working.
func New(o Options) (*Provider, error) {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("the issuer %q is no address: give https://HOST, as the provider calls itself", o.Issuer)
	}
	if !safe(u) {
		return nil, fmt.Errorf("the issuer %q is not asked by https, so anybody on the way could say who a person is", o.Issuer)
	}
	t := &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}, TLSHandshakeTimeout: askBound,
		ResponseHeaderTimeout: askBound, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute, MaxConnsPerHost: 8,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Provider{o: o, client: &http.Client{Transport: bounded{t}, Timeout: askBound, CheckRedirect: stay}}, nil
}

// safe reports whether nobody on the way can change what is asked and answered.
func safe(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && a.IsLoopback()
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && here)
}

// bounded reads no more of an answer than it may have.
type bounded struct{ next http.RoundTripper }

// RoundTrip asks, and cuts what is longer.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, mostAnswer), res.Body}
	}
	return res, err
}

// ask returns what the provider says of itself, which is remembered for a while.
func (p *Provider) ask(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil && time.Now().Before(p.until) {
		return p.known, nil
	}
	known, err := oidc.NewProvider(ctx, p.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s what it is: %w", p.o.Issuer, err)
	}
	p.known, p.until = known, time.Now().Add(knownFor)
	return known, nil
}

func (p *Provider) config(known *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.o.Client, ClientSecret: p.o.Secret, RedirectURL: p.o.Redirect, Endpoint: known.Endpoint(),
		Scopes: append([]string{oidc.ScopeOpenID}, p.o.Scopes...)}
}

// Begin says where to send a browser, and what it has to bring back.
// Errors: those of asking the provider.
func (p *Provider) Begin(ctx context.Context) (to string, t Trip, err error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), askBound)
	defer cancel()
	known, err := p.ask(ctx)
	if err != nil {
		return "", Trip{}, err
	}
	t = Trip{oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()}
	to = p.config(known).AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier))
	if u, err := url.Parse(to); err != nil || !safe(u) {
		return "", Trip{}, fmt.Errorf("%s sends people to an address that is not asked by https", p.o.Issuer)
	}
	return to, t, nil
}

// Finish says who the person is whose browser came back with an answer.
// Errors: ErrTrip, ErrDenied, ErrUnproven, and those of asking the provider.
func (p *Provider) Finish(ctx context.Context, t Trip, answer url.Values) (Person, error) {
	if t.State == "" || t.Nonce == "" || t.Verifier == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(t.State)) != 1 {
		return Person{}, ErrTrip
	}
	if answer.Get("error") != "" || answer.Get("code") == "" {
		return Person{}, ErrDenied
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), 3*askBound)
	defer cancel()
	known, err := p.ask(ctx)
	if err != nil {
		return Person{}, err
	}
	token, err := p.config(known).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(t.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
		return Person{}, fmt.Errorf("%w: it takes the code back: %s", ErrDenied, refused.ErrorCode)
	}
	if err != nil {
		return Person{}, fmt.Errorf("ask %s about a code: %w", p.o.Issuer, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.Verifier(&oidc.Config{ClientID: p.o.Client}).Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(t.Nonce)) != 1 {
		return Person{}, ErrTrip
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	if err := p.complete(ctx, known, token, id.Subject, claims); err != nil {
		return Person{}, err
	}
	return p.person(claims)
}

// complete asks for the claims that the token lacks, where the provider tells them
// apart from it. They count for the token's own subject alone.
func (p *Provider) complete(ctx context.Context, known *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) error {
	if known.UserInfoEndpoint() == "" || claims[p.o.NameClaim] != nil && claims["email"] != nil && claims[p.o.GroupsClaim] != nil {
		return nil
	}
	info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask %s about a person: %w", p.o.Issuer, err)
	}
	if info.Subject != subject {
		return fmt.Errorf("%w: it tells of another person", ErrUnproven)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	for name, value := range more {
		if claims[name] == nil {
			claims[name] = value
		}
	}
	return nil
}

// person reads claims. An address counts only as a verified one.
func (p *Provider) person(claims map[string]any) (Person, error) {
	text := func(name string) string { s, _ := claims[name].(string); return s }
	out := Person{FullName: text("name"), Email: text("email")}
	if !verified(claims["email_verified"]) {
		out.Email = ""
	}
	if out.Name = text(p.o.NameClaim); p.o.NameClaim == "email" {
		out.Name = out.Email
	}
	if out.Name == "" {
		return Person{}, fmt.Errorf("%w: the claim %s says no name, or of an address not that it is verified", ErrUnproven, p.o.NameClaim)
	}
	switch groups := claims[p.o.GroupsClaim].(type) {
	case string:
		out.Groups = []string{groups}
	case []any:
		for _, g := range groups[:min(len(groups), mostGroups)] {
			if name, ok := g.(string); ok {
				out.Groups = append(out.Groups, name)
			}
		}
	}
	return out, nil
}

// verified takes the text as well: some providers write it so.
func verified(claim any) bool { return claim == true || claim == "true" }
