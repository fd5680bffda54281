package spec

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// Bounds of one template, so that a commit cannot take a node's memory or time.
const (
	maxTemplate = 256 << 10 // bytes of a template
	maxOutput   = 1 << 20   // bytes it may render
	maxArgument = 4 << 10   // bytes of a text that its functions take, and give
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

// parseTemplate reads a template whose work is counted by w.
func parseTemplate(text string, w *work) (*template.Template, error) {
	if len(text) > maxTemplate {
		return nil, &TemplateError{Reason: fmt.Sprintf("the template has %d bytes, more than the %d allowed", len(text), maxTemplate)}
	}
	w.done += len(text) / bytesPerStep
	t, err := template.New("t").Option("missingkey=error").Funcs(w.functions()).Parse(text)
	if err != nil {
		return nil, templateError(err)
	}
	for _, part := range t.Templates() {
		if part.Tree != nil {
			w.meter(part.Root)
		}
	}
	return t, nil
}

// execute renders a template with missingkey=error, or returns errOverworked
// once the document's work is used up.
func execute(t *template.Template, data any, w *work) ([]byte, error) {
	out := &meteredWriter{work: w, begun: w.done}
	err := w.exceeded(out.begun)
	if err == nil {
		err = t.Execute(out, data)
	}
	if err == nil {
		return out.buf.Bytes(), nil
	}
	w.done += stepsOfFailure
	if errors.Is(err, errOverworked) {
		return nil, errOverworked
	}
	return nil, templateError(err)
}

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
