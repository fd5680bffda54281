package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mainstay/schema"
)

func (l *loader) role(p schema.Path, name string, r Role) {
	l.follows(p.Key("follows"), name, r)
	kindKnown := l.doc.Sound(p.Key("exclusive"))
	if r.Witness != nil && kindKnown && !r.Exclusive {
		l.say(RuleWitnessShared, p.Key("witness"), fmt.Sprintf("role %s is shared: there is no other side to ask", name),
			"a witness belongs to an exclusive role")
	}
	if r.Detect != nil && kindKnown && (r.Exclusive || r.Follows == "") {
		l.say(RuleDetectMisplaced, p.Key("detect"), fmt.Sprintf("role %s is exclusive, or follows none", name),
			"detect belongs to a shared role that follows another")
	}
	l.probeBounds(p.Key("witness"), r.Witness)
	l.probeBounds(p.Key("detect"), r.Detect)
	for i, s := range r.Services {
		l.serviceBounds(p.Key("services").Index(i), s)
	}
	for i, f := range r.Files {
		l.actionBounds(p.Key("files").Index(i).Key("check"), f.Check)
		l.actionBounds(p.Key("files").Index(i).Key("reload"), f.Reload)
	}
	for i, j := range r.Jobs {
		at := p.Key("jobs").Index(i)
		l.within(at.Key("timeout"), j.Timeout.D(), shortest)
		l.interval(at.Key("schedule"), j.Schedule, shortestSchedule)
	}
	l.checkBounds(p.Key("checks"), r.Checks)
	l.checkBounds(p.Key("leaves"), r.Leaves)
	l.duplicates(p, r)
	if kindKnown && !r.Exclusive {
		l.floatingShared(p.Key("services"), r)
	}
	l.expanded(p, name, r)
}

func (l *loader) checkBounds(p schema.Path, checks []Check) {
	for i, c := range checks {
		l.within(p.Index(i).Key("timeout"), c.Timeout.D(), shortest)
		l.within(p.Index(i).Key("every"), c.Every.D(), shortest)
	}
}

func (l *loader) follows(p schema.Path, name string, r Role) {
	if r.Follows == "" {
		return
	}
	followed, ok := l.d.Roles[r.Follows]
	switch {
	case r.Follows == name:
		l.say(RuleFollowsItself, p, fmt.Sprintf("role %s follows itself", name), "name another role, or remove follows")
	case !ok:
		l.say(RuleFollowsUnknown, p, fmt.Sprintf("no role %q is defined", r.Follows), l.exclusiveRoles(name))
	case !followed.Exclusive && l.doc.Sound(schema.Path{"roles", r.Follows, "exclusive"}):
		l.say(RuleFollowsShared, p, fmt.Sprintf("role %s is shared: it has no serving side to follow", r.Follows),
			l.exclusiveRoles(name))
	default:
		l.cycle(p, name)
	}
}

func (l *loader) exclusiveRoles(but string) string {
	var names []string
	for name, r := range l.d.Roles {
		if r.Exclusive && name != but {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "only an exclusive role can be followed, and there is no other"
	}
	slices.Sort(names)
	return "exclusive roles: " + strings.Join(names, ", ")
}

// cycle reports a chain of follows that comes back to where it began.
func (l *loader) cycle(p schema.Path, name string) {
	chain := []string{name}
	for at := l.d.Roles[name].Follows; at != "" && len(chain) <= len(l.d.Roles); at = l.d.Roles[at].Follows {
		chain = append(chain, at)
		if at == name {
			l.say(RuleFollowsCycle, p, "roles follow each other in a circle: "+strings.Join(chain, " → "),
				"remove follows from one of them")
			return
		}
	}
}

func (l *loader) serviceBounds(p schema.Path, s Service) {
	l.within(p.Key("startTimeout"), s.StartTimeout.D(), shortest)
	l.within(p.Key("stopTimeout"), s.StopTimeout.D(), shortest)
	l.probeBounds(p.Key("ready"), s.Ready)
	if s.Drain != nil {
		l.within(p.Keys("drain", "within"), s.Drain.Within.D(), 0)
	}
	if r := s.Restart; r != nil {
		at := p.Key("restart")
		l.between(at.Key("first"), r.First.D(), shortest, longestRestart)
		l.between(at.Key("most"), r.Most.D(), min(r.First.D(), longestRestart), longestRestart)
		l.within(at.Key("forgive"), r.Forgive.D(), shortestForgive)
	}
	if s.Command != nil {
		l.exitCodes(p.Key("command"), s.Command)
	}
}

func (l *loader) probeBounds(p schema.Path, probe *Probe) {
	if probe == nil {
		return
	}
	l.within(p.Key("timeout"), probe.Timeout.D(), shortest)
	l.within(p.Key("every"), probe.Every.D(), shortest)
	l.within(p.Key("within"), probe.Within.D(), shortest)
}

func (l *loader) actionBounds(p schema.Path, a *Action) {
	if a != nil {
		l.within(p.Key("timeout"), a.Timeout.D(), shortest)
	}
}

// exitCodes refuses a code that is said to mean two things.
func (l *loader) exitCodes(p schema.Path, c *CommandService) {
	meaning := make(map[int]string)
	lists := []struct {
		name  string
		codes []int
	}{{"running", c.Running}, {"stopped", c.Stopped}, {"failed", c.Failed}, {"partial", c.Partial}}
	for _, list := range lists {
		for _, code := range list.codes {
			if other, ok := meaning[code]; ok {
				l.say(RuleExitCode, p.Key(list.name), fmt.Sprintf("exit code %d means %s already", code, other),
					"defaults: running [0], stopped [3], failed [1, 2]")
			}
			meaning[code] = list.name
		}
	}
}

func (l *loader) duplicates(p schema.Path, r Role) {
	l.unique(p.Key("services"), "name", names(r.Services, func(s Service) string { return s.Name }))
	l.unique(p.Key("jobs"), "name", names(r.Jobs, func(j Job) string { return j.Name }))
	l.unique(p.Key("checks"), "name", names(r.Checks, func(c Check) string { return c.Name }))
	l.unique(p.Key("leaves"), "name", names(r.Leaves, func(c Check) string { return c.Name }))
	l.unique(p.Key("files"), "path", names(r.Files, func(f File) string { return f.Path }))
}

func names[T any](items []T, name func(T) string) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = name(item)
	}
	return out
}

// unique wants every non-empty name once.
func (l *loader) unique(p schema.Path, key string, names []string) {
	first := make(map[string]int)
	for i, name := range names {
		if name == "" {
			continue
		}
		if at, ok := first[name]; ok {
			l.say(RuleDuplicateName, p.Index(i).Key(key),
				fmt.Sprintf("%q is used already, by %s", name, p.Index(at)), "give each one its own "+key)
			continue
		}
		first[name] = i
	}
}

// expanded checks the text fields of a role as each of its nodes will see
// them.
func (l *loader) expanded(p schema.Path, name string, r Role) {
	v := &values{loader: l}
	v.role(p, r)
	for _, node := range l.nodesOf(name) {
		x := &expander{set: l.data, data: l.data.of(node)}
		out := x.role(p, r)
		l.unexpanded(node, x.failed)
		if l.overworked() {
			return
		}
		if !l.doc.Sound(schema.Path{"nodes"}) {
			continue
		}
		v.role(p, out)
		l.unique(p.Key("services"), "address", names(out.Services, func(s Service) string { return s.Address.Same() }))
		l.unique(p.Key("files"), "path", names(out.Files, func(f File) string { return f.Path }))
		w := &Wanted{Node: node, Role: name}
		l.unexpanded(node, l.d.followed(w, l.data))
		for _, side := range []Side{Main, Standby} {
			v.probe(p.Key("detect"), w.DetectOn[side])
		}
		l.renderAll(p, node, r)
	}
}

// nodesOf lists the nodes of a role.
func (l *loader) nodesOf(role string) []string {
	if l.byRole == nil {
		l.byRole = make(map[string][]string)
		for _, node := range l.d.NodeNames() {
			l.byRole[l.d.Nodes[node].Role] = append(l.byRole[l.d.Nodes[node].Role], node)
		}
	}
	return l.byRole[role]
}

func (l *loader) unexpanded(node string, failed []expansion) {
	for _, f := range failed {
		if l.followsFromNodes(node, f.err) {
			continue
		}
		message := fmt.Sprintf("cannot be expanded for node %s: %s", node, f.err)
		if f.err.Expr == "" {
			message = fmt.Sprintf("cannot be expanded: %s", f.err)
		}
		hint := l.expandHint(node, f.err)
		if f.err.Expr == "" {
			hint = literalHint
		}
		if once := f.path.String() + f.err.Error(); strings.HasPrefix(hint, "nothing is called") {
			if l.missing[once] {
				continue // it is missing for every node
			}
			l.missing[once] = true
		}
		l.say(RuleExpand, f.path, message, hint)
	}
}

// followsFromNodes tells whether an expression names something that may be
// missing only because a node or its role is wrong, or that was said already: one
// missing peer is one problem, however many fields name it.
func (l *loader) followsFromNodes(node string, err error) bool {
	var te *TemplateError
	if !errors.As(err, &te) || te.MissingKey() == "" {
		return false
	}
	if !l.doc.Sound(schema.Path{"nodes"}) || !l.kindsKnown() {
		return true
	}
	key := te.MissingKey()
	if key != "peer" {
		return false
	}
	said := l.missing[node]
	l.missing[node] = true
	return said
}

// kindsKnown tells whether every role says well whether it is exclusive.
func (l *loader) kindsKnown() bool {
	for role := range l.d.Roles {
		if !l.doc.Sound(schema.Path{"roles", role, "exclusive"}) {
			return false
		}
	}
	return true
}

// expandHint says what the document lacks when an expression names something
// that is not there.
func (l *loader) expandHint(node string, err error) string {
	var te *TemplateError
	if !errors.As(err, &te) {
		return ""
	}
	n := l.d.Nodes[node]
	switch key := te.MissingKey(); key {
	case "":
		return ""
	case "peer":
		if n.Side == "" {
			return fmt.Sprintf("role %s is shared: its nodes have no peer", n.Role)
		}
		return fmt.Sprintf("role %s has no node on side %s", n.Role, n.Side.Other())
	case "serving", "on":
		return "known to the templates of files only, in a role that is exclusive or follows one"
	case "address", "url", "side":
		return fmt.Sprintf("give the node its %s under nodes", key)
	case "candidate":
		return "known to the check of a file only"
	default:
		hint := fmt.Sprintf("nothing is called %s here", key)
		if key[0] >= 'A' && key[0] <= 'Z' {
			hint += "; " + literalHint
		}
		return hint
	}
}

// literalHint helps whoever means two braces and no expression, as in the format
// of a docker command.
const literalHint = `a {{ that is meant as it stands is written {{ "{{" }}`
