package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

// content returns what a file holds, as sigs.k8s.io/yaml reads it strictly into
// JSON. That reader does not know lines, second documents and empty files, and
// takes on, off, yes and no for true and false: the nodes were asked about all
// that first, and what they say of words is put back.
func (c *converter) content(data []byte) any {
	value, err := readStrictly(data)
	if err != nil {
		c.reject(RuleSyntax, nil, "not YAML: "+err.Error(), "")
		return nil
	}
	return c.settle(c.doc.root, nil, value)
}

// readStrictly turns YAML into JSON values. The parser is fed by strangers: a
// panic of it is an error too.
func readStrictly(data []byte) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	b, err := sigs.YAMLToJSONStrict(data)
	if err != nil {
		return nil, errors.New(firstLine(err.Error()))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// settle holds what was read against the nodes. Where YAML 1.1 takes a word for
// true or false, the word counts, as in YAML 1.2; any other value on which the
// two do not agree is refused.
func (c *converter) settle(n *yaml.Node, p Path, value any) any {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.settleMapping(n, p, value)
	case yaml.SequenceNode:
		return c.settleSequence(n, p, value)
	}
	want, ok := c.scalar(n, p)
	if _, isBool := value.(bool); isBool && isText(want) && isSwitch(n.Value) {
		return want
	}
	if !ok || same(want, value) {
		return value
	}
	c.reject(RuleScalar, p, fmt.Sprintf("%q is not the same to every reader of YAML", n.Value), "put it in quotes if it is text")
	return want
}

func (c *converter) settleMapping(n *yaml.Node, p Path, value any) any {
	object, _ := value.(map[string]any)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := c.key(n.Content[i], p)
		if !ok {
			continue
		}
		read, found := object[key]
		if word := strconv.FormatBool(isYes(key)); !found && isSwitch(key) {
			read, found = object[word]
			delete(object, word)
		}
		if !found {
			c.rejectKey(RuleKeyType, n.Content[i], p.Key(key), "is not the same key to every reader of YAML",
				fmt.Sprintf("put it in quotes: %q", key))
			continue
		}
		object[key] = c.settle(n.Content[i+1], p.Key(key), read)
	}
	return object
}

func (c *converter) settleSequence(n *yaml.Node, p Path, value any) any {
	list, _ := value.([]any)
	for i := range min(len(n.Content), len(list)) {
		list[i] = c.settle(n.Content[i], p.Index(i), list[i])
	}
	return list
}

// isYes tells whether YAML 1.1 takes a word for true.
func isYes(word string) bool {
	return slices.Contains([]string{"y", "yes", "on", "true"}, strings.ToLower(word))
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// same compares what a node says with a value of JSON.
func same(want, read any) bool {
	number, ok := read.(json.Number)
	if !ok {
		return want == read
	}
	if text := fmt.Sprint(want); text == number.String() {
		return true
	}
	f, err := strconv.ParseFloat(number.String(), 64)
	if err != nil {
		return false
	}
	switch w := want.(type) {
	case int:
		return float64(w) == f
	case int64:
		return float64(w) == f
	case uint64:
		return float64(w) == f
	case float64:
		return w == f
	}
	return false
}
