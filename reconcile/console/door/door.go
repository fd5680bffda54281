// Package door is what every request to the page comes through, whatever it asks for:
// the names and the headers that keep other pages out, the bounds of what a stranger can
// hold open, and forms that are carried out once.
//
// It must not know of deployments, people or words.
package door

import (
	"context"
	"net"
	"net/http"
	"time"

	"mainstay/reconcile/ownhost"
)

// AnswerBound is how long a browser may take to be given a page.
const AnswerBound = 30 * time.Second

// Policy is what a browser may do with a page: nothing that does not come from here.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// OwnName refuses what a browser was made to ask under somebody's name that has come to
// mean this address: a page of that name could read all of this one. hosts are the names
// of its own beside addresses and localhost; refuse answers with a text.
func OwnName(next http.Handler, hosts []string, refuse func(w http.ResponseWriter, r *http.Request, text string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ownhost.Known(r.Host, hosts) {
			next.ServeHTTP(w, r)
			return
		}
		refuse(w, r, "this page is asked under a name that is not its own: ask for its address, or start mainstay console with --host and that name")
	})
}

// Guarded sets what holds for every answer: no other page frames it, nothing guesses
// its kind, nobody keeps a copy of it, and a browser that takes none of it is left.
func Guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", Policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(AnswerBound))
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		next.ServeHTTP(w, r)
	})
}

// mostBody is how many bytes a request may carry.
const mostBody = 64 << 10

// Serve answers on a listener until ctx ends. Everything that a stranger can hold open
// has a bound.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := s.Shutdown(last); err != nil {
		_ = s.Close()
	}
	<-ended
	return nil
}
