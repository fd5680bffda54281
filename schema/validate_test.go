package schema

import (
	"encoding/json"
	"errors"
	"fmt"
)

// validate returns every problem of a file of any kind, sorted by position. The
// product reads claims and reports with the types that make them: their schemas are
// documentation, which mainstay schema prints and these tests hold to the truth.
func validate(kind Kind, file string, data []byte) []Problem {
	if kind != Claim && kind != Report {
		_, problems := Read(kind, file, data)
		return problems
	}
	def, err := define(kind)
	if err != nil {
		return []Problem{internal(file, err)}
	}
	return validateJSON(def, file, data)
}

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
		p.Line, p.Column = LineColumn(data, offset)
	}
	return p
}
