package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
)

// httpDialer speaks smart HTTP. It keeps idle connections, so that a poll costs
// no handshake, and nothing else.
type httpDialer struct {
	endpoint
	tokenFile string
	client    *http.Client
	mirror    bool
	// skip is how many more polls are not made by protocol version 2.
	skip atomic.Int32
	// found are the addresses that a service was last found at, by its name.
	found sync.Map
}

func newHTTPDialer(e endpoint, o Options) (*httpDialer, error) {
	roots, err := rootsFrom(o.CAFile)
	if err != nil {
		return nil, err
	}
	d := &httpDialer{endpoint: e, mirror: o.Mirror}
	if e.sameHost(o.URL) {
		d.tokenFile = o.TokenFile
	}
	if d.hasSecret() && e.base.Scheme == "http" && !loopback(e.base.Hostname()) {
		return nil, &failure.Error{
			Kind: failure.ErrAuth, Step: "open", At: e.shown,
			Err:    errors.New("a token would cross the network in the clear"),
			Advice: "use an https address",
		}
	}
	d.client = &http.Client{
		Transport: &http.Transport{
			// No proxy from the environment: a token must not take a way that
			// nobody wrote into the agent file.
			Proxy:           nil,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			// HTTP/1.1 only: an HTTP/2 connection that went dead behind a
			// firewall is used again after every timeout.
			TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     90 * time.Second,
			// A header costs many times its bytes, and no git server needs more.
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: sameOrigin,
	}
	return d, nil
}

// rootsFrom are the authorities of a file, and no other: whoever names one does not
// want any public authority to speak for the server. Without a file they are the system's.
func rootsFrom(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrHostKey, Step: "read", At: "caFile", Err: err, Setting: failure.CAUnreadable, Advice: "correct caFile in the agent file"}
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, &failure.Error{Kind: failure.ErrHostKey, Step: "read", At: file, Err: errors.New("no certificate in it")}
	}
	return roots, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameOrigin lets a server correct a path, and nothing else: a redirect to
// another host would take the credentials and the trust there.
func sameOrigin(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host:
		return &failure.Error{
			Kind: failure.ErrUnreachable, Err: fmt.Errorf("the server sends this node to %s://%s", req.URL.Scheme, req.URL.Host),
			Setting: failure.AddressMoved,
			Advice:  "redirects to another server are not followed: if it is the right one, write its address into the agent file",
		}
	case first.Method != http.MethodGet || len(via) > 3:
		return &failure.Error{Kind: failure.ErrUnreachable, Err: errors.New("too many redirects")}
	}
	return nil
}

func (d *httpDialer) Shown() string { return d.endpoint.shown }

func (d *httpDialer) Forget() { d.client.CloseIdleConnections() }

func (d *httpDialer) hasSecret() bool { return d.tokenFile != "" || d.password != "" }

// credentials returns user and password for this request.
func (d *httpDialer) credentials() (user, password string, err error) {
	if d.tokenFile == "" {
		return d.user, d.password, nil
	}
	b, err := os.ReadFile(d.tokenFile)
	if err != nil {
		return "", "", &failure.Error{Kind: failure.ErrAuth, Err: failure.Scrub(err), Setting: failure.TokenFile, Advice: "correct tokenFile in the agent file, or its permissions"}
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return "", "", &failure.Error{
			Kind: failure.ErrAuth, Err: fmt.Errorf("%s: wants one line", d.tokenFile),
			Advice: "write \"token\" or \"user:token\" into it",
		}
	}
	if user, password, ok := strings.Cut(token, ":"); ok {
		return user, password, nil
	}
	// Hosts that take a token as password accept any user name with it.
	if d.user != "" {
		return d.user, token, nil
	}
	return "token", token, nil
}

// httpLink is one service over two requests.
type httpLink struct {
	dialer         *httpDialer
	service        string
	base           string
	user, password string
	body           io.ReadCloser
	in             *bufio.Reader
	version2       bool
	// answered says that a server answered, be it with an error, and cached that
	// the answer was an old one.
	answered, cached bool
}

func (d *httpDialer) Dial(ctx context.Context, service string) (Link, error) {
	l := &httpLink{dialer: d, service: service, base: d.base.String()}
	var err error
	if l.user, l.password, err = d.credentials(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/info/refs?service="+service, nil)
	if err != nil {
		return nil, l.Explain(err)
	}
	res, err := l.do(req, "application/x-"+service+"-advertisement")
	if err != nil {
		return nil, l.Explain(err)
	}
	at := *res.Request.URL
	at.RawQuery, at.User = "", nil
	l.base = strings.TrimSuffix(at.String(), "/info/refs")
	d.found.Store(service, l.base)
	return l, nil
}

var _ Reopener = (*httpDialer)(nil)

// Reopen implements Reopener: over HTTP every request stands for itself.
func (d *httpDialer) Reopen(service string) Link {
	base, ok := d.found.Load(service)
	if !ok {
		return nil
	}
	l := &httpLink{dialer: d, service: service, base: base.(string)}
	var err error
	if l.user, l.password, err = d.credentials(); err != nil {
		return nil // dialling says it
	}
	return l
}

func (l *httpLink) Refs() *bufio.Reader { return l.in }

func (l *httpLink) Send(ctx context.Context, request []byte) (*bufio.Reader, error) {
	l.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/"+l.service, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-"+l.service+"-request")
	if _, err := l.do(req, "application/x-"+l.service+"-result"); err != nil {
		return nil, err
	}
	return l.in, nil
}

func (l *httpLink) do(req *http.Request, want string) (*http.Response, error) {
	req.Header.Set("User-Agent", Agent)
	req.Header.Set("Accept", want)
	// A cache on the way must ask the server: a claim of before is no claim (R7).
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Pragma", "no-cache")
	if l.user != "" || l.password != "" {
		req.SetBasicAuth(l.user, l.password)
	}
	if l.version2 {
		req.Header.Set("Git-Protocol", "version=2")
	}
	res, err := l.dialer.client.Do(req)
	l.answered = res != nil
	if err != nil {
		return nil, err
	}
	l.body = res.Body
	l.in = NewMeter(res.Body)
	if res.StatusCode != http.StatusOK {
		return nil, l.refusal(res)
	}
	if err := l.fresh(res); err != nil {
		return nil, err
	}
	if got := res.Header.Get("Content-Type"); !sameMediaType(got, want) {
		return nil, &failure.Error{
			Kind: failure.ErrUnreachable, Err: fmt.Errorf("it answers %q instead of git's smart HTTP", packet.Message([]byte(got))),
			Advice: "check that the address is the one git clone takes",
		}
	}
	return res, nil
}

// fresh refuses an answer that a cache kept: the server itself did not say it now,
// so that nothing may be believed to be so now (R7).
func (l *httpLink) fresh(res *http.Response) error {
	age := strings.TrimSpace(res.Header.Get("Age"))
	if l.dialer.mirror || strings.Trim(age, "0") == "" {
		return nil
	}
	l.cached = true
	return &failure.Error{
		Kind:   failure.ErrUnreachable,
		Err:    fmt.Errorf("a cache answered in place of the server (Age: %s)", packet.Message([]byte(age))),
		Advice: "let no cache answer for this address: it must pass every request on",
	}
}

// sameMediaType compares what matters: a parameter, or capitals, say nothing.
func sameMediaType(got, want string) bool {
	kind, _, _ := strings.Cut(got, ";")
	return strings.EqualFold(strings.TrimSpace(kind), want)
}

func (l *httpLink) refusal(res *http.Response) error {
	defer l.Close()
	body, _ := io.ReadAll(io.LimitReader(l.in, packet.MaxMessage))
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", res.StatusCode, packet.Message(body)))
	e := &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(errors.New(text), l.password)}
	after := ""
	if s := res.Header.Get("Retry-After"); s != "" {
		after = "; it asks to wait until then: " + packet.Message([]byte(s))
		if _, err := strconv.Atoi(s); err == nil {
			after = "; it asks to wait " + s + " s"
		}
	}
	switch res.StatusCode {
	case http.StatusProxyAuthRequired:
		e.Advice = "a proxy stands in the way and wants a password, and mainstay uses no proxy: let this node reach the git server directly"
	case http.StatusTooManyRequests:
		e.Advice = "the server limits how often it is asked: make agent.poll longer in the document, or raise the limit for this node" + after
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Advice = "the server is overloaded, being restarted or down behind its front: look at it, the node asks again by itself" + after
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind, e.Setting = failure.ErrAuth, failure.TokenRefused
		e.Advice = "check the token in tokenFile and what it may do; a mirror on another host is not sent it and wants user:token@ in its own address"
	case http.StatusInternalServerError:
		e.Advice = "the server has a fault of its own: its log says which; the node asks again by itself" + after
	case http.StatusNotFound, http.StatusGone:
		e.Kind, e.Advice = failure.ErrAuth, "check the address and that the token may see the repository"
	}
	return e
}

func (l *httpLink) Explain(err error) *failure.Error {
	var e *failure.Error
	if errors.As(err, &e) {
		return e
	}
	e = &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(failure.Plainly(err), l.password)}
	var authority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	if errors.As(err, &authority) || errors.As(err, &verification) {
		e.Kind, e.Setting = failure.ErrHostKey, failure.CAMissing
		e.Advice = "if the server's certificate is of your own authority, name it in caFile"
	}
	return e
}

// close reads what is left of a short answer, so that the connection can be used
// again.
func (l *httpLink) Close() {
	if l.body == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, l.body, 4096)
	_ = l.body.Close()
	l.body = nil
}
