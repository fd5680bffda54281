package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"mainstay/reconcile/control"
)

// clockSlack is how far two clocks may be apart before people are misled.
const clockSlack = 5 * time.Second

// peerClocks finds reports from the future: clocks that differ. No decision
// depends on them, but what people read does.
func (e *examiner) peerClocks(s control.View) {
	for name, r := range s.Others {
		if ahead := time.Until(r.At); !r.At.IsZero() && ahead > clockSlack {
			e.warn("clock", fmt.Sprintf("the clock of %s is at least %s ahead of this one", name, ahead.Round(time.Second)),
				"run a time service on both; ages in status are wrong until then")
		}
	}
}

// serverClock compares this clock with the one of a web server's answer, which
// ssh has not.
func (e *examiner) serverClock(ctx context.Context) {
	u, err := url.Parse(e.file.Repository.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	u.User = nil
	date, err := dateOf(ctx, u.String(), e.file.Repository.CAFile)
	if err != nil {
		e.warn("clock", "it could not be compared with the git server's: "+err.Error(), "compare it by hand, or run a time service")
		return
	}
	if off := e.now().Sub(date); off.Abs() > clockSlack {
		e.warn("clock", fmt.Sprintf("this clock is %s away from the git server's", off.Abs().Round(time.Second)), "run a time service")
		return
	}
	e.ok("clock", "it agrees with the git server's")
}

// dateOf asks a web server for its clock. The answer may be a refusal: it has the
// date too.
func dateOf(ctx context.Context, address, caFile string) (time.Time, error) {
	var roots *x509.CertPool // the system's, unless the node's own file names others
	if pem, err := os.ReadFile(caFile); err == nil {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return time.Time{}, err
	}
	way := &http.Transport{MaxResponseHeaderBytes: 64 << 10, TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	res, err := way.RoundTrip(req)
	if err != nil {
		return time.Time{}, err
	}
	defer res.Body.Close()
	return http.ParseTime(res.Header.Get("Date"))
}
