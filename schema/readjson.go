package schema

import (
	"encoding/json"
	"errors"
	"fmt"
)

// machineMade tells whether a kind of file is JSON that agents write for each
// other. It is read as JSON and nothing else, and keys that are not known are
// let through: an agent may read what a later version of it wrote.
func machineMade(kind Kind) bool { return kind == Claim || kind == Report }

// validateJSON returns every problem of a machine-made file. Problems inside it
// stand at line 1; the path tells where they are.
func validateJSON(def *definition, file string, data []byte) []Problem {
	if p := checkBytes(file, data); p != nil {
		return []Problem{*p}
	}
	d := &Document{File: file}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return []Problem{jsonProblem(file, data, err)}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return []Problem{d.Problem(RuleType, nil, "must be a mapping of keys to values, not "+typeName(value), "")}
	}
	d.Value = object
	return Sort(d.check(def))
}

func jsonProblem(file string, data []byte, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Rule: RuleSyntax, Message: fmt.Sprintf("not JSON: %v", err)}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset := min(max(int(syntax.Offset)-1, 0), len(data))
		p.Line, p.Column = Place(data, offset)
	}
	return p
}
