package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Serving says who serves each role that hands a claim over, as far as claims and
// reports tell: first what is served, by side.
func Serving(d *fleet.Deployment) []string {
	var out []string
	served := map[spec.Side][]string{}
	for _, role := range slices.Sorted(maps.Keys(d.Claims)) {
		side := d.Claims[role].Holder.Side()
		i := slices.IndexFunc(d.Nodes, func(n fleet.Node) bool { return n.Role == role && n.Side == side && side != "" })
		if i < 0 {
			out = append(out, "nobody holds the claim of "+role)
			continue
		}
		n := d.Nodes[i]
		switch r := n.Report; {
		case r == nil:
			out = append(out, fmt.Sprintf("%s holds the claim of %s and has never reported", side, role))
		case !d.Own(r) || r.Status != plan.Active || r.Seq != d.Claims[role].Seq:
			out = append(out, fmt.Sprintf("%s holds the claim of %s but has not said that it serves", side, role))
		case !n.HeardWithin(forecast.HeardNow):
			out = append(out, fmt.Sprintf("%s was serving %s when it was last heard, %s", side, role, n.When()))
		default:
			served[side] = append(served[side], role)
		}
	}
	for _, side := range []spec.Side{spec.Standby, spec.Main} {
		if roles := served[side]; len(roles) > 0 {
			out = append([]string{fmt.Sprintf("%s serves %s", side, strings.Join(roles, " and "))}, out...)
		}
	}
	return out
}
