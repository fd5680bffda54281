package spec

import (
	"fmt"
	"io/fs"
	"text/template"
)

// RenderFile renders one file of a node for a serving side. The path is the
// expanded one, as in Wanted.Files. Serving is the serving side of the followed
// role, or of the node's own exclusive role; it is empty while nobody serves,
// and always for a shared role that follows none: then .serving and .on are
// missing, and a template that names them is an error.
func (d *Deployment) RenderFile(node, path string, serving Side) ([]byte, error) {
	n, ok := d.Nodes[node]
	if !ok {
		return nil, fmt.Errorf("node %q of deployment %q: %w", node, d.Name, ErrUnknownNode)
	}
	data := d.dataset()
	x := &expander{set: data, data: data.of(node)}
	for _, f := range d.Roles[n.Role].Files {
		if x.text(nil, f.Path) != path {
			continue
		}
		out, err := data.render(node, f.Template, serving)
		if err != nil {
			return nil, fmt.Errorf("render %s for %s: %w", path, node, err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("node %q has no file %s in deployment %q", node, path, d.Name)
}

func (s *dataset) render(node, name string, serving Side) ([]byte, error) {
	t, err := s.template(name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	out, err := execute(t, s.ofFile(node, serving), s.work)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return out, nil
}

func (s *dataset) template(name string) (*template.Template, error) {
	if t, ok := s.parsed[name]; ok {
		return t, nil
	}
	text, ok := s.d.Templates[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	t, err := parseTemplate(string(text), s.work)
	if err != nil {
		return nil, err
	}
	s.parsed[name] = t
	return t, nil
}

// servingSides lists the sides that a node's files may be rendered for. A
// shared role that follows none has only the empty one.
func (d *Deployment) servingSides(node string) []Side {
	name := d.Nodes[node].Role
	role := d.Roles[name]
	if role.Follows != "" {
		name = role.Follows
	} else if !role.Exclusive {
		return []Side{""}
	}
	var sides []Side
	for _, side := range []Side{Main, Standby} {
		if _, ok := d.NodeOf(name, side); ok {
			sides = append(sides, side)
		}
	}
	return sides
}
