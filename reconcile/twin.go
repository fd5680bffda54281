package reconcile

import (
	"context"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/twin"
)

// sayTwin tells of another agent of this node's name, for as long as it may live.
func (l *Learner) sayTwin(next *Snapshot) {
	next.Twin = l.twins.Twin != nil && twin.Lately(next.Began-l.twins.TwinAt, next.Accepted.Deployment.Agent.Heartbeat.D())
	if !next.Twin {
		return
	}
	next.warn(plan.CondTwoAgents, "two agents call themselves %s: this one, %s, and another one, %s, which is %s. Stop the agent of the wrong "+
		"machine, and give it a node: of its own in its agent file", l.Node, twin.Whose(l.Host, l.Source), twin.OfReport(l.twins.Twin), l.twins.Twin.Status)
}

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
		if hash := refs[ref]; hash != "" && hash != l.hashes[ref] && l.unfit.Know(ref, hash, next.Began) == nil {
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
		l.unfit.Note(ref, moved[ref], err, next.Began)
	}
	for ref, r := range reports {
		l.hashes[ref] = moved[ref]
		age := l.Clock.Wall().Sub(r.At)
		if again || twin.Lately(age, d.Agent.Heartbeat.D()) { // it lives, or may live
			l.twins.Stranger, l.twins.StrangerAt = &r, next.Began
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
	}{{l.twins.Stranger, l.twins.StrangerAt}, {l.twins.Twin, l.twins.TwinAt}} {
		same := c.r != nil && (c.r.Seen == next.Seen || c.r.Accepted == next.Accepted.Commit || c.r.Accepted == next.Seen)
		if c.r != nil && !same && twin.Apart(twin.SourceOf(c.r), l.Source) && twin.Lately(next.Began-c.at, next.Accepted.Deployment.Agent.Heartbeat.D()) {
			return c.r
		}
	}
	return nil
}

// sayNamesake tells of another document that has this deployment's name.
func (l *Learner) sayNamesake(next *Snapshot) {
	if r := l.namesake(next); r != nil {
		next.warn(plan.CondNameShared, "%s. This node changes no claim until one of them has another name", twin.Shared(next.Accepted.Deployment.Name, l.Source, r))
	}
}
