package console

import (
	"encoding/json"
	"net/http"
	"time"

	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plain"
	"mainstay/spec"
)

// listJSON is every deployment in a few words.
type listJSON struct {
	At           time.Time        `json:"at"`
	Repositories []repositoryJSON `json:"repositories"`
	Deployments  []summaryJSON    `json:"deployments"`
}

// repositoryJSON is how reading one goes.
type repositoryJSON struct {
	Repository string    `json:"repository"`
	Read       time.Time `json:"read,omitzero"`
	Failed     string    `json:"failed,omitempty"`
	Since      time.Time `json:"since,omitzero"`
}

// summaryJSON is one deployment.
type summaryJSON struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Repository string      `json:"repository"`
	Path       string      `json:"path,omitempty"`
	Active     spec.Side   `json:"active,omitempty"`
	Level      terms.Level `json:"level"`
	OK         bool        `json:"ok"`
	Headline   []string    `json:"headline"`
	Nodes      int         `json:"nodes"`
	Good       int         `json:"good"`
	Findings   []string    `json:"findings,omitempty"`
	Outages    []string    `json:"outages,omitempty"`
}

// oneJSON is a deployment as `mainstay status -o json` prints it, and how old that is.
type oneJSON struct {
	fleet.View
	Failed string    `json:"failed,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	// Seen is what a person said of what is wrong, Timed the switches asked for at a time.
	Seen  *seenJSON   `json:"seen,omitempty"`
	Timed []timedJSON `json:"timed,omitempty"`
}

// seenJSON is who has seen what is wrong.
type seenJSON struct {
	Who  string    `json:"who"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// timedJSON is a switch that was asked for at a time, or what became of it of late.
type timedJSON struct {
	To     string     `json:"to"`
	At     time.Time  `json:"at"`
	Who    string     `json:"who"`
	Reason string     `json:"reason"`
	State  kept.State `json:"state"`
	Said   string     `json:"said,omitempty"`
	Commit string     `json:"commit,omitempty"`
}

func (c *Console) apiDeployments(w http.ResponseWriter, _ *http.Request) {
	s := c.state()
	english := c.languages.All()[0]
	out := listJSON{At: s.at.UTC(), Repositories: []repositoryJSON{}, Deployments: []summaryJSON{}}
	for _, r := range s.readings {
		one := repositoryJSON{Repository: r.Repository, Failed: r.Failed, Since: r.Since}
		if r.View != nil {
			one.Read = r.View.Read
		}
		out.Repositories = append(out.Repositories, one)
	}
	for _, e := range s.entries {
		row := rowOf(english, e, s.at)
		out.Deployments = append(out.Deployments, summaryJSON{
			ID: e.ID, Name: e.D.Name, Repository: e.Reading.Repository, Path: e.D.Path, Active: e.D.Active, Level: e.Level, OK: e.D.OK,
			Headline: headlineOf(english, e.D).Lines, Nodes: row.Nodes, Good: row.Good, Findings: e.D.Findings, Outages: e.D.Outages,
		})
	}
	answer(w, http.StatusOK, out)
}

// apiEntry finds what an address names; when there is nothing it has answered.
func (c *Console) apiEntry(w http.ResponseWriter, r *http.Request) *entry {
	e, err := c.state().entry(r.PathValue("id"))
	if err != nil {
		c.unmet(w, r, err)
	}
	return e
}

func (c *Console) apiDeployment(w http.ResponseWriter, r *http.Request) {
	e := c.apiEntry(w, r)
	if e == nil {
		return
	}
	out := oneJSON{View: *e.Reading.View, Failed: e.Reading.Failed, Since: e.Reading.Since}
	out.Deployments, out.OK = []fleet.Deployment{*e.D}, e.D.OK
	if w := c.seenOf(e); w != nil {
		out.Seen = &seenJSON{w.Name, w.At.UTC(), w.Text}
	}
	orders, _ := c.ordersOf(e)
	for _, one := range orders {
		out.Timed = append(out.Timed, timedJSON{one.To, one.At.UTC(), one.Name, one.Reason, one.State, one.Said, one.Result})
	}
	answer(w, http.StatusOK, out)
}

func (c *Console) apiHistory(w http.ResponseWriter, r *http.Request) {
	e := c.apiEntry(w, r)
	if e == nil {
		return
	}
	h, err := e.history(r.Context())
	if err != nil {
		apiError(w, http.StatusBadGateway, plain.Line(err.Error()))
		return
	}
	answer(w, http.StatusOK, h)
}

// reviewJSON are the open branches with what they would do.
type reviewJSON struct {
	Branches []branchJSON `json:"branches"`
}

// branchJSON is one branch.
type branchJSON struct {
	Name      string               `json:"name"`
	Commit    string               `json:"commit"`
	Author    string               `json:"author"`
	Subject   string               `json:"subject"`
	Reason    string               `json:"reason,omitempty"`
	When      time.Time            `json:"when"`
	Broken    string               `json:"broken,omitempty"`
	Forecasts []*forecast.Forecast `json:"forecasts,omitempty"`
}

func (c *Console) apiReview(w http.ResponseWriter, r *http.Request) {
	e := c.apiEntry(w, r)
	if e == nil {
		return
	}
	branches, err := e.review(r.Context())
	if err != nil {
		apiError(w, http.StatusBadGateway, plain.Line(err.Error()))
		return
	}
	out := reviewJSON{Branches: []branchJSON{}}
	for _, b := range branches {
		out.Branches = append(out.Branches, branchJSON{b.Name, b.Commit, b.Author, b.Subject, b.Reason, b.When.UTC(), b.Broken, b.Forecasts})
	}
	answer(w, http.StatusOK, out)
}

func (c *Console) apiDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(c.assets.Content("openapi.json"))
}

// answer writes JSON.
func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func apiError(w http.ResponseWriter, code int, text string) {
	answer(w, code, map[string]string{"error": text})
}
