package schema

import (
	"cmp"
	"slices"
	"strconv"
)

// MaxProblems bounds how many problems of one file are listed. A last one says
// that there are more.
const MaxProblems = 200

// maxDetail is how many problems are looked at before a file is given up.
const maxDetail = 5 * MaxProblems

// Rule is the stable name of what a problem breaks.
type Rule string

// The rules on the shape of a file. Package spec adds those on its meaning.
const (
	RuleSize           Rule = "size"
	RuleEncoding       Rule = "encoding"
	RuleEmpty          Rule = "empty"
	RuleSyntax         Rule = "syntax"
	RuleSecondDocument Rule = "second-document"
	RuleDuplicateKey   Rule = "duplicate-key"
	RuleMergeKey       Rule = "merge-key"
	RuleKeyType        Rule = "key-type"
	RuleTag            Rule = "tag"
	RuleScalar         Rule = "scalar"
	RuleExpansion      Rule = "expansion"
	RuleUnknownKey     Rule = "unknown-key"
	RuleMissing        Rule = "missing"
	RuleEnum           Rule = "enum"
	RuleType           Rule = "type"
	RulePattern        Rule = "pattern"
	RuleLength         Rule = "length"
	RuleRange          Rule = "range"
	RuleTwice          Rule = "twice"
	RuleOneOf          Rule = "one-of"
	RuleCompanion      Rule = "companion"
	// RuleInternal is a mistake in mainstay itself.
	RuleInternal Rule = "internal"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File string `json:"file"`
	// Line and Column count from 1. The column counts characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Path is the field, such as roles.xivo.services[0].name. It is empty when
	// the whole file is meant.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	// Rule names what is broken.
	Rule Rule `json:"rule"`
	// Hint says what would be right, when that is known.
	Hint string `json:"hint,omitempty"`
}

// String returns "file:line:column: path: message".
func (p Problem) String() string {
	s := p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column) + ": "
	if p.Path != "" {
		s += p.Path + ": "
	}
	return s + p.Message
}

// Lines are problems as a person reads them: each on a line of its own, and its hint
// on an indented one behind it. Clean is handed what a file said, and returns what may
// be shown of it.
func Lines(problems []Problem, clean func(string) string) []string {
	var out []string
	for _, p := range problems {
		out = append(out, clean(p.String()))
		if p.Hint != "" {
			out = append(out, "  hint: "+clean(p.Hint))
		}
	}
	return out
}

// Sort orders problems by position, drops repeated ones and cuts the list at
// MaxProblems.
func Sort(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Hint, b.Hint),
		)
	})
	problems = slices.Compact(problems)
	if len(problems) > MaxProblems {
		last := problems[MaxProblems-1]
		last.Path, last.Hint = "", ""
		last.Message = "more problems follow"
		problems = append(problems[:MaxProblems:MaxProblems], last)
	}
	return problems
}
