package change

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

var (
	older = strings.Repeat("a", 40)
	newer = strings.Repeat("b", 40)
	gone  = strings.Repeat("c", 40)
)

// refusing is paris whose branch was rewritten, which both nodes refuse.
func refusing() (*fleet.View, *fleet.Deployment) {
	node := func(name string, side spec.Side) fleet.Node {
		return fleet.Node{Name: name, Role: "xivo", Side: side, Report: &plan.Report{Node: name, Role: "xivo", Side: side, Instance: name + "-1",
			Repository: "ssh://git@git.example.org/paris.git", Path: "paris.yaml", Accepted: older, Seen: newer, Declared: spec.Main, Seq: 7,
			Running: side == spec.Main, Conditions: []plan.Condition{{Type: plan.CondRewound}, {Type: plan.CondClaimRegressed}}}}
	}
	d := &fleet.Deployment{Name: "paris", Active: spec.Main, Spec: &spec.Deployment{Roles: map[string]spec.Role{"xivo": {Exclusive: true}, "edge": {}}},
		Claims: map[string]fleet.Claim{"xivo": {Tip: plan.Tip{ID: gone, Claim: plan.Claim{Seq: 3}}}},
		Nodes:  []fleet.Node{node("xivo-main", spec.Main), node("xivo-standby", spec.Standby)}}
	return &fleet.View{Commit: newer, Branch: "main", Coordinated: true}, d
}

func accepting() Accept {
	return Accept{Branch: "refs/heads/main", Attest: "restored from Monday", Until: time.Now().Add(time.Hour)}
}

func saysOf(c *Consent) string {
	var all []string
	for _, n := range c.Nodes {
		all = append(all, n.Node+" "+n.Says)
	}
	return strings.Join(all, "\n")
}

// A note names, for each node that said so, what it goes by and what it sees. What nobody
// has said is not in it.
func TestANoteNamesWhatTheNodesThemselvesSay(t *testing.T) {
	for _, c := range []struct {
		what, says string
		change     func(v *fleet.View, d *fleet.Deployment, r *plan.Report)
		takes      bool
	}{
		{"it refuses the history", "would take commit bbbbbbbbbbbb in place of aaaaaaaaaaaa (Rewound)", nil, true},
		{"the commit is a switch", "and go from active: main to active: standby", func(_ *fleet.View, d *fleet.Deployment, _ *plan.Report) { d.Active = spec.Standby }, true},
		{"the commit renames its role", "on your statement of what you saw on both sides (RoleRenamed)", func(_ *fleet.View, _ *fleet.Deployment, r *plan.Report) {
			r.Conditions = []plan.Condition{{Type: plan.CondRoleRenamed}}
		}, true},
		{"the commit renames the deployment", "and go from the name lutetia to paris, on your statement of what you saw on both sides (DeploymentRenamed); it says that it runs, or may do so (heard 0s ago)", func(_ *fleet.View, d *fleet.Deployment, r *plan.Report) {
			for i := range d.Nodes {
				d.Nodes[i].Report.Deployment = "lutetia"
			}
			r.Conditions = []plan.Condition{{Type: plan.CondDeploymentRenamed}}
		}, true},
		{"it has not seen it", "has not said that it sees this commit", func(_ *fleet.View, _ *fleet.Deployment, r *plan.Report) { r.Seen = older }, false},
		{"it was not heard for long", "has not said that it sees this commit", func(_ *fleet.View, d *fleet.Deployment, _ *plan.Report) { d.Nodes[0].Stale = true }, false},
		{"it was never heard", "was never heard", func(_ *fleet.View, d *fleet.Deployment, _ *plan.Report) { d.Nodes[0].Report = nil }, false},
		{"it goes by it", "goes by this commit already", func(_ *fleet.View, _ *fleet.Deployment, r *plan.Report) { r.Accepted = newer }, false},
		{"it refuses what is in it", "for a reason that no note accepts", func(_ *fleet.View, _ *fleet.Deployment, r *plan.Report) {
			r.Conditions = []plan.Condition{{Type: plan.CondDocumentInvalid}}
		}, false},
	} {
		v, d := refusing()
		if c.change != nil {
			c.change(v, d, d.Nodes[0].Report)
		}
		consent, err := accepting().Consent(v, d)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		e, takes := consent.Note.Nodes["xivo-main"]
		if takes != c.takes || !strings.Contains(saysOf(consent), "xivo-main ") || !strings.Contains(saysOf(consent), c.says) {
			t.Errorf("%s: takes %v\n%s", c.what, takes, saysOf(consent))
		}
		if takes && (e.Commit.From != older || e.Commit.To != newer || e.Instance != "xivo-main-1" || e.Commit.Renames != strings.Contains(c.what, "renames")) {
			t.Errorf("%s: %+v", c.what, e)
		}
		if _, err := consent.Note.Encode(); err != nil {
			t.Errorf("%s: no node would take it: %v", c.what, err)
		}
	}
}

// R13: a note about a renaming lies where the nodes look for one, and a person reads before they
// sign which claim stays behind, and that what runs stops.
func TestANoteAboutARenamingIsOfTheNameThatTheNodesGoBy(t *testing.T) {
	renaming := func() (*fleet.View, *fleet.Deployment) {
		v, d := refusing()
		for i := range d.Nodes {
			d.Nodes[i].Report.Deployment, d.Nodes[i].Report.Conditions = "lutetia", []plan.Condition{{Type: plan.CondDeploymentRenamed}}
		}
		d.Former = []fleet.Former{{Name: "older", Claims: map[string]fleet.Claim{"web": {}}}, {Name: "lutetia", Claims: map[string]fleet.Claim{
			"cc": {Error: "damaged"}, "xivo": {Tip: plan.Tip{ID: gone, Claim: plan.Claim{Seq: 3, Holder: plan.HeldBy(spec.Standby), Node: "xivo-standby"}}}}}}
		return v, d
	}
	v, d := renaming()
	c, err := accepting().Consent(v, d)
	if err != nil || c.Note.Deployment != "lutetia" || len(c.Note.Nodes) != 2 {
		t.Fatalf("got %v %+v", err, c.Note)
	}
	all := strings.Join(c.Leaves, "\n")
	for _, want := range []string{"these nodes go by the name lutetia, and the commit names the deployment paris: under that name no claim says who serves, so what runs stops at once",
		"the claim of xivo under the name lutetia stays behind; it is at #3, held by standby (xivo-standby)", "the claim of cc under the name lutetia stays behind; it cannot be read: damaged"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "web") {
		t.Errorf("the claim of a name that no node goes by:\n%s", all)
	}
	if left := c.Left(d); len(left) != 2 {
		t.Errorf("left %v", left)
	}
	d.Nodes[0].Report.Deployment, d.Nodes[0].Report.Accepted = "paris", newer // it is heard below the new name
	if left := c.Left(d); strings.Join(left, " ") != "xivo-standby" {
		t.Errorf("left %v", left)
	}

	v, d = renaming()
	d.Nodes[1].Report.Deployment = "lyon"
	if _, err := accepting().Consent(v, d); err == nil || err.Error() != "xivo-main goes by the name lutetia, and xivo-standby by lyon: no note is for both" {
		t.Errorf("two names: %v", err)
	}
	v, d = refusing()
	if c, err := accepting().Consent(v, d); err != nil || c.Note.Deployment != "paris" || len(c.Leaves) > 0 {
		t.Errorf("no renaming: %v %q", err, c.Leaves)
	}
}

// R10: the claim goes to the node that runs, or else to that of the declared side.
func TestANoteGivesAClaimToOneNode(t *testing.T) {
	for _, c := range []struct {
		what, node, err string
		change          func(d *fleet.Deployment)
	}{
		{"main runs", "xivo-main", "", func(*fleet.Deployment) {}},
		{"standby runs, and main is declared", "xivo-standby", "", func(d *fleet.Deployment) {
			d.Nodes[0].Report.Running, d.Nodes[1].Report.Running = false, true
		}},
		{"nobody runs", "xivo-main", "", func(d *fleet.Deployment) { d.Nodes[0].Report.Running = false }},
		{"both run", "", "both say that they run", func(d *fleet.Deployment) { d.Nodes[1].Report.Running = true }},
		{"the one that ran is not heard any more", "", "no node waits", func(d *fleet.Deployment) { d.Nodes[0].Stale = true }},
		{"nothing went back", "", "no node waits", func(d *fleet.Deployment) {
			d.Nodes[0].Report.Conditions, d.Nodes[1].Report.Conditions = nil, nil
		}},
		{"the claim cannot be read", "", "cannot be read", func(d *fleet.Deployment) { d.Claims["xivo"] = fleet.Claim{Error: "damaged"} }},
	} {
		v, d := refusing()
		c.change(d)
		a := accepting()
		a.Claim = true
		consent, err := a.Consent(v, d)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		e, ok := consent.Note.Nodes[c.node]
		if err != nil || !ok || len(consent.Note.Nodes) != 1 || e.Claim.Server != gone || e.Claim.Seq != 7 {
			t.Errorf("%s: %v %+v", c.what, err, consent.Note.Nodes)
		}
	}
}

// Before a person is asked, they read who would hold the claim, and what is known of the side
// that does not take it. That nothing was heard of it proves nothing.
func TestANoteAboutAClaimSaysWhoHoldsItThenAndWhatIsKnownOfTheOtherSide(t *testing.T) {
	for _, c := range []struct {
		what, says string
		change     func(one, other *fleet.Node)
	}{
		{"the other one is cut off and ran", "xivo-main said 7m ago that it runs, or may do so, and has not been heard since: it may serve", func(_, other *fleet.Node) {
			other.Stale, other.Age, other.Report.Running = true, 420, true
		}},
		{"the other one is cut off and did not run", "xivo-main said 7m ago that it does not run, and has not been heard since: it may serve", func(_, other *fleet.Node) {
			other.Stale, other.Age = true, 420
		}},
		{"the other one sees no service", "xivo-main says that it runs, or may do so (heard 0s ago)", func(_, other *fleet.Node) { other.Report.Status = plan.Unknown }},
		{"the other one is heard", "xivo-main says that it does not run (heard 0s ago)", func(_, _ *fleet.Node) {}},
		{"the other one was never heard", "xivo-main was never heard: it may serve", func(_, other *fleet.Node) { other.Report = nil }},
		{"the other one cannot be read", "xivo-main said something that cannot be read: it may serve", func(_, other *fleet.Node) { other.Report, other.Unreadable = nil, "damaged" }},
		{"it is held by the other side", "above #7, as the node last knew it: held by main, which is not this node's side", func(_, _ *fleet.Node) {}},
		{"it is held by the node's own side", "above #7, as the node last knew it: held by standby, this node's side", func(one, _ *fleet.Node) { one.Report.Holder = plan.HeldBy(spec.Standby) }},
		{"it is free", "above #7, as the node last knew it: held by nobody, and no side serves before it may take it (R4, R12)", func(one, _ *fleet.Node) { one.Report.Holder = plan.HeldByNone }},
	} {
		v, d := refusing()
		d.Active = spec.Standby
		one, other := &d.Nodes[1], &d.Nodes[0]
		other.Report.Running, one.Report.Holder = false, plan.HeldBy(spec.Main)
		c.change(one, other)
		a := accepting()
		a.Claim = true
		consent, err := a.Consent(v, d)
		if err != nil || !strings.Contains(saysOf(consent)+"\n", c.says+"\n") {
			t.Errorf("%s: %v\n%s", c.what, err, saysOf(consent))
		}
	}
}

// That a claim went on is no proof that the node did what the note says.
func TestAClaimThatWasSettledOtherwiseIsNoObedience(t *testing.T) {
	for _, c := range []struct {
		what, otherwise string
		left            bool
		change          func(tip *plan.Tip, r *plan.Report)
	}{
		{"nothing happened", "", true, func(*plan.Tip, *plan.Report) {}},
		{"the node put it there", "", false, func(tip *plan.Tip, _ *plan.Report) {
			tip.ID, tip.Seq, tip.Action, tip.Reason = newer, 8, plan.Reroot, "restored from Monday (a note signed by ops)"
		}},
		{"another word put it there", "the claim of xivo was settled otherwise: it is at #8, held by main (reroot by xivo-main)", true, func(tip *plan.Tip, _ *plan.Report) {
			tip.ID, tip.Seq, tip.Action, tip.Reason = newer, 8, plan.Reroot, "seen down"
		}},
		{"a peer put it back", "the claim of xivo was settled otherwise: it is at #7, held by main (renew by xivo-main)", true, func(tip *plan.Tip, _ *plan.Report) {
			tip.ID, tip.Seq, tip.Action = newer, 7, plan.Renew
		}},
		{"the other side seized it", "the claim of xivo was settled otherwise: it is at #9, held by standby (seize by xivo-standby)", true, func(tip *plan.Tip, _ *plan.Report) {
			tip.ID, tip.Seq, tip.Action, tip.Holder, tip.Node = newer, 9, plan.Seize, "standby", "xivo-standby"
		}},
		{"the node says so, and went on", "", false, func(tip *plan.Tip, r *plan.Report) {
			tip.ID, tip.Seq, tip.Action = newer, 9, plan.Renew
			r.Conditions = []plan.Condition{{Type: plan.CondAcceptedByNote, Since: time.Unix(200, 0)}}
		}},
		{"the node says something else that is new", "settled otherwise", true, func(tip *plan.Tip, r *plan.Report) {
			tip.ID, tip.Seq, tip.Action = newer, 9, plan.Renew
			r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondGitUnreachable, Since: time.Unix(200, 0)})
		}},
		{"the node still says so of an older note", "settled otherwise", true, func(tip *plan.Tip, _ *plan.Report) {
			tip.ID, tip.Seq, tip.Action = newer, 9, plan.Renew
		}},
	} {
		v, d := refusing()
		r := d.Nodes[0].Report
		r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondAcceptedByNote, Since: time.Unix(100, 0)})
		a := accepting()
		a.Claim = true
		consent, err := a.Consent(v, d)
		if err != nil {
			t.Fatal(err)
		}
		claim := d.Claims["xivo"]
		claim.Holder, claim.Node = "main", "xivo-main"
		c.change(&claim.Tip, r)
		d.Claims["xivo"] = claim
		left := len(consent.Left(d)) > 0
		if says := consent.otherwise("xivo-main", d); left != c.left || left && (!strings.Contains(says, c.otherwise) || (says == "") != (c.otherwise == "")) {
			t.Errorf("%s: left %v, %q", c.what, left, says)
		}
	}
}

// A node whose claim was put there goes on at once: what it does then hides nothing of that,
// and the changes are read once for each that is seen.
func TestAClaimThatANotePutThereAndThatWentOnIsObedience(t *testing.T) {
	for _, by := range []string{"restored from Monday (a note signed by ops)", "seen down"} {
		v, d := refusing()
		a := accepting()
		a.Claim = true
		c, err := a.Consent(v, d)
		if err != nil {
			t.Fatal(err)
		}
		reads, ctx, tick := 0, t.Context(), make(chan time.Time, 2)
		c.Changes = func(_ context.Context, role string) ([]plan.Tip, error) {
			if reads++; role != "xivo" {
				t.Errorf("asked for %s", role)
			}
			return []plan.Tip{{Claim: plan.Claim{Seq: 9, Action: plan.Renew}}, {Claim: plan.Claim{Seq: 8, Action: plan.Reroot, Reason: by}}}, nil
		}
		bounded, cancel := context.WithCancel(ctx)
		var told []string
		looks := 0
		err = c.Follow(bounded, func(context.Context) (*fleet.View, *fleet.Deployment, error) {
			if looks++; looks == 3 {
				cancel()
			}
			d.Claims["xivo"] = fleet.Claim{Tip: plan.Tip{ID: newer, Claim: plan.Claim{Seq: 9, Action: plan.Renew, Holder: "main", Node: "xivo-main"}}}
			tick <- time.Time{}
			return v, d, nil
		}, func(node, says string) { told = append(told, says) }, tick)
		cancel()
		if by == "seen down" {
			if err == nil || len(told) != 1 || !strings.Contains(told[0], "settled otherwise") || reads != 1 {
				t.Errorf("%s: %v, told %q after %d reads", by, err, told, reads)
			}
		} else if err != nil || len(told) > 0 || reads != 1 {
			t.Errorf("%s: %v, told %q after %d reads", by, err, told, reads)
		}
	}
}

func TestAWordThatSaysNothingIsNoNote(t *testing.T) {
	for what, change := range map[string]func(*Accept, *fleet.View){
		"a statement":       func(a *Accept, _ *fleet.View) { a.Attest = " " },
		"the commit or":     func(a *Accept, _ *fleet.View) { a.Claim, a.Commit = true, newer },
		"only that one can": func(a *Accept, _ *fleet.View) { a.Commit = older },
		"read-only mode":    func(_ *Accept, v *fleet.View) { v.Coordinated = false },
	} {
		v, d := refusing()
		a := accepting()
		change(&a, v)
		if c, err := a.Consent(v, d); err == nil || c != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Whoever wrote a note is told who has not obeyed it in time, and why, once.
func TestANoteIsFollowed(t *testing.T) {
	v, d := refusing()
	c, err := accepting().Consent(v, d)
	if err != nil {
		t.Fatal(err)
	}
	d.Nodes[1].Report.Conditions = append(d.Nodes[1].Report.Conditions, plan.Condition{Type: plan.CondNoteRefused, Message: "it is over"},
		plan.Condition{Type: plan.CondGitUnreachable, Message: "git is away"})
	ctx, cancel := context.WithCancel(t.Context())
	looks, tick := 0, make(chan time.Time, 3)
	for range 3 {
		tick <- time.Time{}
	}
	var told []string
	err = c.Follow(ctx, func(context.Context) (*fleet.View, *fleet.Deployment, error) {
		if looks++; looks == 2 {
			d.Nodes[0].Report.Accepted = newer
		}
		if looks == 3 {
			cancel()
		}
		return v, d, nil
	}, func(node, says string) { told = append(told, node+": "+says) }, tick)
	var late *Late
	if !errors.As(err, &late) || strings.Join(late.Nodes, " ") != "xivo-standby" || strings.Join(told, ";") != "xivo-standby: it is over" {
		t.Errorf("got %v, told %q", err, told)
	}
}

// The claim that a node speaks of is that of the name which it goes by: a note about the
// deployment's present one would name neither (R13).
func TestNoNotePutsTheClaimOfOneNameAboveThatOfAnother(t *testing.T) {
	v, d := refusing()
	a := accepting()
	a.Claim, d.Nodes[0].Report.Deployment = true, "lutetia"
	var no *Refused
	if c, err := a.Consent(v, d); !errors.As(err, &no) || !strings.Contains(no.Reason, "goes by the name lutetia") || c != nil {
		t.Errorf("got %+v, %v", c, err)
	}
}
