package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

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
	for range readTries {
		if own, err = w.others(ctx, v, d); err != nil {
			return err
		}
		if !w.listen(ctx, d, own) {
			break
		}
	}
	for _, i := range w.formerly(ctx, v, d, own) {
		v.judgeNode(d, &d.Nodes[i])
	}
	return nil
}

// renamed is Formerly for every deployment that has a node which was not heard, and for names
// that no document has any more. It asks for no other listing.
func (s *Source) renamed(ctx context.Context, v *View, own refsOf) {
	left := maps.Clone(own)
	for _, d := range v.Deployments {
		delete(left, git.RefsOf(d.Name))
	}
	for i := range v.Deployments {
		d := &v.Deployments[i]
		if len(left) > 0 && d.Spec != nil && slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.Report == nil }) {
			v.moved = s.listen(ctx, d, left) || v.moved
			s.formerly(ctx, v, d, left)
		}
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

// listen reads what d's nodes say below other names, and reports whether that moved meanwhile.
func (s *Source) listen(ctx context.Context, d *Deployment, own refsOf) (moved bool) {
	reports := map[string]string{}
	for start, refs := range own {
		for node := range d.Spec.Nodes {
			reports[start+reportOf(node)] = refs[start+reportOf(node)]
		}
	}
	for _, err := range s.hear(ctx, s.unread(reports)) {
		moved = moved || errors.Is(err, failure.ErrMoved)
	}
	return moved
}

// reportOf is the ref of a node's report, below what the refs of its deployment begin with.
func reportOf(node string) string {
	return strings.TrimPrefix(git.ReportRef("any", node), git.RefsOf("any"))
}

// formerly puts into d what its nodes say below other names, and returns which nodes do.
func (s *Source) formerly(ctx context.Context, v *View, d *Deployment, own refsOf) (found []int) {
	d.Former = nil
	starts := map[string]string{}
	for i := range d.Nodes {
		n, start := &d.Nodes[i], ""
		for _, other := range slices.Sorted(maps.Keys(own)) {
			ref := other + reportOf(n.Name)
			r, ok := s.reports[own[other][ref]]
			if !ok || !bears(r.Deployment, other) || !refusesName(&r, n.Name, v.Commit, d.Path) {
				continue
			}
			said := Node{Name: n.Name, Role: n.Role, Side: n.Side, Report: &r, Moved: s.moved(ref, own[other][ref])}
			if !wentOn(n, &said, v.Commit) {
				*n, start = said, other
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
// name. That one of them moved while this program looked needs no clock but this one's, and a
// node that goes by a commit has refused it before.
func wentOn(known, said *Node, commit string) bool {
	switch {
	case known.Report == nil || known.Report.Deployment == said.Report.Deployment:
		return false
	case !known.Moved.Equal(said.Moved):
		return known.Moved.After(said.Moved)
	}
	return known.Report.Accepted == commit || !said.Report.At.After(known.Report.At)
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
// renames the deployment whose document is at a path.
func refusesName(r *plan.Report, node, commit, file string) bool {
	return r.Node == node && r.Seen == commit && r.Accepted != commit && path.Clean(r.Path) == path.Clean(file) &&
		slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == plan.CondDeploymentRenamed })
}
