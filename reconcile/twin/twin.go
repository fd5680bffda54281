// Package twin tells agents apart that share a name: another one of this very node, and
// one that goes by another document of this deployment's name (R9).
//
// It must not know how reports are read, nor what is done about a twin.
package twin

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"mainstay/reconcile/plan"
)

// Apart reports whether two sources are certain to be two: one repository may be
// reached by several schemes, users and ports, and be a folder on its own server.
func Apart(one, other plan.Source) bool {
	a, b := repositoryPath(one.Repository), repositoryPath(other.Repository)
	known := a != "" && b != ""
	return known && !strings.HasSuffix("/"+a, "/"+b) && !strings.HasSuffix("/"+b, "/"+a)
}

// repositoryPath is what all spellings of a repository's address have in common: the
// host and the path.
func repositoryPath(address string) string {
	if host, rest, ok := strings.Cut(address, ":"); ok && !strings.Contains(address, "://") && !strings.Contains(host, "/") {
		address = "ssh://" + host + "/" + rest
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.Trim(strings.TrimSuffix(path.Clean(strings.ToLower(u.Hostname())+"/"+u.Path), ".git"), "/")
}

// Seen is what was seen of agents that are none of this deployment's nodes, or
// another one of this very name.
type Seen struct {
	// mine and others say that a report of this node was read in this run: of this
	// agent's own, or of another one's.
	mine, others bool
	// Twin is the newest report of another agent that goes by this node's name, and
	// Stranger the one of an agent that goes by another document of this name. They
	// are nil when there is none, and were read at TwinAt and StrangerAt.
	Twin, Stranger     *plan.Report
	TwinAt, StrangerAt time.Duration
}

// Meet takes in a report that was found at this node's own ref. The first one of
// another agent may be of a machine that this one replaced. One that came after this
// agent's own, or after another one of that agent, is of an agent that lives.
func (t *Seen) Meet(r plan.Report, instance string, now time.Duration) {
	switch {
	case instance == "" || r.Instance == instance:
		t.mine = true
		return
	case t.mine || t.others:
		t.Twin, t.TwinAt = &r, now
	}
	if t.others = true; r.Ended {
		t.Twin = nil
	}
}

// Whose says where an agent runs and what it reads.
func Whose(host string, s plan.Source) string {
	text := "on " + cmp.Or(host, "a host that is not known")
	if s.Repository != "" {
		text += " by " + s.String()
	}
	return text
}

// SourceOf is the document that the author of a report goes by.
func SourceOf(r *plan.Report) plan.Source { return plan.Source{Repository: r.Repository, Path: r.Path} }

// Lately reports whether an agent that was heard so long ago may live, without another
// word since.
func Lately(ago, heartbeat time.Duration) bool { return ago <= 2*heartbeat+time.Minute }

// Shared says that two documents have one name: this node's own, and that of the author
// of a report.
func Shared(name string, own plan.Source, r *plan.Report) string {
	return fmt.Sprintf("two documents are called %s and share its claims: %s, which this node goes by, and %s, which %s goes by",
		name, own, SourceOf(r), r.Node)
}

// OfReport says where the author of a report runs and what it reads.
func OfReport(r *plan.Report) string { return Whose(r.Host, SourceOf(r)) }
