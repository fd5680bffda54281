package change

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"mainstay/spec"
)

// Word says what the document should declare afterwards.
type Word struct {
	// Active is the side to declare, empty to leave that as it is.
	Active spec.Side
	// Fenced is the side to state as off, empty to leave that as it is. Unfence
	// takes the statement out.
	Fenced  spec.Side
	Unfence bool
	// Pause and Resume are the nodes to pause and to resume, empty for none.
	Pause, Resume string
	// Until is when the pause ends, zero for none.
	Until time.Time
}

// ErrByHand means that the words cannot be changed without changing something
// else too, such as through an anchor that is used elsewhere.
var ErrByHand = errors.New("edit it by hand")

// Edit returns the document with the change made. A document that declares it
// already comes back as it is.
func Edit(data []byte, c Word) ([]byte, error) {
	out := data
	var err error
	if c.Unfence {
		if out, err = remove(out, "fenced"); err != nil {
			return nil, err
		}
	}
	if c.Active != "" {
		if out, err = set(out, string(c.Active), "active"); err != nil {
			return nil, err
		}
	}
	if c.Fenced != "" {
		if out, err = fence(out, string(c.Fenced)); err != nil {
			return nil, err
		}
	}
	if c.Resume != "" {
		if out, err = resume(out, c.Resume); err != nil {
			return nil, err
		}
	}
	if c.Pause != "" {
		if out, err = pause(out, c.Pause, moment(c.Until)); err != nil {
			return nil, err
		}
	}
	return out, verify(data, out, c)
}

// verify makes sure that the two words are all that changed.
func verify(before, after []byte, c Word) error {
	want, err := values(before)
	if err != nil {
		return err
	}
	got, err := values(after)
	if err != nil {
		return fmt.Errorf("the changed document would not be YAML any more: %w", ErrByHand)
	}
	if c.Active != "" {
		want["active"] = string(c.Active)
	}
	if c.Unfence {
		delete(want, "fenced")
	}
	if c.Fenced != "" {
		want["fenced"] = string(c.Fenced)
	}
	if n := nodeOf(want, c.Resume); n != nil {
		delete(n, "paused")
		delete(n, "reason")
		delete(n, "until")
	}
	if n := nodeOf(want, c.Pause); n != nil {
		n["paused"] = true
		if delete(n, "until"); !c.Until.IsZero() {
			n["until"] = moment(c.Until)
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("changing the word would change something else too: %w", ErrByHand)
	}
	return nil
}

func values(data []byte) (map[string]any, error) {
	var v map[string]any
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	return v, nil
}

// entry is a key of a mapping with its value, and where both are.
type entry struct {
	key, value *yaml.Node
	// keyAt is where the key begins; from and to enclose the value's text with
	// its quotes, without an anchor or a tag in front.
	keyAt, from, to int
	flow            bool
}

// find returns the entry of a key, by the path of keys that leads to it from the top,
// or nil.
func find(data []byte, path ...string) (*entry, error) {
	m, err := mapping(data, path[:len(path)-1]...)
	if err != nil || m == nil {
		return nil, err
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == path[len(path)-1] {
			return entryAt(data, m, i)
		}
	}
	return nil, nil
}

// entryAt is the entry of a mapping whose key is the i-th of what it contains.
func entryAt(data []byte, m *yaml.Node, i int) (*entry, error) {
	e := &entry{key: m.Content[i], value: m.Content[i+1], flow: m.Style&yaml.FlowStyle != 0}
	e.keyAt = offset(data, e.key.Line, e.key.Column)
	var err error
	e.from, e.to, err = token(data, e.value)
	return e, err
}

// mapping returns the mapping that a path of keys leads to, nil when there is none.
// One that is written elsewhere, as an anchor, is not to be changed from here.
func mapping(data []byte, path ...string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the document is no mapping")
	}
	at := doc.Content[0]
	for _, key := range path {
		i := 0
		for i < len(at.Content) && at.Content[i].Value != key {
			i += 2
		}
		if i+1 >= len(at.Content) {
			return nil, nil
		}
		if at = at.Content[i+1]; at.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%s is not written out where it stands: %w", key, ErrByHand)
		}
	}
	return at, nil
}

// set replaces the value of a key that is there.
func set(data []byte, value string, path ...string) ([]byte, error) {
	e, err := find(data, path...)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fmt.Errorf("the document has no %s: %w", strings.Join(path, "."), ErrByHand)
	}
	if e.value.Kind == yaml.ScalarNode && e.value.Value == value {
		return data, nil
	}
	return splice(data, e.from, e.to, quoted(e.value, value)), nil
}

// quoted writes a value the way another one is written.
func quoted(n *yaml.Node, value string) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return value
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return `"` + value + `"`
	case n.Style&yaml.SingleQuotedStyle != 0:
		return "'" + value + "'"
	}
	return value
}

// fence states a side as off: in the word that is there, or in a new line below
// the active one.
func fence(data []byte, side string) ([]byte, error) {
	e, err := find(data, "fenced")
	if err != nil {
		return nil, err
	}
	if e != nil {
		return set(data, side, "fenced")
	}
	if e, err = find(data, "active"); err != nil {
		return nil, err
	}
	return insert(data, e, "fenced", quoted(e.value, side), side), nil
}

// insert puts a key behind an entry: in the same line of a flow mapping, or in a line
// of its own, which is the one above when the entry's own line does not end. A flow
// has the value as inFlow writes it.
func insert(data []byte, e *entry, name, inFlow, value string) []byte {
	if e.flow {
		if e.key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			name = quoted(e.key, name)
		}
		return splice(data, e.to, e.to, ", "+name+": "+inFlow)
	}
	text := indentation(data, e.keyAt) + name + ": " + value
	start, end := lineAt(data, e.to)
	if eol := lineEnd(data[start:end]); eol != "" {
		return splice(data, end, end, text+eol)
	}
	start, _ = lineAt(data, e.keyAt)
	start += bom(data[start:])
	return splice(data, start, start, text+anyLineEnd(data))
}

// indentation is what the line of a key begins with.
func indentation(data []byte, at int) string {
	start, _ := lineAt(data, at)
	start += bom(data[start:])
	rest := data[start:at]
	return string(rest[:len(rest)-len(bytes.TrimLeft(rest, " "))])
}

// remove takes an entry out, with its lines when nothing else is on them.
func remove(data []byte, path ...string) ([]byte, error) {
	e, err := find(data, path...)
	if err != nil || e == nil {
		return data, err
	}
	start, _ := lineAt(data, e.keyAt)
	start += bom(data[start:])
	_, end := lineAt(data, e.to)
	before := bytes.TrimLeft(data[start:e.keyAt], " \t")
	if !e.flow {
		if len(before) > 0 && !bytes.HasPrefix(before, []byte("?")) {
			return nil, fmt.Errorf("%s shares its line with something else: %w", strings.Join(path, "."), ErrByHand)
		}
		return splice(data, start, end, ""), nil
	}
	return removeFlow(data, e, start, end), nil
}

// removeFlow takes an entry out of a flow mapping, together with one comma.
func removeFlow(data []byte, e *entry, start, end int) []byte {
	from, to := e.keyAt, e.to
	rest := bytes.TrimLeft(data[to:], " \t")
	comma := bytes.HasPrefix(rest, []byte(","))
	if comma {
		to = len(data) - len(rest) + 1
	}
	alone := len(bytes.TrimSpace(data[start:from])) == 0
	tail := bytes.TrimSpace(data[to:end])
	if alone && (len(tail) == 0 || tail[0] == '#') {
		return splice(data, start, end, "")
	}
	before := bytes.TrimRight(data[:from], " \t\r\n")
	if bytes.HasSuffix(before, []byte(",")) && (!comma || len(before) > start) {
		return splice(data, len(before)-1, e.to, "")
	}
	for comma && to < len(data) && (data[to] == ' ' || data[to] == '\t') {
		to++
	}
	return splice(data, from, to, "")
}

func splice(data []byte, from, to int, text string) []byte {
	out := make([]byte, 0, len(data)+len(text))
	out = append(out, data[:from]...)
	out = append(out, text...)
	return append(out, data[to:]...)
}
