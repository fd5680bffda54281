package spec

import "text/template"

// CandidateArg stands for the candidate file in the argument vector of a
// file's check. It survives the expansion of the document: the file driver
// puts the candidate's path in its place.
const CandidateArg = "{{ .candidate }}"

// dataset is what templates may name in one deployment, and what was parsed of
// them.
type dataset struct {
	d     *Deployment
	nodes map[string]any
	// parsed holds the templates by their names, and texts those of text fields
	// by what they are.
	parsed, texts map[string]*template.Template
	// on holds the nodes of the exclusive roles by side.
	on   map[Side]map[string]any
	work *work
}

func (d *Deployment) dataset() *dataset {
	nodes := make(map[string]any, len(d.Nodes))
	for name := range d.Nodes {
		nodes[name] = d.nodeData(name)
	}
	on := map[Side]map[string]any{Main: {}, Standby: {}}
	for name, n := range d.Nodes {
		if sides, ok := on[n.Side]; ok && d.Roles[n.Role].Exclusive {
			sides[n.Role] = nodes[name]
		}
	}
	return &dataset{
		d: d, nodes: nodes, on: on, work: newWork(len(nodes)),
		parsed: make(map[string]*template.Template), texts: make(map[string]*template.Template),
	}
}

// expand renders a text field with the data of a node.
func (s *dataset) expand(text string, data map[string]any) (string, error) {
	t, ok := s.texts[text]
	if !ok {
		var err error
		if t, err = parseTemplate(text, s.work); err != nil {
			s.work.done += stepsOfFailure
			return "", err
		}
		s.texts[text] = t
	}
	out, err := execute(t, data, s.work)
	return string(out), err
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
	data["serving"] = string(serving)
	data["on"] = s.on[serving]
	return data
}
