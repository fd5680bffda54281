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
		var moved bool
		if own, moved, err = w.others(ctx, d); err != nil {
			return err
		}
		if !moved {
			break
		}
	}
	d.Former = nil
	for _, start := range slices.Sorted(maps.Keys(own)) {
		w.former(ctx, v, d, start, own[start])
	}
	return nil
}

// whole is the source of all deployments of the place, also when s is of one of them.
func (s *Source) whole() (*Source, error) {
	switch {
	case s.location.Deployment == "":
		return s, nil
	case s.wide != nil:
		return s.wide, nil
	}
	place := s.location
	place.Deployment = ""
	wide, err := Open(place)
	if err != nil {
		return nil, err
	}
	wide.now, s.wide = s.now, wide
	return wide, nil
}

// others lists what is below other names than d's, and reads what d's nodes say there.
func (s *Source) others(ctx context.Context, d *Deployment) (own refsOf, moved bool, err error) {
	if err := s.update(ctx, 1); err != nil {
		return nil, false, err
	}
	l, err := s.coord.ListPrimary(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("coordination: %w", err)
	}
	own = byDeployment(l.Refs)
	delete(own, git.RefsOf(d.Name))
	reports := map[string]string{}
	for start, refs := range own {
		for node := range d.Spec.Nodes {
			reports[start+reportOf(node)] = refs[start+reportOf(node)]
		}
	}
	for _, err := range s.hear(ctx, s.unread(reports)) {
		moved = moved || errors.Is(err, failure.ErrMoved)
	}
	return own, moved, nil
}

// reportOf is the ref of a node's report, below what the refs of its deployment begin with.
func reportOf(node string) string {
	return strings.TrimPrefix(git.ReportRef("any", node), git.RefsOf("any"))
}

// former puts into d what its nodes say below one name, and that name if they do.
func (s *Source) former(ctx context.Context, v *View, d *Deployment, start string, refs git.Refs) {
	name := ""
	for i := range d.Nodes {
		n := &d.Nodes[i]
		r, ok := s.reports[refs[start+reportOf(n.Name)]]
		if !ok || !bears(r.Deployment, start) || !refusesName(&r, n.Name, v.Commit, d.Path) || wentOn(n.Report, &r) {
			continue
		}
		one := Node{Name: n.Name, Role: n.Role, Side: n.Side, Report: &r}
		v.judgeNode(d, &one)
		*n, name = one, r.Deployment
	}
	if name == "" {
		return
	}
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
	d.Former = append(d.Former, f)
}

// wentOn reports whether what is known of a node is of later than what it says under another
// name.
func wentOn(known, r *plan.Report) bool {
	return known != nil && known.Deployment != r.Deployment && !r.At.After(known.At)
}

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
