package reconcile

import (
	"cmp"
	"slices"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// layout is what a document says of its nodes and roles, laid out for every
// look and every pass.
type layout struct {
	// roles are the exclusive ones, nodes all of them, each by name.
	roles []roleLayout
	nodes []nodeLayout
}

type roleLayout struct {
	name, claimRef string
	// nodes are the role's nodes by side.
	nodes map[spec.Side]string
}

type nodeLayout struct{ name, role, reportRef string }

func layoutOf(d *spec.Deployment) *layout {
	l := &layout{}
	for _, name := range d.NodeNames() {
		l.nodes = append(l.nodes, nodeLayout{name, d.Nodes[name].Role, plan.ReportRef(d.Name, name)})
	}
	for name, r := range d.Roles {
		if r.Exclusive {
			l.roles = append(l.roles, roleLayout{name, plan.ClaimRef(d.Name, name), sidesOf(d, name)})
		}
	}
	slices.SortFunc(l.roles, func(a, b roleLayout) int { return cmp.Compare(a.name, b.name) })
	return l
}

func sidesOf(d *spec.Deployment, role string) map[spec.Side]string {
	nodes := map[spec.Side]string{}
	for _, side := range []spec.Side{spec.Main, spec.Standby} {
		if node, ok := d.NodeOf(role, side); ok {
			nodes[side] = node
		}
	}
	return nodes
}

// arrange puts the reports of every exclusive role's nodes by side, once for
// every pass that reads them. A role none of whose reports moved since before
// keeps what it had.
func (s *Snapshot) arrange(before map[string]*plan.ReportView) {
	roles := s.Accepted.layout.roles
	bySide := make(map[string]plan.SideReports, len(roles))
	for _, r := range roles {
		if old := s.bySide[r.name]; old != nil && !s.moved(r, before) {
			bySide[r.name] = old
			continue
		}
		bySide[r.name] = s.sides(r)
	}
	s.bySide = bySide
}

func (s *Snapshot) moved(r roleLayout, before map[string]*plan.ReportView) bool {
	for _, node := range r.nodes {
		if s.Reports[node] != before[node] {
			return true
		}
	}
	return false
}

func (s *Snapshot) sides(r roleLayout) plan.SideReports {
	reports := make(plan.SideReports, len(r.nodes))
	for side, node := range r.nodes {
		if view := s.Reports[node]; view != nil {
			reports[side] = view
		}
	}
	return reports
}

// views is what a snapshot says of every exclusive role, and of a role that is
// followed.
func (s *Snapshot) views(follows string) (roles []plan.RoleView, followed *plan.FollowView) {
	for _, r := range s.Accepted.layout.roles {
		roles = append(roles, plan.RoleView{Role: r.name, Tip: s.Claims[r.name].Tip, Reports: s.bySide[r.name]})
	}
	if follows != "" {
		followed = &plan.FollowView{Claim: s.Claims[follows], Reports: s.bySide[follows]}
	}
	return roles, followed
}
