package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/record"
)

const (
	// controlBody bounds the body of an order, in bytes.
	controlBody = 64 << 10
	// longestWait bounds every wait that a request may ask for.
	longestWait = 10 * time.Minute
	// longestPause bounds a pause.
	longestPause = 30 * 24 * time.Hour
	// defaultExplain is how many passes are told when nobody says how many.
	defaultExplain = 20
)

// Control serves the agent's control socket. Who may connect to the socket may
// give orders: the socket's mode is the only guard.
type Control struct {
	Agent *reconcile.Agent
	// Journal is what GET /v1/explain tells, and may be nil.
	Journal *record.Journal
}

// Handler returns the control API:
//
//	GET  /v1/status          View
//	GET  /v1/explain?last=N  Explanation
//	POST /v1/sync?wait=D     look now; with wait answer once the look has ended
//	POST /v1/pause           PauseRequest
//	POST /v1/resume
//	POST /v1/drain           DrainRequest
//	POST /v1/accept          AcceptRequest
//	POST /v1/takeover        TakeoverRequest
//
// Orders are answered by an Answer. An error is an object with error, and with
// hint and rule where there are such: 400 for an order that makes no sense, 409
// for one that a safety rule refuses, 503 for one that could not be carried out
// now, 504 for a wait that came to its end.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", c.status)
	mux.HandleFunc("GET /v1/explain", c.explain)
	mux.HandleFunc("POST /v1/sync", c.sync)
	mux.HandleFunc("POST /v1/pause", order(c.pause))
	mux.HandleFunc("POST /v1/resume", order(c.resume))
	mux.HandleFunc("POST /v1/drain", order(c.drain))
	mux.HandleFunc("POST /v1/accept", order(c.accept))
	mux.HandleFunc("POST /v1/takeover", order(c.takeover))
	return timely(mux)
}

// goodUntilHeader says until when an order is good, in nanoseconds of the
// machine's boot time, which both ends of a socket share.
const goodUntilHeader = "Mainstay-Good-Until"

// timely hands on until when an order is good. One that does not say is good for
// ever.
func timely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if by, err := strconv.ParseInt(r.Header.Get(goodUntilHeader), 10, 64); err == nil {
			r = r.WithContext(reconcile.GoodUntil(r.Context(), time.Duration(by)))
		}
		next.ServeHTTP(w, r)
	})
}

// Serve serves the control socket until ctx ends.
func (c *Control) Serve(ctx context.Context, l net.Listener, log *slog.Logger) {
	serve(ctx, l, c.Handler(), longestWait, log)
}

// order makes a handler of an order with a JSON body, which may be empty.
func order[T any](do func(context.Context, T) (Answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&body); err != nil && !errors.Is(err, io.EOF) {
			writeError(w, http.StatusBadRequest, fmt.Errorf("read the order: %w", err))
			return
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			writeError(w, http.StatusBadRequest, errors.New("read the order: something follows the JSON value"))
			return
		}
		a, err := do(r.Context(), body)
		if err != nil {
			writeError(w, statusOf(err), err)
			return
		}
		writeJSON(w, http.StatusOK, a)
	}
}

func (c *Control) status(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, ViewOf(c.Agent))
}

func (c *Control) explain(w http.ResponseWriter, r *http.Request) {
	n := defaultExplain
	if text := r.FormValue("last"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			writeError(w, http.StatusBadRequest, fmt.Errorf("last=%q must be a number above zero", text))
			return
		}
	}
	e := Explanation{Entries: []record.Entry{}}
	if c.Journal != nil {
		e = Explanation{Entries: c.Journal.Last(n), Dropped: c.Journal.Dropped()}
	}
	writeJSON(w, http.StatusOK, e)
}

// sync looks at git now. With wait it answers once that look and a pass have
// ended.
func (c *Control) sync(w http.ResponseWriter, r *http.Request) {
	wait, err := duration("wait", r.FormValue("wait"), longestWait)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	if wait == 0 {
		c.Agent.Sync()
		writeJSON(w, http.StatusOK, c.answer(reconcile.Outcome{Message: "looking at git"}))
		return
	}
	// The bound on reading a request would end the wait before its time.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	s, err := c.Agent.SyncWait(ctx)
	switch {
	case err != nil:
		writeError(w, http.StatusGatewayTimeout, fmt.Errorf("the look at git has not ended within %s", wait))
	case !s.OK:
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf("git was not read: %s", conditionText(s.Conditions, plan.CondGitUnreachable)))
	default:
		writeJSON(w, http.StatusOK, c.answer(reconcile.Outcome{Message: "looked at git"}))
	}
}

// duration reads a length of time, zero for an empty text.
func duration(name, text string, most time.Duration) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		return 0, &Misused{Reason: fmt.Sprintf("%s: %q is not a length of time from 0s to %s", name, text, most),
			Advice: "write it like 90s, 30m or 2h"}
	}
	return d, nil
}

func conditionText(list []plan.Condition, kinds ...string) string {
	for _, kind := range kinds {
		for _, c := range list {
			if c.Type == kind {
				return c.Message
			}
		}
	}
	return "no reason is known"
}

// answer is what an order that was carried out is answered with.
func (c *Control) answer(o reconcile.Outcome) Answer {
	a := Answer{Message: o.Message}
	if o.Unsaved != nil {
		a.Warning = "it counts until the agent restarts only, because it could not be kept on disk: " + o.Unsaved.Error()
	}
	if r, ok := c.Agent.Status(); ok {
		a.Report = &r
	}
	return a
}
