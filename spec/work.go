package spec

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"text/template"
	"text/template/parse"
)

// The work of a document's templates and texts is counted in steps. Each costs
// well under a microsecond, so that the largest document there is takes an agent
// part of a second, and no memory to speak of.
const (
	// maxWork is what everything in a document may take for all its nodes, and
	// maxSteps what one template may take.
	maxWork  = 1_000_000
	maxSteps = 200_000
	// bytesPerStep is how much text one step reads or writes.
	bytesPerStep = 16
	// stepsOfFailure, stepsOfCall and stepsOfNode are what an error, a template
	// that is called, and each node that a loop may have to sort cost.
	stepsOfFailure = 500
	stepsOfCall    = 500
	stepsOfNode    = 4
	// mostWeight is the most that one piece of a template may cost at once.
	mostWeight = 4096
)

// errOverworked means that a document takes more work than maxWork.
var errOverworked = fmt.Errorf("expanding this document takes more than %d steps", maxWork)

// work counts the steps of one document.
type work struct {
	done int
	// nodes is how many nodes a loop may go through.
	nodes int
	// token is what the steps that are put into templates are written with.
	token []byte
}

func newWork(nodes int) *work { return &work{nodes: nodes, token: make([]byte, mostWeight)} }

// exceeded tells whether the document, or the template that began at a count, has
// done too much.
func (w *work) exceeded(begun int) error {
	switch {
	case w.done > maxWork:
		return errOverworked
	case w.done-begun > maxSteps:
		return errors.New("it takes too many steps")
	}
	return nil
}

// meter puts a step before each piece of a template, so that a loop without
// output ends too. A step is an empty piece of the token whose capacity is its
// weight.
func (w *work) meter(list *parse.ListNode) {
	if list == nil {
		return
	}
	nodes := make([]parse.Node, 0, 2*len(list.Nodes)+1)
	nodes = append(nodes, w.step(list.Pos, 1))
	for _, n := range list.Nodes {
		nodes = append(nodes, w.step(n.Position(), w.weigh(n)), n)
	}
	list.Nodes = nodes
}

func (w *work) step(at parse.Pos, weight int) parse.Node {
	return &parse.TextNode{NodeType: parse.NodeText, Pos: at, Text: w.token[:0:min(weight, mostWeight)]}
}

// weigh returns what a piece costs before it writes anything, and meters what is
// inside it.
func (w *work) weigh(n parse.Node) int {
	switch n := n.(type) {
	case *parse.IfNode:
		return 1 + w.branch(&n.BranchNode)
	case *parse.WithNode:
		return 1 + w.branch(&n.BranchNode)
	case *parse.RangeNode:
		return 1 + w.branch(&n.BranchNode) + w.nodes*stepsOfNode
	case *parse.TemplateNode:
		return stepsOfCall
	case *parse.ActionNode:
		return 1 + len(n.Pipe.String())/bytesPerStep
	}
	return 1
}

func (w *work) branch(n *parse.BranchNode) int {
	w.meter(n.List)
	w.meter(n.ElseList)
	return len(n.Pipe.String()) / bytesPerStep
}

// meteredWriter takes what a template renders, and counts.
type meteredWriter struct {
	buf   bytes.Buffer
	work  *work
	begun int
}

func (m *meteredWriter) Write(b []byte) (int, error) {
	m.work.done += 1 + len(b)/bytesPerStep
	if len(b) == 0 && cap(b) > 0 && &b[:1][0] == &m.work.token[0] {
		m.work.done += cap(b) - 1
	}
	if err := m.work.exceeded(m.begun); err != nil {
		return 0, err
	}
	if m.buf.Len()+len(b) > maxOutput {
		return 0, fmt.Errorf("it renders more than %d bytes", maxOutput)
	}
	return m.buf.Write(b)
}

// functions replaces the built-in functions that make text out of text, by which
// a loop of a few turns could double its way to any size.
func (w *work) functions() template.FuncMap {
	return template.FuncMap{
		"print":    w.bounded(fmt.Sprint),
		"println":  w.bounded(fmt.Sprintln),
		"html":     w.bounded(template.HTMLEscaper),
		"js":       w.bounded(template.JSEscaper),
		"urlquery": w.bounded(template.URLQueryEscaper),
		"printf":   w.printf,
	}
}

func (w *work) bounded(f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		for _, a := range args {
			if s, ok := a.(string); ok && len(s) > maxArgument {
				return "", errTooLong
			}
		}
		s := f(args...)
		w.done += 1 + 4*len(s)/bytesPerStep
		if len(s) > maxArgument {
			return "", errTooLong
		}
		return s, nil
	}
}

var wideVerb = regexp.MustCompile(`[0-9]{4}|\*`)

func (w *work) printf(format string, args ...any) (string, error) {
	const longest = 256
	if len(format) > longest || wideVerb.MatchString(format) {
		return "", errTooLong
	}
	return w.bounded(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
}

var errTooLong = errors.New("the text is too long")
