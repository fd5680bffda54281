package spec

import "text/template"

// CandidateArg stands for the candidate file in the argument vector of a
// file's check. It survives the expansion of the document: the file driver
// puts the candidate's path in its place.
const CandidateArg = "{{ .candidate }}"

// dataset is what templates may name in one deployment, and what was parsed of
// them.
type dataset struct {
	d      *Deployment
	nodes  map[string]any
	parsed map[string]*template.Template
	// work is how many steps the templates took so far.
	work int
}

func (d *Deployment) dataset() *dataset {
	nodes := make(map[string]any, len(d.Nodes))
	for name := range d.Nodes {
		nodes[name] = d.nodeData(name)
	}
	return &dataset{d: d, nodes: nodes, parsed: make(map[string]*template.Template)}
}

// of returns what the text fields of a node's role may name: .deployment,
// .node, .peer (the same role on the other side) and .nodes. What is not set is
// not there, so that naming it is an error.
//
// .deployment has the name and nothing that a failover changes: what a
// service is must not depend on where it runs.
func (s *dataset) of(node string) map[string]any {
	data := map[string]any{
		"deployment": map[string]any{"name": s.d.Name},
		"node":       s.nodes[node],
		"nodes":      s.nodes,
	}
	if peer, ok := s.d.Peer(node); ok {
		data["peer"] = s.nodes[peer]
	}
	return data
}

func (d *Deployment) nodeData(name string) map[string]any {
	n := d.Nodes[name]
	data := map[string]any{"name": name, "role": n.Role}
	for key, value := range map[string]string{"side": string(n.Side), "address": n.Address, "url": n.URL} {
		if value != "" {
			data[key] = value
		}
	}
	return data
}

// ofFile is of with what only the templates of files know: .serving, the
// serving side, and .on, the nodes of the exclusive roles on that side. Both
// are missing while nobody serves.
func (s *dataset) ofFile(node string, serving Side) map[string]any {
	data := s.of(node)
	if serving == "" {
		return data
	}
	on := make(map[string]any)
	for name, role := range s.d.Roles {
		if !role.Exclusive {
			continue
		}
		if n, ok := s.d.NodeOf(name, serving); ok {
			on[name] = s.nodes[n]
		}
	}
	data["serving"] = string(serving)
	data["on"] = on
	return data
}
