package schema

import "go.yaml.in/yaml/v3"

// Position returns the line and the column, both from 1, of the value at the
// path. For a mapping or a list that is its key. A value that is not in the
// file, such as a default or a missing one, stands where the nearest thing
// around it does.
func (d *Document) Position(p Path) (line, column int) {
	if d.root == nil {
		return 1, 1
	}
	key, node := (*yaml.Node)(nil), d.root
	for _, seg := range p {
		k, n := child(node, seg)
		if n == nil {
			break
		}
		key, node = k, n
	}
	at := node
	if key != nil && node.Kind != yaml.ScalarNode && node.Kind != yaml.AliasNode {
		at = key
	}
	return max(at.Line, 1), max(at.Column, 1)
}

// KeyPosition is Position, but of the key itself.
func (d *Document) KeyPosition(p Path) (line, column int) {
	if len(p) == 0 || d.root == nil {
		return d.Position(p)
	}
	parent := d.root
	for _, seg := range p[:len(p)-1] {
		_, n := child(parent, seg)
		if n == nil {
			return d.Position(p)
		}
		parent = n
	}
	if key, _ := child(parent, p[len(p)-1]); key != nil {
		return key.Line, key.Column
	}
	return d.Position(p)
}

// child returns the node of one path segment, and the key it hangs on.
func child(n *yaml.Node, seg string) (key, value *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		if i, ok := indexOf(seg); ok && i < len(n.Content) {
			return nil, n.Content[i]
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind == yaml.AliasNode {
				k = k.Alias
			}
			if k.Kind == yaml.ScalarNode && k.Value == seg {
				return n.Content[i], n.Content[i+1]
			}
		}
	}
	return nil, nil
}
