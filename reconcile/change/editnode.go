package change

import (
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// pause says of a node that its agent only looks, and until when: in the word that is there, or in a
// new one behind the node's last that stands on one line.
func pause(data []byte, node, until string) ([]byte, error) {
	out, err := paused(data, node)
	if err != nil {
		return nil, err
	}
	if out, err = remove(out, "nodes", node, "until"); err != nil || until == "" {
		return out, err
	}
	e, err := find(out, "nodes", node, "paused")
	if err != nil || e == nil {
		return nil, errors.Join(err, fmt.Errorf("no place for until: in %s: %w", node, ErrByHand))
	}
	until = `"` + until + `"` // a moment without quotes is no text to every reader of YAML
	return insert(out, e, "until", until, until), nil
}

// moment is a time as a document has it, empty for none.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// paused is a document that pauses a node, without saying until when.
func paused(data []byte, node string) ([]byte, error) {
	if e, err := find(data, "nodes", node, "paused"); err != nil || e != nil {
		if err != nil {
			return nil, err
		}
		return set(data, "true", "nodes", node, "paused")
	}
	m, err := written(data, node)
	if err != nil {
		return nil, err
	}
	last := len(m.Content) - 2
	for i := last; i >= max(0, last-2*mostPlaces); i -= 2 {
		e, err := entryAt(data, m, i)
		if err != nil || e.key.Line != e.value.Line || e.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			continue
		}
		if out := insert(data, e, "paused", "true", "true"); says(out, node) {
			return out, nil
		}
	}
	return nil, fmt.Errorf("no place for paused: in %s: %w", node, ErrByHand)
}

// mostPlaces is how many entries of a node are tried, from its last.
const mostPlaces = 8

// written is the mapping of a node that the document has.
func written(data []byte, node string) (*yaml.Node, error) {
	m, err := mapping(data, "nodes", node)
	if err == nil && m == nil {
		err = fmt.Errorf("the document has no node %s: %w", node, ErrByHand)
	}
	return m, err
}

// says reports whether a document pauses a node.
func says(data []byte, node string) bool {
	v, err := values(data)
	n := nodeOf(v, node)
	return err == nil && n != nil && n["paused"] == true
}

// resume takes the pause of a node out, with its reason, which would be refused alone.
func resume(data []byte, node string) ([]byte, error) {
	if _, err := written(data, node); err != nil {
		return nil, err
	}
	out := data
	for _, word := range []string{"reason", "until", "paused"} {
		var err error
		if out, err = remove(out, "nodes", node, word); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// nodeOf is what a document says of a node, nil when there is no such node.
func nodeOf(document map[string]any, name string) map[string]any {
	if name == "" {
		return nil
	}
	nodes, _ := document["nodes"].(map[string]any)
	n, _ := nodes[name].(map[string]any)
	return n
}
