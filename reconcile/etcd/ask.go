package etcd

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"mainstay/reconcile/git/failure"
)

// maxAnswer bounds what a member may answer, in bytes of JSON.
const maxAnswer = 8 << 20

// refusal is what a member said instead of carrying something out.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return "etcd says: " + r.text }

// The codes of gRPC that are told apart.
const (
	codeInvalid    = 3
	codeForbidden  = 7
	codeExhausted  = 8
	codePrecond    = 9
	codeOutOfRange = 11
	codeUnknownWho = 16
)

// Unwrap says which class it is of.
func (r *refusal) Unwrap() error {
	if r.code == codeForbidden || r.stale() {
		return failure.ErrAuth
	}
	return nil
}

// final reports whether the member is sure that it carried nothing out and never will.
// Anything else, such as a change of leader or an answer that took too long, is not.
func (r *refusal) final() bool {
	switch r.code {
	case codeInvalid, codeForbidden, codePrecond, codeOutOfRange, codeUnknownWho:
		return true
	}
	return r.full()
}

// full is a cluster that takes nothing more.
func (r *refusal) full() bool {
	return r.code == codeExhausted && strings.Contains(r.text, "space exceeded")
}

// stale reports whether another token may help.
func (r *refusal) stale() bool {
	return r.code == codeUnknownWho || r.code == codeInvalid &&
		(strings.Contains(r.text, "user name is empty") || strings.Contains(r.text, "auth store is old") || strings.Contains(r.text, "auth token"))
}

// classed is an error of a class, which whoever tells of it names once.
type classed struct {
	class error
	error
}

func of(class, err error) error { return classed{class, err} }

func (c classed) Unwrap() []error { return []error{c.class, c.error} }

// unsent is an error of a request that the member never saw.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// call is one request: its path, the token that lets it in, what is asked and where
// the answer goes.
type call struct {
	path, token string
	in, out     any
}

// letIn asks a member, with a token if a user is named. A token that is not good any
// more is asked for again once.
func (c *Client) letIn(ctx context.Context, i int, what call) error {
	var err error
	if what.token, err = c.tokenOf(ctx, i, ""); err != nil {
		return unsent{err}
	}
	err = c.ask(ctx, i, what)
	var said *refusal
	if c.userFile == "" || !errors.As(err, &said) || !said.stale() {
		return err
	}
	if what.token, err = c.tokenOf(ctx, i, what.token); err != nil {
		return unsent{err}
	}
	return c.ask(ctx, i, what)
}

// tokenOf is what lets this client in, a new one when the old one is not good.
func (c *Client) tokenOf(ctx context.Context, i int, old string) (string, error) {
	if c.userFile == "" {
		return "", nil
	}
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token != "" && token != old {
		return token, nil
	}
	name, password, err := readUser(c.userFile)
	if err != nil {
		return "", err
	}
	var out struct {
		Token string `json:"token"`
	}
	in := map[string]string{"name": name, "password": password}
	if err := c.ask(ctx, i, call{path: pathAuth, in: in, out: &out}); err != nil {
		var said *refusal
		if errors.As(err, &said) && said.code == codeInvalid {
			err = of(failure.ErrAuth, fmt.Errorf("the user or the password of %s is wrong", c.userFile))
		}
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = out.Token
	return out.Token, nil
}

// readUser reads user:password.
func readUser(file string) (name, password string, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", "", of(failure.ErrAuth, fmt.Errorf("userFile cannot be read: %w", failure.Scrub(err)))
	}
	name, password, found := strings.Cut(strings.TrimSpace(string(b)), ":")
	if !found || name == "" || len(b) > 4<<10 || strings.ContainsAny(name+password, "\r\n") {
		return "", "", of(failure.ErrAuth, fmt.Errorf("userFile %s is not one line user:password", file))
	}
	return name, password, nil
}

// ask sends one request to one member and reads its answer.
func (c *Client) ask(ctx context.Context, i int, what call) error {
	at := c.place.Hosts[i]
	answer, err := c.send(ctx, at, what)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case len(b) > maxAnswer:
		return of(failure.ErrTooLarge, fmt.Errorf("%s: more than %d bytes", at, maxAnswer))
	case err != nil:
		return fmt.Errorf("%s: %w", at, plainly(ctx, err))
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %w", at, refused(answer.StatusCode, b))
	}
	if err := json.Unmarshal(b, what.out); err != nil {
		return fmt.Errorf("%s: what it answers is not etcd's: %w", at, failure.Scrub(err))
	}
	return nil
}

func (c *Client) send(ctx context.Context, at string, what call) (*http.Response, error) {
	body, err := json.Marshal(what.in)
	if err != nil {
		return nil, unsent{err}
	}
	scheme := "http"
	if c.secure {
		scheme = "https"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+"://"+at+what.path, bytes.NewReader(body))
	if err != nil {
		return nil, unsent{err}
	}
	r.GetBody = nil // nothing is sent twice behind our back
	r.Header.Set("Content-Type", "application/json")
	if what.token != "" {
		r.Header.Set("Authorization", what.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		wrapped := fmt.Errorf("%s: %w", at, plainly(ctx, err))
		var dial *net.OpError
		var never unsent
		if errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &never) {
			return nil, unsent{wrapped}
		}
		return nil, wrapped
	}
	return answer, nil
}

// refused reads what a member says in place of an answer.
func refused(status int, body []byte) error {
	var said struct {
		Message string `json:"message"`
		Error   string `json:"error"`
		Code    int    `json:"code"`
	}
	if json.Unmarshal(body, &said) != nil || said.Code == 0 {
		return fmt.Errorf("HTTP %d, which is no answer of etcd", status)
	}
	if said.Message == "" {
		said.Message = said.Error
	}
	text := failure.Scrub(errors.New(said.Message)).Error()
	return &refusal{said.Code, text[:min(len(text), 300)]}
}

// plainly says in plain words why a member did not answer.
func plainly(ctx context.Context, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid *tls.CertificateVerificationError
	var alert *net.OpError // of TLS: the member does not want this machine's certificate, or none
	switch {
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return of(failure.ErrHostKey, failure.Scrub(failure.Plainly(err)))
	case errors.As(err, &alert) && alert.Op == "remote error":
		return of(failure.ErrAuth, failure.Scrub(failure.Plainly(err)))
	case errors.Is(err, failure.ErrHostKey), errors.Is(err, failure.ErrAuth):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("no answer in time: %w", ctx.Err())
	}
	return failure.Scrub(failure.Plainly(err))
}

// transportOf reaches members. What the environment says of proxies does not count:
// claims are read from the members themselves.
func transportOf(o Options) *http.Transport {
	d := &net.Dialer{}
	return &http.Transport{
		DialContext:         d.DialContext,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     2 * time.Minute,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
		DialTLSContext: func(ctx context.Context, network, at string) (net.Conn, error) {
			config, err := tlsOf(o, at)
			if err != nil {
				return nil, unsent{err}
			}
			raw, err := d.DialContext(ctx, network, at)
			if err != nil {
				return nil, err
			}
			conn := tls.Client(raw, config)
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = raw.Close()
				return nil, unsent{err}
			}
			return conn, nil
		},
	}
}

// tlsOf reads the files for one connection, so that a renewed one needs no restart.
func tlsOf(o Options, at string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, of(failure.ErrHostKey, fmt.Errorf("caFile: %w", failure.Scrub(err)))
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, of(failure.ErrHostKey, fmt.Errorf("caFile %s has no certificate", o.CAFile))
		}
	}
	if o.CertFile != "" {
		own, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, of(failure.ErrAuth, fmt.Errorf("certFile and keyFile: %w", failure.Scrub(err)))
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}
