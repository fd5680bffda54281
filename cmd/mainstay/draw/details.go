package draw

import (
	"fmt"
	"slices"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
)

// Details are the nodes of which a person wants to see what runs there.
type Details struct {
	Nodes []string
	// All wants that of every node.
	All bool
}

// of are those nodes of a deployment.
func (d *Details) of(one *fleet.Deployment) []fleet.Node {
	var out []fleet.Node
	for _, n := range one.Nodes {
		if d.All || slices.Contains(d.Nodes, n.Name) {
			out = append(out, n)
		}
	}
	return out
}

// Draw shows one deployment whole, many in a line each, and below them what runs on
// the nodes that were asked about.
func (d *Details) Draw(s ui.Screen, v *fleet.View) error {
	if len(v.Deployments) != 1 {
		if err := Fleet(s, v); err != nil {
			return err
		}
	} else if err := Deployment(s, v, &v.Deployments[0], d.of(&v.Deployments[0])); err != nil {
		return err
	}
	for i := range v.Deployments {
		one := &v.Deployments[i]
		nodes := d.of(one)
		if len(nodes) > 0 && len(v.Deployments) > 1 {
			fmt.Fprintln(s.Out)
			s.Cut(ui.Bold, "%s", Title(v, one))
		}
		if err := Nodes(s, v, nodes); err != nil {
			return err
		}
	}
	if text := v.Cluster(); text != "" {
		s.Cut(ui.Dim, "%s", text)
	}
	return nil
}
