package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/spec"
	"mainstay/spec/alerts"
)

// Incident is something that lasts, as it is seen now.
type Incident struct {
	// Key names it among all others, in every look and on every node.
	Key   string       `json:"key"`
	Event alerts.Event `json:"event"`
	Node  string       `json:"node,omitempty"`
	Role  string       `json:"role,omitempty"`
	// Name is of the check or the job, Detail what was said of it, as it was said.
	Name   string `json:"name,omitempty"`
	Detail string `json:"detail,omitempty"`
	// By are the nodes on whose word it rests: only these can tell that it is over.
	By []string `json:"by,omitempty"`
	// Since is when it began, as far as it was seen.
	Since time.Time `json:"since"`
	Move  *Move     `json:"move,omitempty"`
	// mine says that the teller is the one to tell of it.
	mine bool
}

// Move is a switch of a role.
type Move struct {
	From spec.Side `json:"from"`
	To   spec.Side `json:"to"`
	// Commit asked for it, with who made it and what that person said.
	Commit string `json:"commit,omitempty"`
	Who    string `json:"who,omitempty"`
	Why    string `json:"why,omitempty"`
	// Bound is how long it should take, zero for any time.
	Bound time.Duration `json:"bound,omitempty"`
	// Guarantee and Took are known at its end.
	Guarantee plan.Guarantee `json:"guarantee,omitempty"`
	Took      time.Duration  `json:"took,omitempty"`
	// Left is what the side that went counted last, but for what is nothing.
	Left []Left `json:"left,omitempty"`
}

// Left is a count of what a switch left behind, or, when Failed, why there is none.
type Left struct {
	Name   string    `json:"name"`
	Said   string    `json:"said,omitempty"`
	Failed bool      `json:"failed,omitempty"`
	At     time.Time `json:"at"`
}

// incidents are all that is seen to be wrong, but for switches.
func (s *Sight) incidents() []Incident {
	var out []Incident
	for _, n := range s.own() {
		out = append(out, s.ofNode(n)...)
	}
	out = append(out, s.said(alerts.Document, refuses)...)
	out = append(out, s.said(alerts.Dual, dual)...)
	if !s.Git {
		return out
	}
	for i := range s.Nodes {
		if x := s.silent(&s.Nodes[i]); x != nil {
			out = append(out, *x)
		}
	}
	for _, r := range s.Roles {
		if x := s.unserved(r); x != nil {
			out = append(out, *x)
		}
	}
	return out
}

// ofNode is what a node says of itself.
func (s *Sight) ofNode(n *Node) []Incident {
	r := n.Report
	var out []Incident
	add := func(e alerts.Event, name, detail string, since time.Time) {
		key := strings.TrimSuffix(string(e)+"/"+n.Name+"/"+name, "/")
		if n.Name != s.Self {
			since = time.Time{} // by another machine's clock
		}
		out = append(out, Incident{Key: key, Event: e, Node: n.Name, Role: n.Role, Name: name, Detail: detail, By: []string{n.Name}, Since: since, mine: true})
	}
	switch {
	case r.Paused:
		add(alerts.Paused, "", r.Reason, r.Since)
	case r.Status == plan.Held:
		add(alerts.Held, "", r.Reason, r.Since)
	case r.Status == plan.Failed:
		add(alerts.Failed, "", r.Reason, r.Since)
	}
	if r.Side == spec.Standby && r.Running { // whatever else is said of it: it is not over before it is seen down
		add(alerts.Away, "", r.Reason, time.Time{})
	}
	for _, c := range r.Checks {
		if !c.OK && !c.At.IsZero() {
			add(alerts.Check, c.Name, c.Output, time.Time{})
		}
	}
	for _, j := range r.Jobs {
		switch {
		case missed(r, j):
			add(alerts.Job, j.Name, "did not run: "+j.Skipped, time.Time{})
		case !j.OK && !j.At.IsZero():
			add(alerts.Job, j.Name, j.Output, time.Time{})
		}
	}
	for _, c := range r.Conditions {
		if blocks(c.Type) {
			add(alerts.Condition, c.Type, c.Message, c.Since)
		}
	}
	return merged(out)
}

// missed reports whether a job did not run when it was due, for a reason other than that
// the node is not in the state in which it runs.
func missed(r *plan.Report, j plan.JobReport) bool {
	return j.Skipped != "" && !r.Paused && !strings.HasPrefix(j.Skipped, "the node is ")
}

// blocks reports whether a condition is one that people are told of by its own name:
// the others have an event that says more, pass by themselves, or keep nobody from
// coming up.
func blocks(kind string) bool {
	k := conditions.Of(kind)
	return (k.Blocks || k.AtOnce) && !k.Refuses && !k.Passing && !dual(kind) && kind != plan.CondAgentEnded
}

func refuses(kind string) bool { return conditions.Of(kind).Refuses }

// dual reports whether a condition says that two sides serve, or may.
func dual(kind string) bool {
	return kind == plan.CondDualActive || kind == plan.CondFencedAnswers || kind == plan.CondAttestedAnswers
}

// merged makes one of those that have one key: of several conditions of a type.
func merged(all []Incident) []Incident {
	var out []Incident
	for _, x := range all {
		i := slices.IndexFunc(out, func(o Incident) bool { return o.Key == x.Key })
		if i < 0 {
			out = append(out, x)
			continue
		}
		out[i].By = append(out[i].By, x.By...)
		if len(out[i].Detail) < 500 && x.Detail != out[i].Detail {
			out[i].Detail += "; " + x.Detail
		}
	}
	return out
}

// said is one incident of all nodes that report a condition of some kind: what each of
// them sees is one event, and the first of them that is heard tells of it.
func (s *Sight) said(e alerts.Event, is func(string) bool) []Incident {
	var out []Incident
	for _, n := range s.Nodes {
		if !s.sees(n.Name) {
			continue
		}
		for _, c := range n.Report.Conditions {
			if is(c.Type) {
				out = append(out, Incident{Key: string(e), Event: e, Detail: c.Type + ": " + c.Message, By: []string{n.Name}, mine: s.mine()})
			}
		}
	}
	return merged(out)
}

// silent is a node that is not heard any more, or that does not answer the one that
// watches it. That is not observed to be down.
func (s *Sight) silent(n *Node) *Incident {
	if n.Name == s.Self || n.Report == nil {
		return nil
	}
	peer := s.on(n.Role, n.Side.Other())
	x := Incident{Key: "silent/" + n.Name, Event: alerts.Silent, Node: n.Name, Role: n.Role, By: []string{n.Name}, mine: s.mine(peer)}
	if n.Silent {
		x.Detail = fmt.Sprintf("its newest report said %s: %s", n.Report.Status, n.Report.Reason)
		return &x
	}
	for _, c := range s.witness(n) {
		x.Detail, x.By = c.Message, []string{peer}
		return &x
	}
	return nil
}

// clockSkew is how far the clocks of two machines may be apart.
const clockSkew = time.Minute

// witness is what the node of the other side says of one that does not answer it, unless
// that one was heard since.
func (s *Sight) witness(n *Node) []plan.Condition {
	peer := s.on(n.Role, n.Side.Other())
	if n.Side == "" || peer == "" || !s.sees(peer) {
		return nil
	}
	skew := clockSkew
	if peer == s.Self {
		skew = 0
	}
	return slices.DeleteFunc(slices.Clone(s.node(peer).Report.Conditions), func(c plan.Condition) bool {
		return c.Type != plan.CondWitnessSilent || n.Heard.After(c.Since.Add(skew))
	})
}

// up reports whether a node says that it serves, or that something of it runs.
func up(r *plan.Report) bool { return r.Status == plan.Active || r.Running }

// unserved is a role that nobody is seen to serve: each of its nodes says that it does
// not, or does not answer the one that watches it. One that is only not heard may serve
// without git (R5).
func (s *Sight) unserved(r Role) *Incident {
	x := Incident{Key: "unserved/" + r.Name, Event: alerts.Unserved, Role: r.Name,
		mine: s.mine(s.on(r.Name, r.Declared), s.on(r.Name, r.Declared.Other()))}
	if r.Tip.ID == "" {
		return nil // nobody ever served it
	}
	var words []string
	for _, n := range s.of(r.Name) {
		switch {
		case n.Report == nil || n.Report.Status == plan.Unknown:
			return nil
		case len(s.witness(n)) > 0:
			words = append(words, fmt.Sprintf("%s is not observed (last %s)", n.Name, n.Report.Status))
		case !s.sees(n.Name) || up(n.Report):
			return nil
		default:
			words = append(words, fmt.Sprintf("%s is %s: %s", n.Name, n.Report.Status, cmp.Or(n.Report.Reason, "-")))
		}
		x.By = append(x.By, n.Name)
	}
	x.Detail = strings.Join(words, "; ")
	return &x
}

// over reports whether the end of an incident that is not seen any more was observed.
func (s *Sight) over(x Incident) bool {
	switch x.Event {
	case alerts.Unserved:
		return slices.ContainsFunc(s.of(x.Role), func(n *Node) bool { return s.sees(n.Name) && up(n.Report) && len(s.witness(n)) == 0 })
	case alerts.Silent:
		return s.Git && s.sees(x.Node) && s.allSeen(x.By)
	case alerts.Check, alerts.Job:
		return s.allSeen(x.By) && s.wentWell(x)
	}
	return s.allSeen(x.By)
}

// wentWell reports whether a check or a job was seen to do well: one that did not run yet,
// as after a restart of the agent, says nothing.
func (s *Sight) wentWell(x Incident) bool {
	r := s.node(x.Node).Report
	if x.Event == alerts.Check {
		return slices.ContainsFunc(r.Checks, func(c plan.CheckReport) bool { return c.Name == x.Name && c.OK && !c.At.IsZero() })
	}
	return slices.ContainsFunc(r.Jobs, func(j plan.JobReport) bool { return j.Name == x.Name && j.OK && !j.At.IsZero() })
}

func (s *Sight) allSeen(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !s.sees(name) || s.node(name).Report.Status == plan.Unknown })
}
