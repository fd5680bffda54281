package console

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"mainstay/reconcile/ownhost"
)

// answerBound is how long a browser may take to be given a page.
const answerBound = 30 * time.Second

// policy is what a browser may do with a page: nothing that does not come from here.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// route is one address and what answers it.
type route struct {
	pattern string
	answer  http.HandlerFunc
}

// routes lists everything there is, below the prefix.
func (c *Console) routes() []route {
	return append(c.acts(), []route{
		{"GET /{$}", c.fleetPage},
		{"GET /d/{id}", c.deploymentPage},
		{"GET /d/{id}/n/{node}", c.nodePage},
		{"GET /d/{id}/history", c.historyPage},
		{"GET /d/{id}/history.csv", c.historyCSV},
		{"GET /d/{id}/review", c.reviewPage},
		{"GET /d/{id}/commit/{hash}", c.commitPage},
		{"GET /events", c.events},
		{"GET /static/{file}", c.assets.serve},
		{"GET /metrics", c.metrics},
		{"GET /healthz", c.healthz},
		{"GET /api/v1/deployments", c.apiDeployments},
		{"GET /api/v1/deployments/{id}", c.apiDeployment},
		{"GET /api/v1/deployments/{id}/history", c.apiHistory},
		{"GET /api/v1/openapi.json", c.apiDescription},
		{"/", c.notFound},
	}...)
}

// Handler answers every request.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range c.routes() {
		mux.HandleFunc(r.pattern, r.answer)
	}
	h := c.private(mux)
	if c.base != "" {
		outer := http.NewServeMux()
		outer.Handle(c.base+"/", http.StripPrefix(c.base, h))
		outer.HandleFunc("/", c.notFound)
		h = outer
	}
	return guarded(c.ownName(h))
}

// ownName refuses what a browser was made to ask under somebody's name that has come to
// mean this address: a page of that name could read all of this one.
func (c *Console) ownName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ownhost.Known(r.Host, c.options.Hosts) {
			next.ServeHTTP(w, r)
			return
		}
		text := "this page is asked under a name that is not its own: ask for its address, or start mainstay console with --host and that name"
		if wantsJSON(r) {
			apiError(w, http.StatusMisdirectedRequest, text)
			return
		}
		http.Error(w, text, http.StatusMisdirectedRequest)
	})
}

// guarded sets what holds for every answer: no other page frames it, nothing guesses
// its kind, nobody keeps a copy of it, and a browser that takes none of it is left.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerBound))
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

// wantsJSON reports whether a request is one of a program.
func wantsJSON(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }
