package schema

import "strings"

// longestName bounds what is taken for a name, in bytes: it is a part of a ref.
const longestName = 63

// IsName reports whether a text is a name that a valid document could give its
// deployment. Nothing else becomes a part of a ref.
func IsName(name string) bool {
	other := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' }
	return name != "" && len(name) <= longestName && !strings.ContainsFunc(name, other) &&
		!strings.Contains(name, "..") && strings.Trim(name, ".-") == name
}
