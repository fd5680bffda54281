package control

import (
	"encoding/json"
	"errors"
	"net/http"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/record"
)

// View is what GET /v1/status answers: this node, the others and the claims as
// this node knows them now.
type View struct {
	// Node is this node's own report as of its newest pass.
	Node plan.Report `json:"node"`
	// Others are the reports of the deployment's other nodes by name, as last
	// read; one that was never read has the status Unknown.
	Others map[string]plan.Report `json:"others"`
	// Claims are by role.
	Claims map[string]ClaimStatus `json:"claims"`
}

// ClaimStatus is a claim as this node knows it.
type ClaimStatus struct {
	plan.Tip
	// Reachable says that the newest attempt to read it was answered.
	Reachable bool `json:"reachable"`
	// Regressed says that the server's claim does not descend from this one
	// (R10).
	Regressed bool `json:"regressed,omitempty"`
}

// PauseRequest is the body of POST /v1/pause (R11).
type PauseRequest struct {
	// Reason is for the people who find the node paused; it is required.
	Reason string `json:"reason"`
	// For is how long, as a Go duration; it is required, and 720h at most.
	For string `json:"for"`
}

// DrainRequest is the body of POST /v1/drain (R2).
type DrainRequest struct {
	// End ends the drain that is under way; it is required. Only a document
	// begins one.
	End bool `json:"end"`
}

// AcceptRequest is the body of POST /v1/accept: either a commit that does not
// descend from the accepted one, by at least 7 of its hex digits, or
// a claim that went back (R9).
type AcceptRequest struct {
	Commit string `json:"commit,omitempty"`
	Claim  bool   `json:"claim,omitempty"`
	// Attest is what the person states; it is required with Claim, and with a commit
	// that renames what leads to a claim (R13).
	Attest string `json:"attest,omitempty"`
}

// TakeoverRequest is the body of POST /v1/takeover (R9). Exactly one of Attest
// and End is set; Adopt goes with Attest.
type TakeoverRequest struct {
	// Attest is what the person states about the other side.
	Attest string `json:"attest,omitempty"`
	// Adopt asks for the claim of a dead instance of this side only.
	Adopt bool `json:"adopt,omitempty"`
	// End ends a takeover that is in force.
	End bool `json:"end,omitempty"`
}

// Answer is what every order is answered with.
type Answer struct {
	// Message says in words what was done.
	Message string `json:"message"`
	// Warning says what the person should know about it, such as a disk that
	// could not keep it.
	Warning string `json:"warning,omitempty"`
	// Report is this node's report after the order, nil when there is none.
	Report *plan.Report `json:"report,omitempty"`
}

// Explanation is what GET /v1/explain answers: the newest passes, oldest first.
type Explanation struct {
	Entries []record.Entry `json:"entries"`
	// Dropped counts the passes that could not be kept on disk.
	Dropped uint64 `json:"dropped,omitempty"`
}

// Misused is an order that makes no sense as it was given.
type Misused struct {
	Reason string
	Advice string
}

// Error says what is wrong with the order.
func (m *Misused) Error() string { return m.Reason }

// Hint returns what would be right.
func (m *Misused) Hint() string { return m.Advice }

// problem is the body of every answer that is an error.
type problem struct {
	Error string    `json:"error"`
	Hint  string    `json:"hint,omitempty"`
	Rule  plan.Rule `json:"rule,omitempty"`
}

// statusOf is the status code an error is answered with.
func statusOf(err error) int {
	var refused *permit.Refused
	var misused *Misused
	switch {
	case errors.As(err, &refused):
		return http.StatusConflict
	case errors.As(err, &misused):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

func writeError(w http.ResponseWriter, code int, err error) {
	p := problem{Error: err.Error()}
	var refused *permit.Refused
	if errors.As(err, &refused) {
		p.Error, p.Rule = refused.Reason, refused.Rule
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		p.Hint = h.Hint()
	}
	writeJSON(w, code, p)
}

// writeJSON answers with v. A client that went away is nobody to tell.
func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}
