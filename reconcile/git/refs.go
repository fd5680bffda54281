package git

import (
	"fmt"
	"strings"

	"mainstay/reconcile/plan"
)

const (
	headsPrefix = "refs/heads/"
	ownPrefix   = "refs/mainstay/"
)

// Branch returns the full name of a branch.
func Branch(name string) string {
	if strings.HasPrefix(name, "refs/") {
		return name
	}
	return headsPrefix + name
}

// ClaimRef returns the ref that holds the claim of an exclusive role.
func ClaimRef(deployment, role string) string {
	return plan.ClaimRef(refPart(deployment), refPart(role))
}

// RefsOf returns what the claims and the reports of a deployment begin with.
func RefsOf(deployment string) string { return ownPrefix + refPart(deployment) + "/" }

// ReportRef returns the ref that holds the report of a node.
func ReportRef(deployment, node string) string {
	return plan.ReportRef(refPart(deployment), refPart(node))
}

// refPart makes a name fit for one component of a ref. Names that the document
// allows pass unchanged; what git forbids in a ref is escaped, so that two names
// never share a ref.
func refPart(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if plainRefByte(c) || c == '.' && dotAllowed(name, i) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func plainRefByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// dotAllowed knows git's rules: no dot first or last, no two in a row, no
// ".lock" at the end.
func dotAllowed(name string, i int) bool {
	return i > 0 && i < len(name)-1 && name[i-1] != '.' && name[i:] != ".lock"
}
