package schema

import (
	"fmt"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of what a file may expand to. Aliases count as often as they are used.
const (
	maxNodes   = 50_000
	maxDepth   = 64
	maxEntries = 1000        // of one list or mapping
	maxText    = 2 * MaxSize // bytes of all texts
)

// converter turns YAML nodes into plain JSON values and notes what has no
// place in them.
type converter struct {
	doc      *Document
	problems []Problem
	nodes    int
	text     int
	// full tells that the file is given up.
	full bool
}

func (c *converter) reject(rule Rule, p Path, message, hint string) {
	if c.full = c.full || len(c.problems) >= maxDetail; c.full {
		return
	}
	c.problems = append(c.problems, c.doc.reject(rule, p, message, hint))
}

// value converts a node. It returns false when the node has no value.
func (c *converter) value(n *yaml.Node, p Path, depth int) (any, bool) {
	if c.nodes++; c.nodes > maxNodes {
		c.reject(RuleExpansion, p, fmt.Sprintf("the file expands to more than %d values", maxNodes), "use fewer aliases (*name)")
		c.full = true
		return nil, false
	}
	if entries := len(n.Content); n.Kind == yaml.SequenceNode && entries > maxEntries || entries > 2*maxEntries {
		c.reject(RuleExpansion, p, fmt.Sprintf("has more than %d entries", maxEntries), "")
		c.full = true
		return nil, false
	}
	if c.text += len(n.Value); c.text > maxText {
		c.reject(RuleExpansion, p, fmt.Sprintf("the file expands to more than %d bytes", maxText), "use fewer aliases (*name)")
		c.full = true
		return nil, false
	}
	if depth > maxDepth {
		c.reject(RuleExpansion, p, fmt.Sprintf("is nested more than %d levels deep", maxDepth), "")
		return nil, false
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, p, depth+1)
	case yaml.MappingNode:
		return c.mapping(n, p, depth), true
	case yaml.SequenceNode:
		return c.sequence(n, p, depth), true
	case yaml.ScalarNode:
		return c.scalar(n, p)
	}
	c.reject(RuleScalar, p, "is no value", "")
	return nil, false
}

func (c *converter) sequence(n *yaml.Node, p Path, depth int) []any {
	c.collectionTag(n, "!!seq", p)
	items := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		if c.full {
			break
		}
		v, _ := c.value(item, p.Index(i), depth+1)
		items = append(items, v)
	}
	return items
}

func (c *converter) mapping(n *yaml.Node, p Path, depth int) map[string]any {
	c.collectionTag(n, "!!map", p)
	object := make(map[string]any, len(n.Content)/2)
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !c.full; i += 2 {
		key, ok := c.key(n.Content[i], p)
		if !ok {
			continue
		}
		at := p.Key(key)
		if line, dup := first[key]; dup {
			c.rejectKey(RuleDuplicateKey, n.Content[i], at,
				fmt.Sprintf("is given twice, first in line %d", line), "keep one of the two")
			continue
		}
		first[key] = n.Content[i].Line
		if v, ok := c.value(n.Content[i+1], at, depth+1); ok {
			object[key] = v
		}
	}
	return object
}

// key returns a mapping's key, which must be text.
func (c *converter) key(n *yaml.Node, p Path) (string, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		c.rejectKey(RuleKeyType, n, p, "a key must be text", `if this is to be a template, put it in quotes, as in "{{ .node.name }}"`)
		return "", false
	}
	switch tag := n.ShortTag(); {
	case tag == "!!merge":
		c.rejectKey(RuleMergeKey, n, p.Key(n.Value), "merge keys are not supported",
			"write the keys out, or use an alias (*name) for a whole value")
		return "", false
	case tag != "!!str" && n.Value != "":
		c.rejectKey(RuleKeyType, n, p.Key(n.Value), "a key must be text, not "+tagName(tag),
			fmt.Sprintf("put it in quotes: %q", n.Value))
		return "", false
	}
	if strings.ContainsRune(n.Value, 0) {
		c.rejectKey(RuleKeyType, n, p, "a key holds a NUL character", "")
		return "", false
	}
	return n.Value, true
}

// rejectKey is reject at the position of a key.
func (c *converter) rejectKey(rule Rule, key *yaml.Node, p Path, message, hint string) {
	if c.full = c.full || len(c.problems) >= maxDetail; c.full {
		return
	}
	problem := c.doc.reject(rule, p, message, hint)
	problem.Line, problem.Column = key.Line, key.Column
	c.problems = append(c.problems, problem)
}

func (c *converter) scalar(n *yaml.Node, p Path) (any, bool) {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp":
		if strings.ContainsRune(n.Value, 0) {
			c.reject(RuleScalar, p, "holds a NUL character", "")
			return nil, false
		}
		return n.Value, true
	case "!!null":
		return nil, true
	case "!!bool", "!!int", "!!float":
		return c.plain(n, p)
	default:
		c.reject(RuleTag, p, fmt.Sprintf("has the tag %s, which is not supported", tag), "leave the tag out")
		return nil, false
	}
}

func (c *converter) plain(n *yaml.Node, p Path) (any, bool) {
	var v any
	if err := n.Decode(&v); err != nil {
		c.reject(RuleScalar, p, fmt.Sprintf("%q is not %s", n.Value, tagName(n.ShortTag())), "")
		return nil, false
	}
	switch v := v.(type) {
	case bool, int, int64, uint64:
		return v, true
	case float64:
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v, true
		}
	}
	c.reject(RuleScalar, p, fmt.Sprintf("%q is not a number that can be used", n.Value), "")
	return nil, false
}

func (c *converter) collectionTag(n *yaml.Node, want string, p Path) {
	if tag := n.ShortTag(); tag != want {
		c.reject(RuleTag, p, fmt.Sprintf("has the tag %s, which is not supported", tag), "leave the tag out")
	}
}

func tagName(tag string) string {
	switch tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	}
	return tag
}
