package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"mainstay/reconcile/plan"
)

// apart reports whether two sources are certain to be two: one repository may be
// reached by several schemes, users and ports, and be a folder on its own server.
func apart(one, other plan.Source) bool {
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

// twins is what was seen of agents that are none of this deployment's nodes, or
// another one of this very name.
type twins struct {
	// mine and others say that a report of this node was read in this run: of this
	// agent's own, or of another one's.
	mine, others bool
	// twin is the newest report of another agent that goes by this node's name, and
	// stranger the one of an agent that goes by another document of this name. They
	// are nil when there is none, and were read at twinAt and strangerAt.
	twin, stranger     *plan.Report
	twinAt, strangerAt time.Duration
}

// meet takes in a report that was found at this node's own ref. The first one of
// another agent may be of a machine that this one replaced. One that came after this
// agent's own, or after another one of that agent, is of an agent that lives.
func (t *twins) meet(r plan.Report, instance string, now time.Duration) {
	switch {
	case instance == "" || r.Instance == instance:
		t.mine = true
		return
	case t.mine || t.others:
		t.twin, t.twinAt = &r, now
	}
	if t.others = true; r.Ended {
		t.twin = nil
	}
}

// lately reports whether something read at a moment still speaks.
func (l *Learner) lately(at time.Duration, next *Snapshot) bool {
	return next.Began-at <= 2*next.Accepted.Deployment.Agent.Heartbeat.D()+time.Minute
}

// sayTwin tells of another agent of this node's name, for as long as it may live.
func (l *Learner) sayTwin(next *Snapshot) {
	next.Twin = l.twins.twin != nil && l.lately(l.twins.twinAt, next)
	if !next.Twin {
		return
	}
	next.warn(plan.CondTwoAgents, "two agents call themselves %s: this one, %s, and another one, %s, which is %s. Stop the agent of the wrong "+
		"machine, and give it a node: of its own in its agent file", l.Node, whose(l.Host, l.Source), ofReport(l.twins.twin), l.twins.twin.Status)
}

// whose says where an agent runs and what it reads.
func whose(host string, s plan.Source) string {
	text := "on " + cmp.Or(host, "a host that is not known")
	if s.Repository != "" {
		text += " by " + s.String()
	}
	return text
}

func sourceOf(r *plan.Report) plan.Source { return plan.Source{Repository: r.Repository, Path: r.Path} }

func ofReport(r *plan.Report) string { return whose(r.Host, sourceOf(r)) }

// readStrangers reads the reports of those who hold a claim of this deployment and
// are not in its document. Documents of one name in two repositories share their
// claims where these share the place of coordination.
func (l *Learner) readStrangers(ctx context.Context, next *Snapshot, refs map[string]string) {
	d := next.Accepted.Deployment
	moved, again := map[string]string{}, false
	for _, role := range next.Accepted.layout.roles {
		node := next.Claims[role.name].Tip.Node
		if _, ours := d.Nodes[node]; ours || node == "" {
			continue
		}
		ref := plan.ReportRef(d.Name, node)
		if hash := refs[ref]; hash != "" && hash != l.hashes[ref] && l.unfit.know(ref, hash, next.Began) == nil {
			moved[ref], again = hash, l.hashes[ref] != ""
		}
	}
	if len(moved) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout())
	defer cancel()
	reports, errs := l.Coordination.Reports(ctx, moved)
	for ref, err := range errs {
		l.unfit.note(ref, moved[ref], err, next.Began)
	}
	for ref, r := range reports {
		l.hashes[ref] = moved[ref]
		age := l.Clock.Wall().Sub(r.At)
		if again || age <= 2*d.Agent.Heartbeat.D()+time.Minute { // it lives, or may live
			l.twins.stranger, l.twins.strangerAt = &r, next.Began
		}
	}
}

// namesake returns a report of an agent that goes by another document of this
// deployment's name, nil when none is known. An agent that has seen a commit of this
// node's goes by the same repository, however that is spelled.
func (l *Learner) namesake(next *Snapshot) *plan.Report {
	for _, c := range []struct {
		r  *plan.Report
		at time.Duration
	}{{l.twins.stranger, l.twins.strangerAt}, {l.twins.twin, l.twins.twinAt}} {
		same := c.r != nil && (c.r.Seen == next.Seen || c.r.Accepted == next.Accepted.Commit || c.r.Accepted == next.Seen)
		if c.r != nil && !same && apart(sourceOf(c.r), l.Source) && l.lately(c.at, next) {
			return c.r
		}
	}
	return nil
}

// sayNamesake tells of another document that has this deployment's name.
func (l *Learner) sayNamesake(next *Snapshot) {
	if r := l.namesake(next); r != nil {
		next.warn(plan.CondNameShared, "%s. This node changes no claim until one of them has another name", l.sharedName(next, r))
	}
}

func (l *Learner) sharedName(next *Snapshot, r *plan.Report) string {
	return fmt.Sprintf("two documents are called %s and share its claims: %s, which this node goes by, and %s, which %s goes by",
		next.Accepted.Deployment.Name, l.Source, sourceOf(r), r.Node)
}
