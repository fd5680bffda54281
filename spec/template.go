package spec

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// Bounds of one template, so that a commit cannot take a node's memory or time.
const (
	maxTemplate = 256 << 10 // bytes of a template
	maxOutput   = 1 << 20   // bytes it may render
	maxSteps    = 100_000   // pieces of text it may write
	maxWork     = 1_000_000 // steps that all templates of a document may take for all its nodes
	maxArgument = 64 << 10  // bytes that its functions take, and give
)

// TemplateError is what is wrong with a template, without the template
// engine's own words around it.
type TemplateError struct {
	// Line and Column are the place in the template, from 1; zero when unknown.
	Line, Column int
	// Expr is the expression that could not be evaluated, if that is known.
	Expr   string
	Reason string
}

// Error returns "{{ expression }}: reason".
func (e *TemplateError) Error() string {
	if e.Expr == "" {
		return e.Reason
	}
	if e.MissingKey() != "" {
		return "{{ " + e.Expr + " }} has no value"
	}
	return "{{ " + e.Expr + " }}: " + e.Reason
}

// MissingKey returns the key that the data did not have, or "".
func (e *TemplateError) MissingKey() string {
	m := missingKey.FindStringSubmatch(e.Reason)
	if m == nil {
		return ""
	}
	return m[1]
}

// hasTemplate tells whether text must be expanded at all.
func hasTemplate(text string) bool { return strings.Contains(text, "{{") }

// render executes a template with missingkey=error.
func render(text string, data any) ([]byte, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	out, _, err := execute(t, data)
	return out, err
}

func parseTemplate(text string) (*template.Template, error) {
	if len(text) > maxTemplate {
		return nil, &TemplateError{Reason: fmt.Sprintf("the template has %d bytes, more than the %d allowed", len(text), maxTemplate)}
	}
	t, err := template.New("t").Option("missingkey=error").Funcs(boundedFuncs()).Parse(text)
	if err != nil {
		return nil, templateError(err)
	}
	for _, part := range t.Templates() {
		if part.Tree != nil {
			meter(part.Root)
		}
	}
	return t, nil
}

// execute returns what a template renders, and how many steps it took.
func execute(t *template.Template, data any) ([]byte, int, error) {
	w := &meteredWriter{}
	if err := t.Execute(w, data); err != nil {
		return nil, w.steps, templateError(err)
	}
	return w.buf.Bytes(), w.steps, nil
}

// meter puts an empty piece of text at the head of whatever can repeat: loops
// and the templates that a template calls. Each costs the writer one step, so
// that a loop without output ends too.
func meter(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			meter(n.List)
			meter(n.ElseList)
		case *parse.WithNode:
			meter(n.List)
			meter(n.ElseList)
		case *parse.RangeNode:
			meter(n.List)
			meter(n.ElseList)
		}
	}
	step := &parse.TextNode{NodeType: parse.NodeText, Pos: list.Pos}
	list.Nodes = append([]parse.Node{step}, list.Nodes...)
}

type meteredWriter struct {
	buf   bytes.Buffer
	steps int
}

func (w *meteredWriter) Write(b []byte) (int, error) {
	w.steps++
	if w.steps > maxSteps {
		return 0, errors.New("it takes too many steps")
	}
	if w.buf.Len()+len(b) > maxOutput {
		return 0, fmt.Errorf("it renders more than %d bytes", maxOutput)
	}
	return w.buf.Write(b)
}

// boundedFuncs replaces the built-in functions that make text out of text, by
// which a loop of a few turns could double its way to any size.
func boundedFuncs() template.FuncMap {
	return template.FuncMap{
		"print":    bounded(fmt.Sprint),
		"println":  bounded(fmt.Sprintln),
		"html":     bounded(template.HTMLEscaper),
		"js":       bounded(template.JSEscaper),
		"urlquery": bounded(template.URLQueryEscaper),
		"printf":   boundedPrintf,
	}
}

func bounded(f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		for _, a := range args {
			if s, ok := a.(string); ok && len(s) > maxArgument {
				return "", errTooLong
			}
		}
		return boundedResult(f(args...))
	}
}

var wideVerb = regexp.MustCompile(`[0-9]{4}|\*`)

func boundedPrintf(format string, args ...any) (string, error) {
	if len(format) > 1<<10 || wideVerb.MatchString(format) {
		return "", errTooLong
	}
	return bounded(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
}

func boundedResult(s string) (string, error) {
	if len(s) > maxArgument {
		return "", errTooLong
	}
	return s, nil
}

var errTooLong = errors.New("the text is too long")

var (
	templatePrefix = regexp.MustCompile(`^template: t:(\d+)(?::(\d+))?: `)
	missingKey     = regexp.MustCompile(`^map has no entry for key "(.*)"$`)
	templateWhere  = regexp.MustCompile(`^executing ".*?" at <(.*?)>: `)
)

func templateError(err error) *TemplateError {
	text := err.Error()
	e := &TemplateError{}
	if m := templatePrefix.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		if column, err := strconv.Atoi(m[2]); err == nil {
			e.Column = column + 1
		}
		text = text[len(m[0]):]
	}
	if m := templateWhere.FindStringSubmatch(text); m != nil {
		e.Expr = m[1]
		text = text[len(m[0]):]
	}
	e.Reason = text
	return e
}
