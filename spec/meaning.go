package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mainstay/schema"
)

// Bounds on what a document may say of time.
const (
	shortest          = 100 * time.Millisecond
	shortestHeartbeat = time.Second
	shortestSchedule  = time.Second
	longest           = 7 * 24 * time.Hour
	longestRestart    = time.Hour   // between two starts of a service that dies
	shortestForgive   = time.Second // that a service runs until its deaths count no more
	// A node that seldom looks at git is deaf to the commit that would mend that,
	// and to a claim that it lost (R1).
	longestPoll    = 5 * time.Minute
	longestTimeout = time.Minute
)

// referenceTime is where cron expressions are measured from, so that the same
// document is always judged the same.
func referenceTime() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func (l *loader) meaning() {
	l.refName(schema.Path{"name"}, l.d.Name)
	if l.d.Fenced != "" && l.d.Fenced == l.d.Active {
		l.say(RuleFencedActive, schema.Path{"fenced"}, fmt.Sprintf("%s is both active and fenced", l.d.Fenced),
			fmt.Sprintf("a fenced side is off: set active: %s, or remove fenced", l.d.Active.Other()))
	}
	l.settings()
	// Nodes come first: what is wrong with one of them would be said again of
	// every field that names it.
	for _, name := range l.d.NodeNames() {
		l.refName(schema.Path{"nodes", name}, name)
		l.node(schema.Path{"nodes", name}, name)
	}
	l.sides()
	l.addresses()
	for _, name := range slices.Sorted(maps.Keys(l.d.Roles)) {
		l.refName(schema.Path{"roles", name}, name)
		l.role(schema.Path{"roles", name}, name, l.d.Roles[name])
	}
	l.activeSide()
	l.overworked()
}

// activeSide wants somebody on the side that is declared active: a commit that
// moves everything to a side that is not there is a slip of the pen.
func (l *loader) activeSide() {
	exclusive, there := false, false
	for name, n := range l.d.Nodes {
		if !l.doc.Sound(schema.Path{"nodes", name}) {
			return
		}
		if n.Side == "" || !l.d.Roles[n.Role].Exclusive {
			continue
		}
		exclusive = true
		there = there || n.Side == l.d.Active
	}
	if exclusive && !there && l.d.Active != "" {
		l.say(RuleActiveEmpty, schema.Path{"active"}, fmt.Sprintf("no node is on side %s", l.d.Active),
			fmt.Sprintf("active: %s, or add nodes with side: %s", l.d.Active.Other(), l.d.Active))
	}
}

// refName refuses what the schema lets through and a git ref does not.
func (l *loader) refName(p schema.Path, name string) {
	if strings.HasSuffix(name, ".lock") {
		l.say(RuleName, p, fmt.Sprintf("%q cannot be part of a git ref", name), "no name may end in .lock")
	}
}

func (l *loader) settings() {
	a, h := l.d.Agent, l.d.Handover
	l.between(schema.Path{"agent", "timeout"}, a.Timeout.D(), shortest, longestTimeout)
	l.within(schema.Path{"agent", "heartbeat"}, a.Heartbeat.D(), shortestHeartbeat)
	l.within(schema.Path{"handover", "wait"}, h.Wait.D(), shortest)
	l.within(schema.Path{"handover", "lease"}, h.Lease.D(), 0)
	l.poll(schema.Path{"agent", "poll"}, a.Poll)
	l.lease()
}

// poll bounds the time between two looks at git, also by a cron expression.
func (l *loader) poll(p schema.Path, s Schedule) {
	if !l.doc.Sound(p) {
		return
	}
	gap := s.Longest(referenceTime())
	if s.Cron != nil && gap > longestPoll {
		l.say(RuleBound, p, fmt.Sprintf("leaves up to %s between two looks, and at most %s are allowed", short(gap), short(longestPoll)),
			"a node that does not look is deaf to the next commit; such as 5s")
		return
	}
	l.between(p, gap, shortest, longestPoll)
}

// lease holds the lease against R7: an agent must get at least one whole look
// at its claim into it.
func (l *loader) lease() {
	a, lease := l.d.Agent, l.d.Handover.Lease.D()
	if lease <= 0 || !l.doc.Sound(schema.Path{"agent"}) {
		return
	}
	poll := a.Poll.Longest(referenceTime())
	if least := poll + 2*a.Timeout.D(); lease < least {
		l.say(RuleLeaseTooShort, schema.Path{"handover", "lease"},
			fmt.Sprintf("a lease of %s is shorter than poll + 2 * timeout = %s", short(lease), short(least)),
			fmt.Sprintf("lease: %s or more, or a shorter poll or timeout", short(least)))
	}
}

// within checks a duration against its lower bound and the common upper one.
func (l *loader) within(p schema.Path, d, least time.Duration) { l.between(p, d, least, longest) }

func (l *loader) between(p schema.Path, d, least, most time.Duration) {
	switch {
	case d < least:
		l.say(RuleBound, p, fmt.Sprintf("must be at least %s, not %s", short(least), short(d)), "")
	case d > most:
		l.say(RuleBound, p, fmt.Sprintf("must be at most %s, not %s", short(most), short(d)), "")
	}
}

// short writes a duration without the zeros that its own form ends in.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (l *loader) interval(p schema.Path, s Schedule, least time.Duration) {
	if s.Cron == nil {
		l.within(p, s.Every, least)
	}
}

func (l *loader) node(p schema.Path, name string) {
	n := l.d.Nodes[name]
	l.address(p.Key("address"), n.Address)
	role, ok := l.d.Roles[n.Role]
	if len(l.d.Roles) == 0 {
		return // that is said where roles should be
	}
	if !ok {
		l.deny(RuleUnknownRole, p.Key("role"), fmt.Sprintf("no role %q is defined", n.Role),
			"roles of this document: "+strings.Join(slices.Sorted(maps.Keys(l.d.Roles)), ", "))
		return
	}
	if !l.doc.Sound(schema.Path{"roles", n.Role, "exclusive"}) {
		return
	}
	switch {
	case role.Exclusive && n.Side == "":
		l.deny(RuleSideMissing, p.Key("side"), fmt.Sprintf("is missing: role %s is exclusive", n.Role),
			"side: main, or side: standby")
	case !role.Exclusive && n.Side != "":
		l.deny(RuleSideForbidden, p.Key("side"), fmt.Sprintf("role %s is shared, its nodes have no side", n.Role),
			fmt.Sprintf("remove side, or make role %s exclusive", n.Role))
	}
}

// sides checks what only several nodes together can break.
func (l *loader) sides() {
	taken := make(map[[2]string]string)
	for _, name := range l.nodesInOrder() {
		n := l.d.Nodes[name]
		role := l.d.Roles[n.Role]
		if !role.Exclusive || n.Side == "" {
			continue
		}
		key := [2]string{n.Role, string(n.Side)}
		if first, ok := taken[key]; ok {
			l.deny(RuleSideTaken, schema.Path{"nodes", name, "side"},
				fmt.Sprintf("role %s has a node on side %s already: %s", n.Role, n.Side, first),
				"an exclusive role has at most one node on a side")
			continue
		}
		taken[key] = name
		l.followedSide(name, n, role)
	}
}

// nodesInOrder lists the nodes as they stand in the file.
func (l *loader) nodesInOrder() []string {
	names := l.d.NodeNames()
	slices.SortStableFunc(names, func(a, b string) int {
		al, ac := l.doc.Position(schema.Path{"nodes", a})
		bl, bc := l.doc.Position(schema.Path{"nodes", b})
		return slices.Compare([]int{al, ac}, []int{bl, bc})
	})
	return names
}

// followedSide wants the followed role's node on the side of the node that
// follows it.
func (l *loader) followedSide(name string, n Node, role Role) {
	if followed, ok := l.d.Roles[role.Follows]; !ok || !followed.Exclusive {
		return
	}
	if _, ok := l.d.NodeOf(role.Follows, n.Side); !ok {
		l.say(RuleFollowsSide, schema.Path{"nodes", name, "side"},
			fmt.Sprintf("role %s follows %s, which has no node on side %s", n.Role, role.Follows, n.Side),
			fmt.Sprintf("add a node with role: %s and side: %s, or remove this one", role.Follows, n.Side))
	}
}
