package schema

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	syntaxLine    = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// countedFromZero lists what the YAML parser says with a line that counts from
// zero. What its scanner says counts from one.
func countedFromZero() []string {
	return []string{
		"did not find expected ',' or '}'", "did not find expected ',' or ']'",
		"did not find expected key", "did not find expected '-' indicator",
		"did not find expected node content", "did not find expected <document start>",
	}
}

// syntaxProblem turns the YAML parser's error into a problem.
func syntaxProblem(file string, data []byte, err error) *Problem {
	p := &Problem{File: file, Line: 1, Column: 1, Rule: RuleSyntax}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		p.Line, _ = strconv.Atoi(m[1])
		if slices.Contains(countedFromZero(), text) {
			p.Line++
		}
		lines := bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")) + 1
		p.Line = min(max(p.Line, 1), lines)
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		p.Line, p.Column = find(data, "*"+m[1])
	}
	p.Message = "not YAML: " + text
	p.Hint = syntaxHint(text)
	p.plainer(data)
	return p
}

// plainer says in plain words what people meet most.
func (p *Problem) plainer(data []byte) {
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := string(line)
		switch {
		case conflictMarker.MatchString(text):
			p.Line, p.Column = i+1, 1
			p.Message, p.Hint = "a merge was not finished: this is a conflict marker of git", "keep one of the two versions, and remove the lines of <<<<<<<, ======= and >>>>>>>"
			return
		case i+1 == p.Line && strings.HasPrefix(strings.TrimLeft(text, " "), "\t"):
			p.Message, p.Hint = "the line is indented with a tab", "indent with spaces"
			return
		case noBreakSpace.MatchString(text):
			p.Line, p.Column = i+1, utf8.RuneCountInString(noBreakSpace.FindString(text))
			p.Message, p.Hint = "this is a no-break space, as web pages have it, and not a plain one", "type the space again"
			return
		case i+1 == p.Line && leadingColon.MatchString(text):
			p.Column = 1 + utf8.RuneCountInString(text[:leadingColon.FindStringIndex(text)[1]-2])
			p.Message, p.Hint = "a value within { } or [ ] begins with a colon", `put it in quotes, as in { address: "::1" }`
			return
		case i+1 == p.Line && missingSpace.MatchString(text):
			p.Hint = "a space belongs after the colon, as in key: value"
		}
	}
}

// noBreakSpace is a line up to such a space, outside a comment.
var noBreakSpace = regexp.MustCompile(`^[^#]*?\x{a0}`)

// conflictMarker is what git writes around the two versions of an unfinished merge.
var conflictMarker = regexp.MustCompile(`^(<{7}|>{7}|\|{7})( |\r?$)|^={7}\r?$`)

var leadingColon = regexp.MustCompile(`[{\[].*[:,\[] *::`)

var missingSpace = regexp.MustCompile(`^ *[A-Za-z]+:[A-Za-z0-9]`)

// find returns the position of the first occurrence of a text.
func find(data []byte, text string) (line, column int) {
	i := bytes.Index(data, []byte(text))
	if i < 0 {
		return 1, 1
	}
	return LineColumn(data, i)
}

// LineColumn returns the line and the column of a byte.
func LineColumn(data []byte, offset int) (line, column int) {
	before := data[:offset]
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

func syntaxHint(text string) string {
	switch {
	case strings.Contains(text, "cannot start any token"):
		return "indent with spaces, and put text that begins with @, % or ` in quotes"
	case strings.Contains(text, "mapping values are not allowed"):
		return "put text that holds a colon in quotes"
	case strings.Contains(text, "expected ',' or"):
		return "a { or [ that begins here is not closed as it should be"
	case strings.Contains(text, "could not find expected ':'"):
		return "a key ends in a colon, as in key: value; look at the indentation and the quotes from here on"
	case strings.Contains(text, "did not find expected key"):
		return "look at the indentation and the quotes from here on"
	case strings.Contains(text, "unexpected end of stream"), strings.Contains(text, "unexpected document indicator"):
		return "a quote that begins here is not closed"
	case strings.Contains(text, "incompatible YAML document"):
		return "remove the line of %YAML: a file needs none"
	case strings.Contains(text, "unknown anchor"):
		return "an alias *name needs an anchor &name above it; put text that begins with * in quotes"
	}
	return ""
}
