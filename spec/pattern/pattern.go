// Package pattern is text in which a star stands for what a node's own file leaves open:
// in the name of a unit, and in a command.
//
// It must not know what is named.
package pattern

import "strings"

// Anything is the pattern that matches any argument, and as the last one any
// rest.
const Anything = "*"

// Text matches text against a pattern in which * stands for any run of
// characters.
func Text(pattern, text string) bool {
	parts := strings.Split(pattern, Anything)
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = after
	}
	return true
}

// Argv matches a command against a pattern. The program is never a
// wildcard.
func Argv(pattern, argv []string) bool {
	if len(pattern) == 0 || len(argv) == 0 || pattern[0] != argv[0] {
		return false
	}
	for i, want := range pattern {
		if want == Anything && i > 0 && i == len(pattern)-1 {
			return true
		}
		if i >= len(argv) || want != argv[i] && (want != Anything || i == 0) {
			return false
		}
	}
	return len(pattern) == len(argv)
}
