package console

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
)

// number is what changes of a finding while it stays the same: ages, counts, commits. The
// digits of a name such as sip1 are none of it.
var number = regexp.MustCompile(`\b[0-9][0-9A-Za-z.:+-]*`)

// markOf names what is wrong with a deployment, one thing after the other, so that a word
// about it ends when something new is. Ages are no part of it. It is empty when nothing is
// wrong.
func markOf(d *fleet.Deployment) string {
	level := terms.LevelOf(d)
	if level == terms.Fine || level == terms.Moving {
		return ""
	}
	wrong := []string{fmt.Sprintln("declared", d.Active, d.Fenced)}
	add := func(words ...any) { wrong = append(wrong, fmt.Sprintln(words...)) }
	for _, l := range terms.Levels() {
		if l.Rank() >= level.Rank() && l.Rank() <= terms.Bad.Rank() {
			add("level", l)
		}
	}
	for _, role := range terms.DualRoles(d) {
		add("dual", role)
	}
	for _, x := range d.Problems {
		add("problem", x.File, x.Path, x.Message)
	}
	for _, u := range d.Unserved {
		add("unserved", u.Role)
	}
	for _, f := range d.Findings {
		add("finding", number.ReplaceAllString(f, ""))
	}
	for _, role := range slices.Sorted(maps.Keys(d.Claims)) {
		if d.Claims[role].Error != "" {
			add("claim", role)
		}
	}
	for _, n := range d.Nodes {
		if n.OK {
			continue
		}
		add("node", n.Name)
		if n.Stale {
			add("silent", n.Name)
		}
		if n.Unreadable != "" {
			add("unreadable", n.Name)
		}
		if r := n.Report; r != nil {
			add("status", n.Name, r.Status)
			for _, kind := range kindsOf(r) {
				add(n.Name, kind)
			}
		}
	}
	return kept.MarkOf(wrong)
}

// kindsOf are the conditions, failed checks and failed services of a report by name, and
// that its node is paused.
func kindsOf(r *plan.Report) []string {
	var out []string
	for _, c := range r.Conditions {
		out = append(out, "condition "+c.Type)
	}
	for _, c := range r.Checks {
		if !c.OK {
			out = append(out, "check "+c.Name)
		}
	}
	if r.Paused {
		out = append(out, "paused")
	}
	for _, s := range r.Services {
		if s.Run == plan.RunFailed {
			out = append(out, "service "+s.Name)
		}
	}
	slices.Sort(out)
	return out
}

// key names a deployment for as long as it is where it is.
func (e *entry) key() string { return e.Reading.Repository + "\n" + e.D.Path }

// seenOf is what somebody said of what is wrong with a deployment, nil for nobody.
func (c *Console) seenOf(e *entry) *kept.Word {
	if mark := markOf(e.D); mark != "" {
		if w, ok := c.options.Seen.Of(e.key(), mark); ok {
			return &w
		}
	}
	return nil
}

// wordsEnd forgets what was said of what is not wrong any more.
func (c *Console) wordsEnd(repository string, v *fleet.View) {
	for i := range v.Deployments {
		d := &v.Deployments[i]
		if err := c.options.Seen.Ended(repository+"\n"+d.Path, markOf(d)); err != nil {
			c.options.Log.Error("a word that ended is still in its file", "error", err)
		}
	}
}

// seenView is the page on which a person says that they have seen what is wrong.
type seenView struct {
	Head     headline
	Findings []string
	Mark     string
	Word     string
	Problem  string
}

func (c *Console) seenPage(w http.ResponseWriter, r *http.Request) {
	c.showSeen(w, r, http.StatusOK, seenView{})
}

func (c *Console) showSeen(w http.ResponseWriter, r *http.Request, code int, v seenView) {
	_, p, e := c.about(w, r, "now")
	if e == nil {
		return
	}
	c.options.Desk.Acted(r)
	v.Head, v.Mark, v.Findings = headlineOf(p.Language, e.D), markOf(e.D), slices.Clone(e.D.Findings)
	for _, n := range e.D.Nodes {
		for _, f := range n.Findings {
			v.Findings = append(v.Findings, n.Name+": "+f)
		}
	}
	if v.Problem != "" {
		v.Problem = p.Word("problem." + v.Problem)
	}
	p.Title, p.Events, p.Here, p.Main = p.Word("seen.title")+" · "+e.Title, "", p.Base+e.Link("acknowledge"), v
	c.render(w, code, "acknowledge", p)
}

// say keeps what a person says of what was wrong when they were asked.
func (c *Console) say(w http.ResponseWriter, r *http.Request) {
	_, p, e := c.about(w, r, "now")
	if e == nil {
		return
	}
	if p.Person == nil || p.Person.Watches() {
		c.refuse(w, r, http.StatusForbidden, "role")
		return
	}
	v := seenView{Word: strings.Join(strings.Fields(plain.Line(r.PostFormValue("word"))), " ")}
	line := audit.Line{What: "acknowledge", About: e.ID, Result: audit.Refused, Text: v.Word}
	mark := markOf(e.D)
	switch {
	case v.Word == "" || len(v.Word) > kept.LongestWord:
		v.Problem = "word"
	case !kept.Covers(r.PostFormValue("mark"), mark):
		v.Problem = "other"
	}
	if v.Problem != "" {
		line.Text = cmp.Or(map[string]string{"other": "something else is wrong now"}[v.Problem], "no word, or a long one")
		c.note(r, line)
		c.showSeen(w, r, http.StatusConflict, v)
		return
	}
	err := c.options.Seen.Say(e.key(), kept.Word{Who: p.Person.Name, Name: p.Person.Shown(), At: c.now(), Text: v.Word, Mark: mark})
	if err != nil {
		c.options.Log.Error("a word is kept in memory alone", "error", err)
	}
	line.Result = audit.OK
	c.note(r, line)
	c.hub.tell()
	http.Redirect(w, r, c.base+e.Link(), http.StatusSeeOther)
}
