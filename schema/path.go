package schema

import (
	"strconv"
	"strings"
)

// Path leads from the top of a file to one value: keys, and indexes written as
// "[3]".
type Path []string

// Key returns the path of a key below p.
func (p Path) Key(key string) Path { return append(p[:len(p):len(p)], key) }

// Keys returns the path of a chain of keys below p.
func (p Path) Keys(keys ...string) Path { return append(p[:len(p):len(p)], keys...) }

// Index returns the path of an item below p.
func (p Path) Index(i int) Path { return p.Key("[" + strconv.Itoa(i) + "]") }

// String writes the path as people do: roles.xivo.services[0].name. Keys that
// hold anything but letters, digits, dashes and underscores are quoted.
func (p Path) String() string {
	var b strings.Builder
	for _, seg := range p {
		switch {
		case isIndex(seg):
			b.WriteString(seg)
		case plainKey(seg):
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(seg)
		default:
			b.WriteString("[" + strconv.Quote(seg) + "]")
		}
	}
	return b.String()
}

// Within tells whether p is q or lies below it.
func (p Path) Within(q Path) bool {
	if len(p) < len(q) {
		return false
	}
	for i, seg := range q {
		if p[i] != seg {
			return false
		}
	}
	return true
}

func isIndex(seg string) bool {
	_, ok := indexOf(seg)
	return ok
}

func indexOf(seg string) (int, bool) {
	if len(seg) < 3 || seg[0] != '[' || seg[len(seg)-1] != ']' {
		return 0, false
	}
	i, err := strconv.Atoi(seg[1 : len(seg)-1])
	return i, err == nil && i >= 0
}

func plainKey(key string) bool {
	for _, r := range key {
		plain := r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !plain {
			return false
		}
	}
	return key != ""
}
