package spec

// CandidateArg stands for the candidate file in the argument vector of a
// file's check. It survives the expansion of the document: the file driver
// puts the candidate's path in its place.
const CandidateArg = "{{ .candidate }}"

// data returns what the text fields of a node's role may name: .deployment,
// .node, .peer (the same role on the other side) and .nodes. What is not set is
// not there, so that naming it is an error.
//
// .deployment has the name and nothing that a failover changes: what a
// service is must not depend on where it runs.
func (d *Deployment) data(node string) map[string]any {
	nodes := make(map[string]any, len(d.Nodes))
	for name := range d.Nodes {
		nodes[name] = d.nodeData(name)
	}
	data := map[string]any{
		"deployment": map[string]any{"name": d.Name},
		"node":       nodes[node],
		"nodes":      nodes,
	}
	if peer, ok := d.Peer(node); ok {
		data["peer"] = nodes[peer]
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

// fileData is data with what only the templates of files know: .serving, the
// serving side, and .on, the nodes of the exclusive roles on that side. Both
// are missing while nobody serves.
func (d *Deployment) fileData(node string, serving Side) map[string]any {
	data := d.data(node)
	if serving == "" {
		return data
	}
	on := make(map[string]any)
	for name, role := range d.Roles {
		if !role.Exclusive {
			continue
		}
		if n, ok := d.NodeOf(name, serving); ok {
			on[name] = d.nodeData(n)
		}
	}
	data["serving"] = string(serving)
	data["on"] = on
	return data
}
