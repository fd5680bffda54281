package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mainstay/spec"
)

const (
	// maxBody is how much of a response is searched for the wanted text.
	maxBody = 64 << 10
	// maxRedirects is how many redirects are followed.
	maxRedirects = 3
)

// httpQuestion is one GET request and what counts as an answer to it.
type httpQuestion struct {
	url      *url.URL
	status   []int
	body     string
	insecure bool
	timeout  spec.Duration
}

func newHTTP(p spec.Probe) (Func, error) {
	u, err := url.Parse(p.HTTP)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("http: %q: want http://host/ or https://host/", u.Redacted())
	}
	q := &httpQuestion{url: u, status: p.Status, body: p.Body, insecure: p.Insecure, timeout: p.Timeout}
	return func(ctx context.Context) error {
		if err := q.ask(ctx); err != nil {
			return fmt.Errorf("http get %s: %w", u.Redacted(), err)
		}
		return nil
	}, nil
}

func (q *httpQuestion) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url.String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", userAgent)
	var way dialed
	client, done := q.client(&way)
	defer done()
	response, err := client.Do(request)
	if err != nil {
		return q.judge(ctx, &way, err)
	}
	defer response.Body.Close()
	if !q.wants(response.StatusCode) {
		err = fmt.Errorf("answered %d %s, expected %s", response.StatusCode, http.StatusText(response.StatusCode), q.expected())
	} else {
		err = q.search(ctx, response.Body)
	}
	if err != nil {
		return judge(Otherwise, err)
	}
	return nil
}

// judge says what an error before an answer proves. A redirect was an answer, and
// so is anything that comes back instead of HTTP or TLS.
func (q *httpQuestion) judge(ctx context.Context, way *dialed, err error) error {
	text := q.failure(ctx, err)
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	answered := way.redirected || errors.As(err, &alert) || errors.As(err, &record) || errors.As(err, &cert) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || way.talking.Load() && ctx.Err() == nil
	if answered {
		return judge(Otherwise, text)
	}
	return way.verdict(text, ctx.Err() != nil)
}

// client makes a client of this one try: no connection outlives it, and no
// environment variable sends it through a proxy.
func (q *httpQuestion) client(way *dialed) (*http.Client, func()) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := way.dialer().DialContext(ctx, network, address)
			way.talking.Store(err == nil)
			return conn, err
		},
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxBody,
		//nolint:gosec // The document asks for it, service by service.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: q.insecure},
	}
	return &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		way.redirected = true
		return q.redirect(next, via)
	}}, transport.CloseIdleConnections
}

// redirect stops at a redirect that is itself an answer, and after a few.
func (q *httpQuestion) redirect(next *http.Request, via []*http.Request) error {
	if code := next.Response.StatusCode; q.wants(code) && (len(q.status) > 0 || q.body == "") {
		return http.ErrUseLastResponse
	}
	if next.URL.Hostname() != q.url.Hostname() {
		return notFollowed("redirected to another host, where a probe does not follow")
	}
	if len(via) > maxRedirects {
		return notFollowed(fmt.Sprintf("redirected more than %d times", maxRedirects))
	}
	return nil
}

func (q *httpQuestion) wants(code int) bool {
	if len(q.status) == 0 {
		return code >= 200 && code <= 399
	}
	return slices.Contains(q.status, code)
}

func (q *httpQuestion) expected() string {
	if len(q.status) == 0 {
		return "200 to 399"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(q.status), " ", " or "), "[]")
}

// search reads until the wanted text has come.
func (q *httpQuestion) search(ctx context.Context, body io.Reader) error {
	if q.body == "" {
		return nil
	}
	wanted := []byte(q.body)
	var read []byte
	buffer := make([]byte, 4096)
	for len(read) < maxBody {
		n, err := body.Read(buffer[:min(len(buffer), maxBody-len(read))])
		from := max(0, len(read)-len(wanted)+1)
		read = append(read, buffer[:n]...)
		if bytes.Contains(read[from:], wanted) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%q had not come after %d bytes: %w", q.body, len(read), q.failure(ctx, err))
		}
	}
	return fmt.Errorf("%q is not in the first %d bytes of the page", q.body, len(read))
}

func (q *httpQuestion) failure(ctx context.Context, err error) error {
	var dns *net.DNSError
	if when := ended(ctx, q.timeout); when != "" && !errors.As(err, &dns) {
		return fmt.Errorf("no answer %s", when)
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return fmt.Errorf("its certificate is not accepted: %w", cert.Err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the connection was closed before the answer was complete")
	}
	return withoutItsWords(err)
}

// notFollowed says why a redirect was not followed.
type notFollowed string

// Error is that reason.
func (n notFollowed) Error() string { return string(n) }

// withoutItsWords keeps what another machine answered out of an error: whoever
// reads the reports would read it.
func withoutItsWords(err error) error {
	var op *net.OpError
	var stop notFollowed
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &op), errors.As(err, &stop), errors.As(err, &alert), errors.As(err, &record), errors.Is(err, errLinkLocal):
		return reason(err)
	case strings.Contains(err.Error(), "headers exceeded"):
		return errors.New("the header of the answer is too long")
	}
	return errors.New("what came back is malformed HTTP")
}
