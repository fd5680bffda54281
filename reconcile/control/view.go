package control

import (
	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

// ViewOf is the whole deployment as an agent's node knows it now.
func ViewOf(a *reconcile.Agent) View {
	v := View{Others: map[string]plan.Report{}, Claims: map[string]ClaimStatus{}}
	v.Node, _ = a.Status()
	s := a.Known()
	if s == nil {
		return v
	}
	for role, c := range s.Claims {
		v.Claims[role] = ClaimStatus{Tip: c.Tip, Reachable: c.Reachable, Regressed: c.Regressed}
	}
	if s.Accepted == nil {
		return v
	}
	for name, n := range s.Accepted.Deployment.Nodes {
		if name == v.Node.Node {
			continue
		}
		v.Others[name] = plan.Report{Deployment: s.Accepted.Deployment.Name, Node: name, Role: n.Role, Side: n.Side,
			Status: plan.Unknown, Reason: "nothing was heard from this node yet"}
		if r := s.Reports[name]; r != nil {
			v.Others[name] = r.Report
		}
	}
	return v
}
