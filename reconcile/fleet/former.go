package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// Former is a name that nodes of a deployment go by still, although the newest commit gives
// the deployment another one.
type Former struct {
	Name string
	// Claims are those of that name, by role. Who accepts the new name leaves them behind
	// (R13).
	Claims map[string]Claim
}

// Formerly puts into d what its nodes say under another name than d has: that they see the
// commit of v, and refuse it because it renames the deployment. They publish below the name
// that they go by, until they accept the commit.
func (s *Source) Formerly(ctx context.Context, v *View, d *Deployment) error {
	if s.coord == nil || d.Spec == nil {
		return nil
	}
	w, err := s.whole()
	if err != nil {
		return err
	}
	var own refsOf
	var words formerWords
	for range readTries {
		if own, err = w.others(ctx, v, d); err != nil {
			return err
		}
		moved := false
		if words, moved = w.listen(ctx, v, own, d); !moved {
			break
		}
	}
	for _, i := range w.formerly(ctx, v, d, own, words) {
		v.judgeNode(d, &d.Nodes[i])
	}
	return nil
}

// renamed is Formerly for every deployment that has a node which was not heard, and for names
// that no document has any more. It asks for no other listing, and reads each report once for
// however many deployments.
func (s *Source) renamed(ctx context.Context, v *View, own refsOf) {
	left := maps.Clone(own)
	var unheard []*Deployment
	for i := range v.Deployments {
		d := &v.Deployments[i]
		delete(left, git.RefsOf(d.Name))
		if d.Spec != nil && slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.Report == nil }) {
			unheard = append(unheard, d)
		}
	}
	if len(left) == 0 || len(unheard) == 0 {
		return
	}
	words, moved := s.listen(ctx, v, left, unheard...)
	v.moved = v.moved || moved
	for _, d := range unheard {
		s.formerly(ctx, v, d, left, words)
	}
}

// whole is the source of all deployments of the place, also when s is of one of them.
func (s *Source) whole() (*Source, error) {
	switch {
	case s.location.Deployment == "" && s.location.Path == "":
		return s, nil
	case s.wide != nil:
		return s.wide, nil
	}
	place := s.location
	place.Deployment, place.Path = "", ""
	wide, err := Open(place)
	if err != nil {
		return nil, err
	}
	wide.now, s.wide = s.now, wide
	return wide, nil
}

// others lists what is below other names than d's. A name that another document of the commit
// has is no former one: who speaks for a node of that deployment speaks for none of d's.
func (s *Source) others(ctx context.Context, v *View, d *Deployment) (refsOf, error) {
	if err := s.update(ctx, 1); err != nil {
		return nil, err
	}
	docs, err := s.documents(ctx, v.Commit)
	if err != nil {
		return nil, err
	}
	l, err := s.coord.ListPrimary(ctx)
	if err != nil {
		return nil, fmt.Errorf("coordination: %w", err)
	}
	own := byDeployment(l.Refs)
	delete(own, git.RefsOf(d.Name))
	for _, other := range docs.list {
		delete(own, git.RefsOf(other.name))
	}
	return own, nil
}

// formerWord is what a node says below a name: that a commit changes it.
type formerWord struct {
	start, ref string
	report     plan.Report
	moved      time.Time
}

// formerWords are those by node, in the order of the names.
type formerWords map[string][]formerWord

// listen reads what nodes of deployments say below other names, and reports whether that moved
// meanwhile.
func (s *Source) listen(ctx context.Context, v *View, own refsOf, of ...*Deployment) (words formerWords, moved bool) {
	nodes := map[string]string{} // by what the refs of their reports end with
	for _, d := range of {
		for node := range d.Spec.Nodes {
			nodes[reportOf(node)] = node
		}
	}
	reports := map[string]string{}
	for start, refs := range own {
		for ref, hash := range refs {
			if _, wanted := nodes[ref[len(start):]]; wanted {
				reports[ref] = hash
			}
		}
	}
	for _, err := range s.hear(ctx, s.unread(reports)) {
		moved = moved || errors.Is(err, failure.ErrMoved)
	}
	words = formerWords{}
	for _, ref := range slices.Sorted(maps.Keys(reports)) {
		start := ref[:strings.LastIndex(ref, "/report/")+1]
		node := nodes[ref[len(start):]]
		r, ok := s.reports[reports[ref]]
		if at := s.moved(ref, reports[ref]); ok && bears(r.Deployment, start) && refusesName(&r, node, v.Commit) {
			words[node] = append(words[node], formerWord{start, ref, r, at})
		}
	}
	return words, moved
}

// reportOf is the ref of a node's report, below what the refs of its deployment begin with.
func reportOf(node string) string {
	return strings.TrimPrefix(git.ReportRef("any", node), git.RefsOf("any"))
}

// formerly puts into d what its nodes say below other names, and returns which nodes do.
func (s *Source) formerly(ctx context.Context, v *View, d *Deployment, own refsOf, words formerWords) (found []int) {
	d.Former = nil
	starts := map[string]string{}
	for i := range d.Nodes {
		n, start := &d.Nodes[i], ""
		for _, w := range words[n.Name] {
			said := Node{Name: n.Name, Role: n.Role, Side: n.Side, Report: &w.report, Moved: w.moved}
			if path.Clean(w.report.Path) == path.Clean(d.Path) && !d.wentOn(n, &said, v.Commit) {
				*n, start = said, w.start
			}
		}
		if start != "" {
			found, starts[start] = append(found, i), n.Report.Deployment
		}
	}
	for _, start := range slices.Sorted(maps.Keys(starts)) {
		d.Former = append(d.Former, s.former(ctx, starts[start], start, own[start]))
	}
	return found
}

// former reads the claims of a name.
func (s *Source) former(ctx context.Context, name, start string, refs git.Refs) Former {
	claims := map[string]string{}
	for _, role := range below(refs, start+"claim/") {
		claims[start+"claim/"+role] = refs[start+"claim/"+role]
	}
	failed, f := s.hear(ctx, s.unread(claims)), Former{Name: name, Claims: map[string]Claim{}}
	for ref, hash := range claims {
		c := Claim{Tip: s.tips[hash]}
		if err := failed[ref]; err != nil {
			c.Error = err.Error()
		}
		f.Claims[strings.TrimPrefix(ref, start+"claim/")] = c
	}
	return f
}

// wentOn reports whether what is known of a node is of later than what it says under another
// name. A node that sees a commit under the name which the commit gives goes by that name, and
// that one of the two moved while this program looked needs no clock but this one's.
func (d *Deployment) wentOn(known, said *Node, commit string) bool {
	r := known.Report
	switch {
	case r == nil || r.Deployment == said.Report.Deployment:
		return false
	case d.Own(r) && (r.Accepted == commit || r.Seen == commit):
		return true
	case !known.Moved.Equal(said.Moved):
		return known.Moved.After(said.Moved)
	}
	return !said.Report.At.After(r.At)
}

// Own reports whether a report is of the name that the deployment has: the numbers in one
// that a node gave under another name are of that name's claims.
func (d *Deployment) Own(r *plan.Report) bool { return r.Deployment == "" || r.Deployment == d.Name }

// bears reports whether a name is one that a document can have, and that below which the refs
// are: a report says what it likes, and a person's note goes to the name.
func bears(name, start string) bool {
	return git.RefsOf(name) == start && !strings.Contains(start, "%")
}

// refusesName reports whether a node says that it sees a commit, and refuses it because that
// renames the deployment.
func refusesName(r *plan.Report, node, commit string) bool {
	return r.Node == node && r.Seen == commit && r.Accepted != commit &&
		slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == plan.CondDeploymentRenamed })
}
