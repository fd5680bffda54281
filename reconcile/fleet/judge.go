package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/spec"
)

// judge says of every node whether it is as it should be.
func (v *View) judge() {
	v.OK = len(v.Deployments) > 0
	for i := range v.Deployments {
		d := &v.Deployments[i]
		d.OK = true
		for j := range d.Nodes {
			v.judgeNode(d, &d.Nodes[j])
			d.OK = d.OK && d.Nodes[j].OK
		}
		v.judgeDeployment(d)
		d.OK = d.OK && len(d.Findings) == 0 && len(d.Outages) == 0
		v.OK = v.OK && d.OK
	}
}

func (v *View) judgeDeployment(d *Deployment) {
	if n := len(d.Problems); n > 0 {
		d.say("the document has problems, no node accepts it: %s", d.Problems[0])
	}
	for role, c := range d.Claims {
		if c.Error != "" {
			d.say("the claim of %s cannot be read: %s", role, c.Error)
		}
	}
	for _, f := range d.Former {
		d.say("its nodes go by the name %s, which the newest commit changes: take the old name back, or accept the commit", f.Name)
	}
	v.judgeStrangers(d)
	d.unserved(v.Read)
	if !v.Coordinated {
		d.say("read-only mode: there is no claim and nodes publish no reports")
	}
}

func (d *Deployment) say(format string, args ...any) {
	d.Findings = append(d.Findings, fmt.Sprintf(format, args...))
}

// FreshFor is how long a report speaks for its node. An unchanged one is published
// again every heartbeat, and one of them may be lost. A node in the middle of something
// publishes more often, and is missed sooner.
func FreshFor(d *spec.Deployment, r *plan.Report) time.Duration {
	beat, rest := 5*time.Minute, time.Minute
	if d != nil {
		beat, rest = d.Agent.Heartbeat.D(), d.Agent.Timeout.D()+time.Minute
	}
	if r.Run == "" {
		return 2*beat + rest // of an agent that knows of one beat only
	}
	return 2*r.Every(beat) + rest
}

func (v *View) judgeNode(d *Deployment, n *Node) {
	r := n.Report
	if r == nil {
		n.Stale = true
		n.say("never heard")
		if n.Unreadable != "" {
			n.Findings = []string{"its report cannot be read: " + n.Unreadable}
		}
		return
	}
	if n.Role == "" {
		n.Role, n.Side = r.Role, r.Side
	}
	n.dated(v.Read)
	n.Stale = n.Heard() > FreshFor(d.Spec, r)
	n.Unproven = d.unproven(n)
	n.Applied = r.Accepted != "" && r.Applied == r.Accepted && (r.Accepted == v.Commit || r.Document == d.Digest) && n.Unproven == ""
	if n.Stale {
		n.say("not heard for %s: what it said may not be so any more", Age(n.Heard()))
	}
	v.judgeReport(d, n)
	n.OK = len(n.Findings) == 0
}

// judgeReport says what of a report is not as it should be.
func (v *View) judgeReport(d *Deployment, n *Node) {
	r := n.Report
	older := ""
	if d.Spec != nil && r.Accepted != v.Commit && r.Document != d.Digest {
		older = fmt.Sprintf("goes by an older document (%.7s): ", r.Accepted)
	}
	switch {
	case r.Accepted == "":
		n.say("%s", r.Told(v.Read))
	case d.overtook(n):
		c := d.Claims[n.Role]
		n.say("was Active under claim #%d, and %s holds #%d since: nothing was heard of it after that", r.Seq, c.Holder, c.Seq)
	case !settled(r.Status), r.Side != "" && d.Active != "" && (r.Status == plan.Active) != (r.Side == d.Active):
		n.say("%s%s%s", older, PauseOf(r), r.Told(v.Read))
	case older != "":
		n.say("%s%s", older, r.Reason)
	case n.Unproven != "":
		n.say("says that it is Active, but %s", n.Unproven)
	case !n.Applied && d.Spec != nil:
		n.say("is not yet as this document says")
	}
	reasoned := len(n.Findings) > 0 && r.Reason != "" && strings.Contains(n.Findings[len(n.Findings)-1], r.Reason)
	for _, c := range r.Conditions {
		told := reasoned && strings.HasSuffix(r.Reason, c.Message) || c.Message == n.Unproven
		if !conditions.Of(c.Type).Passing && !told {
			n.say("%s: %s", c.Type, c.Message)
		}
	}
	for _, c := range r.Checks {
		if !c.OK {
			n.say("check %s fails: %s", c.Name, c.Output)
		}
	}
}

// unproven says why a node that says it is Active was not seen to serve, empty when it
// was: a service serves when its own driver says that it runs, and its probe is
// answered by nothing else.
func (d *Deployment) unproven(n *Node) string {
	if n.Report.Status != plan.Active {
		return ""
	}
	for _, s := range n.Report.Services {
		switch {
		case !d.wants(n.Role, s.Name):
		case s.Run != plan.Running:
			return s.Name + " is " + cmp.Or(string(s.Run), "not looked at yet")
		case !s.Ready:
			return s.Name + " runs and does not answer"
		}
	}
	for _, c := range n.Report.Conditions {
		if c.Type == plan.CondAnsweredElsewhere {
			return c.Message
		}
	}
	return ""
}

// wants reports whether the document names a service of a role.
func (d *Deployment) wants(role, service string) bool {
	return d.Spec != nil && slices.ContainsFunc(d.Spec.Roles[role].Services, func(s spec.Service) bool { return s.Name == service })
}

// overtook reports whether the other side holds the claim since a node said that it
// serves: what it said is from before.
func (d *Deployment) overtook(n *Node) bool {
	r, c := n.Report, d.Claims[n.Role]
	return d.Own(r) && r.Status == plan.Active && n.Side != "" && c.Holder.Side() == n.Side.Other() && c.Seq > r.Seq
}

func (n *Node) say(format string, args ...any) {
	n.Findings = append(n.Findings, fmt.Sprintf(format, args...))
}

// settled reports whether a node that says so has nothing to do or to wait for.
func settled(s plan.Status) bool { return s == plan.Active || s == plan.Inactive }

// Age writes how long something took or has been, in at most two units.
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// OfNode is what a node's own agent says: the same view from its place, without
// the document.
func OfNode(self plan.Report, others map[string]plan.Report, claims map[string]plan.Tip, now time.Time) *View {
	v := &View{Commit: self.Seen, Coordinated: true, Read: now}
	d := Deployment{Name: self.Deployment, Active: self.Declared, Digest: self.Document, Claims: map[string]Claim{}}
	for role, t := range claims {
		d.Claims[role] = Claim{Tip: t}
	}
	reports := []plan.Report{self}
	for name, r := range others {
		if r.Node == "" {
			r.Node, r.Status = name, plan.Unknown
		}
		reports = append(reports, r)
	}
	slices.SortFunc(reports, func(a, b plan.Report) int { return compareNodes(a, b) })
	for _, r := range reports {
		n := Node{Name: r.Node, Role: r.Role, Side: r.Side}
		if !r.At.IsZero() {
			n.Report = &r
		}
		d.Nodes = append(d.Nodes, n)
	}
	v.Deployments = []Deployment{d}
	v.judge()
	return v
}

// compareNodes puts nodes with a side before shared ones, main before standby.
func compareNodes(a, b plan.Report) int {
	key := func(r plan.Report) string {
		if r.Side == "" {
			return "2" + r.Role + r.Node
		}
		return "1" + r.Role + string(r.Side)
	}
	if key(a) < key(b) {
		return -1
	}
	return 1
}
