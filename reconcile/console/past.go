package console

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plain"
)

// askBound is how long a page waits for the past.
const askBound = 25 * time.Second

// pastView is the page of a deployment's history.
type pastView struct {
	Query, Role string
	Roles       []string
	Switches    []switchRow
	Damaged     []string
	// Failed says why the history cannot be read.
	Failed string
	CSV    string
}

// switchRow is one switch.
type switchRow struct {
	fleet.Switch
	Why   string
	Lines []timeline
}

// timeline is what one machine measured of a switch.
type timeline struct {
	Node    string
	Own     bool
	Moments []moment
}

func (c *Console) historyPage(w http.ResponseWriter, r *http.Request) {
	_, p, e := c.about(w, r, "history")
	if e == nil {
		return
	}
	v := &pastView{Query: strings.TrimSpace(r.URL.Query().Get("q")), Role: r.URL.Query().Get("role"), Roles: rolesOf(e.D)}
	v.CSV = p.Base + e.Link("history.csv")
	if r.URL.RawQuery != "" {
		v.CSV += "?" + r.URL.Query().Encode()
	}
	h, err := e.history(r.Context())
	if err != nil {
		v.Failed = err.Error()
	} else {
		v.Damaged = h.Damaged
		for _, s := range h.Switches {
			if v.wants(s) {
				v.Switches = append(v.Switches, rowOfSwitch(s))
			}
		}
	}
	p.Title, p.Main = p.Word("history.title")+" · "+e.Title, v
	c.render(w, http.StatusOK, "history", p)
}

// history reads the switches of a deployment.
func (e *entry) history(ctx context.Context) (*fleet.History, error) {
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	return e.reader.place.Past.History(ctx, e.D)
}

// wants reports whether a switch is one that a person asked for.
func (v *pastView) wants(s fleet.Switch) bool {
	if v.Role != "" && s.Role != v.Role {
		return false
	}
	text := strings.ToLower(strings.Join([]string{s.Role, string(s.To), s.Node, string(s.Guarantee), s.Reason, s.Who(), whyOf(s), s.Commit}, " "))
	for word := range strings.FieldsSeq(strings.ToLower(v.Query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// whyOf is what the person recorded, or the first line of the commit.
func whyOf(s fleet.Switch) string {
	if s.Declared == nil {
		return ""
	}
	if s.Declared.Why != "" {
		return s.Declared.Why
	}
	return s.Declared.Subject
}

func rowOfSwitch(s fleet.Switch) switchRow {
	row := switchRow{Switch: s, Why: whyOf(s)}
	for _, t := range s.Timelines() {
		line := timeline{Node: t.Node, Own: t.Node == s.Node}
		for i, p := range t.Phases {
			line.Moments = append(line.Moments, moment{p.Name, p.At.Sub(t.Phases[0].At), i == 0, p.At})
		}
		row.Lines = append(row.Lines, line)
	}
	return row
}

// historyCSV is the history for spreadsheets.
func (c *Console) historyCSV(w http.ResponseWriter, r *http.Request) {
	_, _, e := c.about(w, r, "history")
	if e == nil {
		return
	}
	h, err := e.history(r.Context())
	if err != nil {
		http.Error(w, plain.Line(err.Error()), http.StatusBadGateway)
		return
	}
	v := &pastView{Query: r.URL.Query().Get("q"), Role: r.URL.Query().Get("role")}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="history.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{"when", "role", "from", "to", "claim", "guarantee", "seconds", "who", "why", "forced", "commit", "node", "reason", "objective"})
	for _, s := range h.Switches {
		if !v.wants(s) {
			continue
		}
		forced := ""
		if s.Declared != nil {
			forced = strings.Join(s.Declared.Forced, "; ")
		}
		record := []string{
			s.At.UTC().Format(time.RFC3339), s.Role, string(s.From), string(s.To), fmt.Sprint(s.Seq), string(s.Guarantee),
			fmt.Sprintf("%.1f", s.Took().Seconds()), s.Who(), whyOf(s), forced, s.Commit, s.Node, s.Reason, verdictOf(s),
		}
		for i := range record {
			record[i] = cell(record[i])
		}
		_ = out.Write(record)
	}
	out.Flush()
}

// verdictOf is whether a switch kept its objective, empty where there is none.
func verdictOf(s fleet.Switch) string {
	if s.Objective == nil {
		return ""
	}
	return string(s.Objective.Verdict)
}

// cell makes a text that a spreadsheet takes for a text: one that begins like a formula
// gets an apostrophe before it.
func cell(text string) string {
	text = plain.Line(text)
	if first, _ := utf8.DecodeRuneInString(text); strings.ContainsRune("=+-@|%＝＋－＠", first) {
		return "'" + text
	}
	return text
}

// reviewView is the page of open branches.
type reviewView struct {
	Branches []branchView
	Failed   string
}

// branchView is a branch with what it would do to this deployment.
type branchView struct {
	Branch
	Forecasts []*forecast.Forecast
}

func (c *Console) reviewPage(w http.ResponseWriter, r *http.Request) {
	_, p, e := c.about(w, r, "review")
	if e == nil {
		return
	}
	branches, err := e.review(r.Context())
	v := &reviewView{Branches: branches}
	if err != nil {
		v.Failed = err.Error()
	}
	p.Title, p.Main = p.Word("review.title")+" · "+e.Title, v
	c.render(w, http.StatusOK, "review", p)
}

// review reads the open branches that would do something to a deployment.
func (e *entry) review(ctx context.Context) ([]branchView, error) {
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	branches, err := e.reader.place.Past.Branches(ctx, e.Reading.View)
	var out []branchView
	for _, b := range branches {
		if one, ok := e.foretold(b); ok {
			out = append(out, one)
		}
	}
	return out, err
}

// foretold says what a branch would do to a deployment; ok is false when it does
// nothing to it.
func (e *entry) foretold(b Branch) (v branchView, ok bool) {
	v.Branch = b
	for _, one := range b.Changes {
		if d := one.Document(); d == nil || d.Name != e.D.Name {
			continue
		}
		in := forecast.Input{From: one.From, To: one.To, Now: e.D, Coordinated: e.Reading.View.Coordinated}
		v.Forecasts = append(v.Forecasts, forecast.Of(in))
	}
	return v, len(v.Forecasts) > 0 || b.Broken != ""
}
