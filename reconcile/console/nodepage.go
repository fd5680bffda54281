package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// nodeView is a node as its own page shows it.
type nodeView struct {
	card
	Phases   []moment
	Versions map[string]string
	Read     time.Duration
	// PausedInGit says that the document pauses it.
	PausedInGit bool
	// Late is what is older than it should be, Rules the rules that the node names.
	Late  []terms.Late
	Rules []terms.Rule
	// Planned are the jobs and Files the files of the newest document; Older says that
	// the node goes by another one.
	Planned []planned
	Files   []renderedFile
	Older   bool
}

// renderedFile is a file of the document with what a switch changes in it.
type renderedFile struct {
	spec.File
	Diff, Failed string
}

// longestDiff is of a file's changes, in bytes.
const longestDiff = 64 << 10

// rendered are a node's files, as the document has them for the side that it says it
// points at, beside those for the other side.
func rendered(d *spec.Deployment, n fleet.Node, files []spec.File) (out []renderedFile) {
	side := d.Active
	if n.Report != nil && n.Report.Serving != "" {
		side = n.Report.Serving
	}
	for _, f := range files {
		one := renderedFile{File: f}
		now, err := d.RenderFile(n.Name, f.Path, side)
		then, otherErr := d.RenderFile(n.Name, f.Path, side.Other())
		if err := cmp.Or(err, otherErr); err != nil {
			one.Failed = err.Error()
		} else if diff := forecast.Diff(f.Path, string(now), string(then)); len(now)+len(then) <= longestDiff {
			one.Diff = diff
		} else {
			one.Failed = fmt.Sprintf("it is larger than %d bytes", longestDiff)
		}
		out = append(out, one)
	}
	return out
}

// planned is a job with its last run, as far as the node told, and its next.
type planned struct {
	part
	Next terms.Run
	When spec.When
}

func (c *Console) nodePage(w http.ResponseWriter, r *http.Request) {
	s, p, e := c.about(w, r, "node")
	if e == nil {
		return
	}
	n, ok := e.D.Node(r.PathValue("node"))
	if !ok {
		c.missing(w, r)
		return
	}
	v := nodeView{card: e.cardOf(p.Language, n, s.at), Rules: terms.Rules(n.Report)}
	subject := terms.Subject{Document: e.D.Spec, Report: n.Report, Heard: v.Heard, Ahead: n.Ahead > 0, Newest: e.Reading.View.Commit, Digest: e.D.Digest}
	v.Late = subject.Late()
	if n.Report != nil {
		v.Phases, v.Versions = momentsOf(n.Report.Phases), n.Report.Versions
		v.Read = s.at.Sub(n.Report.LastRead)
	}
	if e.D.Spec != nil {
		v.PausedInGit = e.D.Spec.Nodes[n.Name].PausedAt(s.at)
		v.Older = n.Report != nil && n.Report.Document != e.D.Digest
		v.plan(e, n, s.at)
	}
	p.Title, p.Main = n.Name+" · "+e.Title, v
	c.render(w, http.StatusOK, "node", p)
}

// plan adds what the newest document wants of the node, with what the node told of it.
func (v *nodeView) plan(e *entry, n fleet.Node, now time.Time) {
	w, err := e.D.Spec.Want(n.Name)
	if err != nil {
		return // it is not in the document
	}
	v.Files = rendered(e.D.Spec, n, w.Files)
	active := n.Report != nil && n.Report.Status == plan.Active
	for _, j := range w.Jobs {
		one := planned{part: part{Name: j.Name}, When: j.When}
		if i := slices.IndexFunc(v.Jobs, func(p part) bool { return p.Name == j.Name }); i >= 0 {
			one.part = v.Jobs[i]
		}
		one.Next = terms.Next(j, active, one.At, now)
		v.Planned = append(v.Planned, one)
	}
	v.Jobs = slices.DeleteFunc(v.Jobs, func(p part) bool {
		return slices.ContainsFunc(v.Planned, func(o planned) bool { return o.Name == p.Name })
	})
}

// Minute writes a time of a clock whose zone is not known.
func (p *page) Minute(t time.Time) string { return t.Format("15:04") }

// Day is the weekday of such a time when it is not today's.
func (p *page) Day(t time.Time) string { return t.Format("2006-01-02") }
