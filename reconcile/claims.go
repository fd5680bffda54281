package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/twin"
	"mainstay/spec"
)

// listClaims lists a coordination repository of its own.
func (l *Learner) listClaims(ctx context.Context) answered {
	if l.Coordination == nil {
		return answered{}
	}
	listing, err := bounded(ctx, l, l.Coordination.List)
	return answered{listing, err}
}

// coordinate reads claims and reports as the newest listing shows them. They are
// believed only from the coordination repository itself, never from a mirror.
func (l *Learner) coordinate(ctx context.Context, next *Snapshot) {
	said := next.Conditions
	next.Conditions = nil
	l.readListed(ctx, next)
	l.ofClaims, next.Conditions = next.Conditions, said
}

func (l *Learner) readListed(ctx context.Context, next *Snapshot) {
	if l.Coordination == nil || next.Accepted == nil {
		return
	}
	if o := l.listing.Only; o != "" && o != next.Accepted.Deployment.Name {
		return // it was asked for before the deployment had its name
	}
	err := l.listing.err
	if !l.Shared && err != nil {
		next.warn(plan.CondCoordinationUnreachable, "claims and reports cannot be read: %v", err)
	}
	if l.Shared && err == nil && l.listing.Mirror {
		next.warn(plan.CondCoordinationUnreachable, "only a mirror answers, and claims are never read from one")
	}
	if err != nil || l.listing.Mirror {
		for role := range next.Claims {
			next.lose(role)
		}
		return
	}
	l.readClaims(ctx, next, l.listing.Refs)
	l.readReports(ctx, next, l.listing.Refs)
	l.findOwn(next, l.listing.Refs)
	l.readStrangers(ctx, next, l.listing.Refs)
	l.sayTwin(next)
	l.sayNamesake(next)
	for _, role := range next.Accepted.layout.roles {
		v := next.Claims[role.name]
		v.Elsewhere = elsewhere(next, role)
		next.Claims[role.name] = v
	}
}

// lose marks a claim as not readable now; what was read stays.
func (s *Snapshot) lose(role string) {
	if v, ok := s.Claims[role]; ok {
		v.Reachable = false
		s.Claims[role] = v
	}
}

// readClaims reads this node's own claim first: others must not hold it up (R1).
func (l *Learner) readClaims(ctx context.Context, next *Snapshot, refs map[string]string) {
	own := next.Accepted.Deployment.Nodes[l.Node].Role
	changed := false
	for _, mine := range []bool{true, false} {
		for _, role := range next.Accepted.layout.roles {
			if (role.name == own) != mine {
				continue
			}
			before := next.Claims[role.name]
			after := l.readClaim(ctx, next, role, refs)
			next.Claims[role.name] = after
			_, elsewhere := l.moved[role.name]
			l.settlePlace(next, role.name, after)
			_, still := l.moved[role.name]
			changed = changed || elsewhere != still || before.Tip.ID != after.Tip.ID || before.Joined != after.Joined
			if mine && before.Tip.ID != after.Tip.ID {
				if after.Tip.Instance != l.Instance {
					l.changed = next.Looks
				}
				l.tellEarly(next)
			}
		}
	}
	if changed {
		l.saveClaims(next)
	}
}

// tellEarly hands out the change of this node's own claim (R1). Nothing else is
// new in it, so it counts for no look.
func (l *Learner) tellEarly(next *Snapshot) {
	if l.early == nil {
		return
	}
	s := next.clone()
	s.Looks, s.Edition = l.snap.Looks, l.snap.Edition
	s.Pending, s.Behind, s.Conditions = l.study != nil, l.changed > l.listed, l.snap.Conditions
	l.early(s)
}

// readClaim believes a tip only if it descends from the one last believed (R10).
// Of another role's claim it is enough that seq has not gone back, or that its holder goes
// on from it: that role's own nodes have settled it, and nobody could settle it here.
func (l *Learner) readClaim(ctx context.Context, next *Snapshot, role roleLayout, refs map[string]string) plan.ClaimView {
	v, ref := next.Claims[role.name], role.claimRef
	hash := refs[ref]
	if hash == v.Tip.ID {
		return believed(v, v.Tip, next)
	}
	if hash == "" {
		return l.wentBack(ctx, next, role, refs, plan.Tip{})
	}
	var read ClaimRead
	err := l.unfit.Know(ref, hash, l.Clock.Boot())
	if err == nil {
		read, err = bounded(ctx, l, func(ctx context.Context) (ClaimRead, error) {
			return l.Coordination.Claim(ctx, ref, hash, v.Tip)
		})
		l.unfit.Note(ref, hash, err, l.Clock.Boot())
	}
	switch {
	case err != nil:
		next.warn(plan.CondClaimUnreadable, "the claim of %s cannot be read: %v", role.name, err)
		v.Reachable = false
		return v
	case v.Tip.ID == "":
		return believed(joined(v, read.Tip), read.Tip, next)
	case read.Descends:
		return believed(v, read.Tip, next)
	case read.Rerooted && read.Tip.Seq > v.Tip.Seq:
		v.Joined = read.Tip.Seq
		return believed(v, read.Tip, next)
	case next.Accepted.Deployment.Nodes[l.Node].Role != role.name && (read.Tip.Seq >= v.Tip.Seq || v.Regressed && l.goesOn(next, read.Tip)):
		v.Joined = read.Tip.Seq
		return believed(v, read.Tip, next)
	}
	return l.wentBack(ctx, next, role, refs, read.Tip)
}

// goesOn reports whether the holder of another role's claim that went back says that it is
// Active under it, in a report that came after this was seen: one that was there, or was read
// before, may be older than the claim that was lost (R10).
func (l *Learner) goesOn(next *Snapshot, t plan.Tip) bool {
	ref, r := plan.ReportRef(next.Accepted.Deployment.Name, t.Node), next.Reports[t.Node]
	return r != nil && r.Known && r.Status == plan.Active && r.Seq == t.Seq && r.Instance == t.Instance && !slices.Contains(l.back[ref], l.hashes[ref])
}

// joined notes from where on a chain proves something to this node: from its
// first claim, when this run of the agent saw that there was none before it, and
// else from where the node came to it (R13).
func joined(v plan.ClaimView, first plan.Tip) plan.ClaimView {
	v.Joined = first.Seq
	if v.Read && first.Seq == 1 {
		v.Joined = 0
	}
	return v
}

// believed is a claim that a good read showed; Began is when that read began,
// not when it ended (R7).
func believed(v plan.ClaimView, t plan.Tip, next *Snapshot) plan.ClaimView {
	return plan.ClaimView{Tip: t, Joined: v.Joined, Read: true, Began: next.Began, Reachable: true, Elsewhere: v.Elsewhere}
}

// wentBack keeps the claim that was known, beside what the server has. It is never
// restored to another place than the one it is known from: the other side may have
// gone on from it there (R10, R13).
func (l *Learner) wentBack(ctx context.Context, next *Snapshot, role roleLayout, refs map[string]string, server plan.Tip) plan.ClaimView {
	v := next.Claims[role.name]
	for _, node := range role.nodes {
		if ref := plan.ReportRef(next.Accepted.Deployment.Name, node); !v.Regressed {
			l.back[ref] = []string{refs[ref], l.hashes[ref]}
		}
	}
	v.Regressed, v.Read, v.Reachable, v.Server, v.ServerSeq = true, true, true, server.ID, server.Seq
	_, moved := l.moved[role.name]
	able, err := l.Coordination.Restorable(ctx, role.claimRef, server.ID, v.Tip)
	if v.Restorable = able && !moved; err != nil {
		next.warn(plan.CondClaimRegressed, "the claim of %s went back, and what this node kept of it cannot be read, so it may not be able to put it back: %v", role.name, err)
	}
	return v
}

// knownClaim is what is kept of a claim between runs.
type knownClaim struct {
	plan.Tip
	// Joined is as in plan.ClaimView.
	Joined uint64 `json:"joined,omitempty"`
	// Place is where it was read.
	Place string `json:"place"`
}

func (l *Learner) saveClaims(next *Snapshot) {
	known := map[string]knownClaim{}
	for role, v := range next.Claims {
		place, moved := l.moved[role]
		if !moved {
			place = l.Place
		}
		known[role] = knownClaim{v.Tip, v.Joined, place}
	}
	l.save(claimsFile, known)
}

// recalledClaim is a claim as an earlier run knew it. If it was read at another
// repository, the claim at this one must descend from it (R10), but it proves nothing
// here: a node that still reads the other repository may have changed it since (R13).
func (l *Learner) recalledClaim(role string, k knownClaim) plan.ClaimView {
	v := plan.ClaimView{Tip: k.Tip, Joined: k.Joined}
	if k.Place != l.Place && k.ID != "" {
		l.moved[role] = k.Place
		v.Joined = max(v.Joined, k.Seq)
	}
	return v
}

// settlePlace notes that a claim was found where it is looked for now, or says
// that it was not.
func (l *Learner) settlePlace(next *Snapshot, role string, v plan.ClaimView) {
	place, moved := l.moved[role]
	switch {
	case !moved || !v.Reachable:
	case v.Regressed:
		next.warn(plan.CondCoordinationMoved, "the claim of %s is known from %s up to seq %d, and %s has none that goes on from it: "+
			"give every node the same coordination, and carry the claim there with `mainstay coordination move`, or run `mainstay accept --claim` where it is so (R10, R13)",
			role, cmp.Or(place, "an unnamed place"), v.Tip.Seq, l.Place)
	default:
		delete(l.moved, role)
	}
}

// othersEvery is how often reports that this node's decisions do not need are
// read: they are for people and for the alarm of a third party.
const othersEvery = 5 * time.Second

// readReports fetches the reports that moved, all at once as soon as one of
// them concerns this node.
func (l *Learner) readReports(ctx context.Context, next *Snapshot, refs map[string]string) {
	d := next.Accepted.Deployment
	moved := map[string]string{}
	nodes := map[string]string{}
	needed := next.Began-l.othersRead >= othersEvery
	for _, n := range next.Accepted.layout.nodes {
		h := refs[n.reportRef]
		if err := l.unfit.Know(n.reportRef, h, next.Began); err != nil {
			next.warn(plan.CondReportUnreadable, "the report of %s cannot be read: %v", n.name, err)
			continue
		}
		if h != "" && h != l.hashes[n.reportRef] {
			moved[n.reportRef], nodes[n.reportRef] = h, n.name
			needed = needed || l.concerns(d, n.name)
		}
	}
	if len(moved) == 0 || !needed {
		return
	}
	l.othersRead = next.Began
	ctx, cancel := context.WithTimeout(ctx, l.timeout())
	defer cancel()
	reports, errs := l.Coordination.Reports(ctx, moved)
	for _, ref := range slices.Sorted(maps.Keys(errs)) {
		l.unfit.Note(ref, moved[ref], errs[ref], next.Began)
		next.warn(plan.CondReportUnreadable, "the report of %s cannot be read: %v", nodes[ref], errs[ref])
	}
	before := next.Reports
	next.Reports = maps.Clone(before) // snapshots share them until one moves
	for ref, r := range reports {
		node := nodes[ref]
		if r.Node != node || r.Deployment != d.Name {
			l.unfit.Refuse(ref, moved[ref], fmt.Errorf("its ref carries a report of %s/%s", r.Deployment, r.Node), next.Began)
			next.warn(plan.CondReportUnreadable, "the report ref of %s carries a report of %s/%s", node, r.Deployment, r.Node)
			continue
		}
		l.hashes[ref] = moved[ref]
		next.Reports[node] = &plan.ReportView{Known: true, Report: r, SeqBefore: l.known[d.Nodes[node].Role]}
		if node == l.Node {
			l.twins.Meet(r, l.Instance, next.Began)
		}
	}
	next.arrange(before)
}

// concerns reports whether this node decides by another one's report: it is of
// the same role, or of the one that is followed.
func (l *Learner) concerns(d *spec.Deployment, node string) bool {
	own, role := d.Nodes[l.Node].Role, d.Nodes[node].Role
	return role == own || role == d.Roles[own].Follows
}

// maxSeqs is the seq of each claim as it was known before this look.
func maxSeqs(s *Snapshot) map[string]uint64 {
	out := make(map[string]uint64, len(s.Claims))
	for role, v := range s.Claims {
		out[role] = v.Tip.Seq
	}
	return out
}

// elsewhere is the highest seq that any report of a role names.
func elsewhere(s *Snapshot, role roleLayout) uint64 {
	var seq uint64
	for _, node := range role.nodes {
		if r := s.Reports[node]; r != nil {
			seq = max(seq, r.Seq)
		}
	}
	return seq
}

// Order is what the actuator asks of git: a change of its own role's claim.
type Order struct {
	Role    string
	Push    *plan.Push
	Restore bool
}

// Empty reports whether nothing is asked.
func (o Order) Empty() bool { return o.Push == nil && !o.Restore }

// Carry tries the order once. Whatever comes back, only the next look tells
// what became of it. Nothing is tried while another document of this name may use
// the same claims: they are not of this deployment alone.
func (l *Learner) Carry(ctx context.Context, o Order) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout())
	defer cancel()
	if l.Coordination == nil || l.snap.Accepted == nil {
		return nil
	}
	if r := l.namesake(l.snap); r != nil {
		return fmt.Errorf("%s", twin.Shared(l.snap.Accepted.Deployment.Name, l.Source, r))
	}
	ref := plan.ClaimRef(l.snap.Accepted.Deployment.Name, o.Role)
	if o.Push != nil {
		p := *o.Push
		p.Claim.At = l.Clock.Wall().UTC()
		return l.Coordination.PushClaim(ctx, ref, p)
	}
	if o.Restore {
		return l.Coordination.Restore(ctx, ref, l.snap.Claims[o.Role].Tip)
	}
	return nil
}
