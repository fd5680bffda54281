package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 1 << 20

// Document is a file that was read: its values, and where each of them stands.
type Document struct {
	// File is the name that problems carry.
	File string
	// Value is the file's content with defaults filled in. Whatever a problem
	// was found in is left out of it.
	Value map[string]any
	// Source is the content as JSON, before defaults. It is nil when there
	// were problems.
	Source json.RawMessage

	root *yaml.Node
	bad  []Path
}

func internal(file string, err error) Problem {
	return Problem{File: file, Line: 1, Column: 1, Rule: RuleInternal, Message: err.Error()}
}

// Read reads a YAML file strictly and returns it with every problem that it has,
// sorted by position. The document is nil when the file has no values that
// could be looked at, or too many problems to go on.
func Read(kind Kind, file string, data []byte) (*Document, []Problem) {
	def, err := define(kind)
	if err != nil {
		return nil, []Problem{internal(file, err)}
	}
	root, problem := parse(file, data)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	d := &Document{File: file, root: root}
	c := converter{doc: d}
	value, _ := c.value(root, nil, 0)
	if len(c.problems) == 0 {
		value = c.content(data)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, Sort(append(c.problems, d.Problem(RuleType, nil, "must be a mapping of keys to values, not "+typeName(value), "")))
	}
	d.Value = object
	problems := c.problems
	if !c.full {
		problems = append(problems, d.check(def)...)
	}
	if c.full || len(problems) >= maxDetail {
		return nil, Sort(problems)
	}
	if len(problems) == 0 {
		d.Source, err = json.Marshal(d.Value)
		if err != nil {
			problems = append(problems, d.Problem(RuleInternal, nil, err.Error(), ""))
		}
	}
	d.prune(d.bad...)
	def.fill(d.Value)
	return d, Sort(problems)
}

// Decode fills v from the document's values.
func (d *Document) Decode(v any) error {
	b, err := json.Marshal(d.Value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", d.File, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode %s: %w", d.File, err)
	}
	return nil
}

// Sound tells whether no problem was found at the path, above it or below it.
// Problems of the file as a whole do not count.
func (d *Document) Sound(p Path) bool {
	for _, bad := range d.bad {
		if len(bad) > 0 && (p.Within(bad) || bad.Within(p)) {
			return false
		}
	}
	return true
}

// Problem returns a problem at the path's position.
func (d *Document) Problem(rule Rule, p Path, message, hint string) Problem {
	line, column := d.Position(p)
	return Problem{
		File: d.File, Line: line, Column: column,
		Path: p.String(), Message: message, Rule: rule, Hint: hint,
	}
}

// Reject is Problem for a value that must not be used: it is taken out of Value.
func (d *Document) Reject(rule Rule, p Path, message, hint string) Problem {
	d.prune(p)
	return d.reject(rule, p, message, hint)
}

// reject only remembers that the value is bad, for as long as it is still
// looked at.
func (d *Document) reject(rule Rule, p Path, message, hint string) Problem {
	d.bad = append(d.bad, p)
	return d.Problem(rule, p, message, hint)
}

// parse returns the one YAML document of a file.
func parse(file string, data []byte) (*yaml.Node, *Problem) {
	if p := checkBytes(file, data); p != nil {
		return nil, p
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	root, err := next(dec)
	if errors.Is(err, io.EOF) {
		return nil, emptyFile(file)
	}
	if err != nil {
		return nil, syntaxProblem(file, data, err)
	}
	second, err := next(dec)
	switch {
	case errors.Is(err, io.EOF) && isNull(root):
		return nil, emptyFile(file)
	case errors.Is(err, io.EOF):
		return root.Content[0], nil
	}
	if err != nil {
		return nil, syntaxProblem(file, data, err)
	}
	p := &Problem{
		File: file, Line: max(second.Line, 1), Column: max(second.Column, 1),
		Rule:    RuleSecondDocument,
		Message: "a second YAML document begins here",
		Hint:    "keep one document in a file, and nothing after a line of ---",
	}
	if isNull(root) {
		p.Message, p.Hint = "a second YAML document begins here, and the first one is empty", "remove one of the two lines of ---"
	}
	return nil, p
}

func emptyFile(file string) *Problem {
	return &Problem{File: file, Line: 1, Column: 1, Rule: RuleEmpty, Message: "the file is empty"}
}

// next decodes one YAML document. The parser reports what it finds by error,
// but it is fed by strangers: a panic of it is an error too.
func next(dec *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	n = &yaml.Node{}
	if err := dec.Decode(n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
		return nil, errors.New("yaml: not a document")
	}
	return n, nil
}

func isNull(doc *yaml.Node) bool {
	n := doc.Content[0]
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

func checkBytes(file string, data []byte) *Problem {
	if len(data) > MaxSize {
		return &Problem{
			File: file, Line: 1, Column: 1,
			Rule:    RuleSize,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d allowed", len(data), MaxSize),
		}
	}
	if i := invalidUTF8(data); i >= 0 {
		line, column := LineColumn(data, i)
		return &Problem{
			File: file, Line: line, Column: column,
			Rule:    RuleEncoding,
			Message: "a byte here is not UTF-8",
			Hint:    "save the file as UTF-8",
		}
	}
	return nil
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
