// Package provider runs an OpenID Connect provider for tests: a certified one, with
// people of the test's own, on this machine.
//
// It must not know what it signs people in at.
package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// Password is everybody's.
const Password = "correct horse"

// Person is somebody whom the provider knows.
type Person struct {
	Name, Email string
	Verified    bool
	Groups      []string
}

// Provider is one that runs.
type Provider struct {
	*httptest.Server
	// Client and Secret are of the page that asks it.
	Client, Secret string
	back           string
	handler        http.Handler
}

// Start runs a provider that sends people back to one address. Close ends it.
func Start(back string, people ...Person) *Provider {
	p := &Provider{Client: "page", Secret: "of-this-test", back: back}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }))
	known := folk{}
	for _, one := range people {
		known[one.Name] = one
	}
	keep := &keeper{storage.NewStorageWithClients(known, map[string]*storage.Client{p.Client: storage.WebClient(p.Client, p.Secret, back)}), known}
	before := slog.Default()
	p.handler = exampleop.SetupServer(p.URL, keep, slog.New(slog.NewTextHandler(io.Discard, nil)), false)
	slog.SetDefault(before)
	return p
}

// folk are those whom the provider knows, by name.
type folk map[string]Person

// GetUserByID finds a person.
func (p folk) GetUserByID(id string) *storage.User {
	one, ok := p[id]
	if !ok {
		return nil
	}
	return &storage.User{ID: one.Name, Username: one.Name, Password: Password, FirstName: "Person", LastName: one.Name, Email: one.Email, EmailVerified: one.Verified}
}

// GetUserByUsername finds a person.
func (p folk) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

// ExampleClientID is of a client that nobody uses.
func (p folk) ExampleClientID() string { return "nobody" }

// keeper tells groups as well.
type keeper struct {
	*storage.Storage
	people folk
}

// SetUserinfoFromToken says what the provider knows of a person.
func (k *keeper) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	info.AppendClaims("groups", k.people[subject].Groups)
	return k.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin)
}

// GoThrough is what a browser does that was sent to the provider: it signs a person in,
// and returns what it comes back with.
func (p *Provider) GoThrough(ctx context.Context, to, name string) (url.Values, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	var home *url.URL
	c := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), p.back) {
			home = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	form, err := p.visit(ctx, c, to, nil)
	if err != nil {
		return nil, err
	}
	filled := url.Values{"username": {name}, "password": {Password}, "id": {form.Query().Get("authRequestID")}}
	if _, err := p.visit(ctx, c, form.String(), filled); err != nil {
		return nil, err
	}
	if home == nil {
		return nil, errors.New("the provider sent nobody back")
	}
	return home.Query(), nil
}

// visit asks for a page, with a form if there is one, and returns where that led.
func (p *Provider) visit(ctx context.Context, c *http.Client, to string, form url.Values) (*url.URL, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("the provider says %s", res.Status)
	}
	return res.Request.URL, nil
}
