package control

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

const (
	// aliveBound is how old the newest pass of a healthy agent may be, and how
	// long the first one may take to come.
	aliveBound = time.Minute
)

// HTTP is what an agent serves on its listen address. It only reads, but for
// notifications, which make the agent look at git.
type HTTP struct {
	Agent *reconcile.Agent
	// Metrics serves GET /metrics, Notify POST /v1/notify.
	Metrics, Notify http.Handler
	// Names are what this machine is called besides localhost and its addresses.
	Names []string
	// Boot is CLOCK_BOOTTIME, and Began is when the agent began by it.
	Boot  func() time.Duration
	Began time.Duration
}

// Handler returns the endpoints:
//
//	GET  /           a page about this node, for a browser
//	GET  /metrics    for Prometheus
//	GET  /healthz    200 while the agent makes passes, else 503
//	GET  /readyz     200 while the node is Active or Inactive, as it should be; else 503 with the reason
//	GET  /v1/status  View
//	POST /v1/notify  a notification, see Notifier
func (h *HTTP) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h.Metrics)
	mux.HandleFunc("GET /{$}", h.page)
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, ViewOf(h.Agent))
	})
	mux.Handle("POST /v1/notify", h.Notify)
	return ownHost(mux, h.Names...)
}

func (h *HTTP) healthz(w http.ResponseWriter, _ *http.Request) {
	since := h.Boot() - max(h.Agent.Passed(), h.Began)
	if since > aliveBound {
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf("no pass has ended for %s", since.Round(time.Second)))
		return
	}
	writeJSON(w, http.StatusOK, Answer{Message: "ok"})
}

func (h *HTTP) readyz(w http.ResponseWriter, _ *http.Request) {
	r, _ := h.Agent.Status()
	if r.Status != plan.Active && r.Status != plan.Inactive {
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf("%s: %s", r.Status, r.Reason))
		return
	}
	writeJSON(w, http.StatusOK, Answer{Message: string(r.Status)})
}

// Serve serves the listen address until ctx ends. Nothing that goes wrong here
// stops the agent.
func (h *HTTP) Serve(ctx context.Context, l net.Listener, log *slog.Logger) {
	serve(ctx, l, h.Handler(), 0, log)
}
