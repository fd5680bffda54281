package console

import (
	"net/http"
	"strings"

	"mainstay/reconcile/console/door"
)

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
		{"GET /static/{file}", c.assets.ServeHTTP},
		{"GET /metrics", c.metrics},
		{"GET /healthz", c.healthz},
		{"GET /api/v1/deployments", c.apiDeployments},
		{"GET /api/v1/deployments/{id}", c.apiDeployment},
		{"GET /api/v1/deployments/{id}/history", c.apiHistory},
		{"GET /api/v1/deployments/{id}/review", c.apiReview},
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
	return door.Guarded(door.OwnName(h, c.options.Hosts, func(w http.ResponseWriter, r *http.Request, text string) {
		if wantsJSON(r) {
			apiError(w, http.StatusMisdirectedRequest, text)
			return
		}
		http.Error(w, text, http.StatusMisdirectedRequest)
	}))
}

// wantsJSON reports whether a request is one of a program.
func wantsJSON(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }
