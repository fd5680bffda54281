package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/fleet"
)

// overview is the page of all deployments.
type overview struct {
	Query, State string
	// Ages are what the oldest word may be at least, Age the one that was asked for.
	Ages   []ageChoice
	Rows   []overviewRow
	All    int
	Counts []levelCount
	// Waiting are repositories that were never read yet.
	Waiting []string
	// Unlisted are switches at a time whose repository is not shown.
	Unlisted []kept.Order
	// More is the address of the next rows, empty at the end.
	More        string
	First, Last int
}

// ageChoice is an age that the oldest word of a deployment has at least.
type ageChoice struct {
	// Value is as the address has it, never for a node that was never heard.
	Value string
	Age   time.Duration
	On    bool
}

// never is the age of a word that was never said.
const never = "never"

// ageChoices lists what can be asked for.
func ageChoices(asked string) []ageChoice {
	var out []ageChoice
	for _, d := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour} {
		out = append(out, ageChoice{d.String(), d, asked == d.String()})
	}
	return append(out, ageChoice{Value: never, On: asked == never})
}

// silent reports whether a deployment's oldest word is as old as the choice that is on,
// if there is one.
func (o *overview) silent(e *entry, now time.Time) bool {
	i := slices.IndexFunc(o.Ages, func(a ageChoice) bool { return a.On })
	if i < 0 {
		return true
	}
	oldest, unheard := e.oldest(now)
	return unheard || o.Ages[i].Value != never && oldest >= o.Ages[i].Age
}

// oldest is the age of a deployment's oldest word; never says that a node was never
// heard.
func (e *entry) oldest(now time.Time) (age time.Duration, never bool) {
	for _, n := range e.D.Nodes {
		if n.Report == nil {
			never = true
			continue
		}
		age = max(age, e.heard(n, now))
	}
	return age, never
}

type levelCount struct {
	Level terms.Level
	N     int
	On    bool
}

// overviewRow is one deployment in a line.
type overviewRow struct {
	*entry
	Head   string
	More   []string
	Good   int
	Nodes  int
	Oldest time.Duration
	// Never says that a node was never heard.
	Never bool
	// Seen is what somebody said of it, nil for nobody.
	Seen *kept.Word
}

// mostRows is how many deployments one page lists.
const mostRows = 1000

func (c *Console) fleetPage(w http.ResponseWriter, r *http.Request) {
	s := c.state()
	unlisted := c.unlisted()
	if len(s.entries) == 1 && len(s.readings) == 1 && r.URL.RawQuery == "" && len(unlisted) == 0 {
		http.Redirect(w, r, c.base+s.entries[0].Link(), http.StatusFound)
		return
	}
	p := c.page(w, r, s)
	p.Title = p.Word("fleet.title")
	o := overviewOf(p.Language, s, r.URL.Query())
	for i := range o.Rows {
		o.Rows[i].Seen = c.seenOf(o.Rows[i].entry)
	}
	o.Unlisted = unlisted
	p.Main = o
	c.render(w, http.StatusOK, "fleet", p)
}

// overviewOf lists those deployments that a person asked for, worst first.
func overviewOf(l *words.Language, s *state, asked url.Values) *overview {
	o := &overview{Query: strings.TrimSpace(asked.Get("q")), State: asked.Get("state"), Ages: ageChoices(asked.Get("age")), All: len(s.entries)}
	for _, level := range terms.Levels() {
		n := 0
		for _, e := range s.entries {
			if e.Level == level {
				n++
			}
		}
		o.Counts = append(o.Counts, levelCount{level, n, o.State == string(level)})
	}
	from, _ := strconv.Atoi(asked.Get("from"))
	skip := max(0, from)
	for _, e := range s.entries {
		if o.State != "" && string(e.Level) != o.State || !e.matches(o.Query) || !o.silent(e, s.at) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(o.Rows) == mostRows {
			o.More = "?" + url.Values{"q": {o.Query}, "state": {o.State}, "age": {asked.Get("age")}, "from": {strconv.Itoa(max(0, from) + mostRows)}}.Encode()
			break
		}
		o.Rows = append(o.Rows, rowOf(l, e, s.at))
	}
	for _, r := range s.readings {
		if r.View == nil {
			o.Waiting = append(o.Waiting, r.Repository)
		}
	}
	return o
}

// matches reports whether a deployment has every word of a search in its name, its
// path, its repository, its nodes or their addresses.
func (e *entry) matches(query string) bool {
	if query == "" {
		return true
	}
	text := strings.ToLower(e.ID + " " + e.D.Path + " " + e.Reading.Repository + " " + string(e.D.Active))
	for _, n := range e.D.Nodes {
		text += " " + strings.ToLower(n.Name+" "+n.Role)
	}
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(query)), func(word string) bool { return !strings.Contains(text, word) })
}

func rowOf(l *words.Language, e *entry, now time.Time) overviewRow {
	h := headlineOf(l, e.D)
	row := overviewRow{entry: e, Head: h.Lines[0], Nodes: len(e.D.Nodes)}
	if e.Level != terms.Fine {
		row.More = append(row.More, e.D.Findings...)
	}
	for _, n := range e.D.Nodes {
		switch {
		case n.OK:
			row.Good++
		case len(n.Findings) > 0:
			row.More = append(row.More, n.Name+": "+n.Findings[0])
		}
	}
	row.Oldest, row.Never = e.oldest(now)
	if neverHeard(e.D) {
		row.More = []string{l.Word("fleet.never-heard")}
	}
	const mostMore = 3
	if len(row.More) > mostMore {
		row.More = row.More[:mostMore]
	}
	return row
}

// neverHeard reports whether no node of a deployment ever spoke.
func neverHeard(d *fleet.Deployment) bool {
	return !slices.ContainsFunc(d.Nodes, func(n fleet.Node) bool { return n.Report != nil })
}
