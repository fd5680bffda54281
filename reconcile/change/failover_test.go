package change

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const document = `# The switch is the next line but three.
apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main   # or standby
nodes:
  m: { role: app, side: main, address: 10.0.0.1 }
  s: { role: app, side: standby, address: 10.0.0.2 }
roles:
  app: { exclusive: true, services: [{ name: one, systemd: one.service }] }
`

// lab is a deployment whose nodes say what a test makes them say.
type lab struct {
	repos
	remote *git.Remote
	source *fleet.Source
	claim  plan.Tip
}

func newLab(t *testing.T) *lab {
	l := &lab{repos: newRepos(t)}
	l.write("deployment.yaml", document)
	l.git("add", "--all")
	l.git("commit", "--quiet", "-m", "describe")
	l.git("push", "--quiet", "origin", "main")
	var err error
	if l.remote, err = git.Open(git.Options{URL: l.bare}); err != nil {
		t.Fatal(err)
	}
	if l.source, err = fleet.Open(fleet.Location{URL: l.bare, Branch: "main"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.source.Close)
	l.take(spec.Main)
	l.converge()
	return l
}

func (l *lab) look(ctx context.Context) (*fleet.View, *fleet.Deployment, error) {
	v, err := l.source.Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	return v, &v.Deployments[0], nil
}

func (l *lab) now() (*fleet.View, *fleet.Deployment) {
	l.t.Helper()
	v, d, err := l.look(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return v, d
}

// take makes the claim a side's.
func (l *lab) take(side spec.Side) {
	l.t.Helper()
	c := plan.Claim{Action: plan.Seize, Holder: plan.HeldBy(side), Node: string(side[:1]), Instance: "i", Guarantee: plan.Released, At: time.Now()}
	if l.claim.Free() {
		c.Action = plan.Take
	}
	l.claim.Claim = plan.Next(l.claim, c)
	id, err := l.remote.PushClaim(l.t.Context(), git.ClaimRef("paris", "app"), plan.Push{Parent: l.claim.ID, Claim: l.claim.Claim})
	if err != nil {
		l.t.Fatal(err)
	}
	l.claim.ID = id
}

// converge makes every node what the branch declares.
func (l *lab) converge(change ...func(*plan.Report)) {
	l.t.Helper()
	v, d := l.now()
	for _, n := range d.Nodes {
		r := plan.Report{Deployment: "paris", Node: n.Name, Role: n.Role, Side: n.Side, Instance: "i", Status: plan.Inactive,
			Declared: d.Active, Seen: v.Commit, Accepted: v.Commit, Applied: v.Commit, Document: d.Digest,
			Holder: l.claim.Holder, Seq: l.claim.Seq, At: time.Now(), Since: time.Now(), LastRead: time.Now()}
		if n.Side == d.Active {
			r.Status, r.Running = plan.Active, true
		}
		for _, c := range change {
			c(&r)
		}
		if _, err := l.remote.PublishReport(l.t.Context(), git.ReportRef("paris", n.Name), r, ""); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *lab) prepare(r Request) (*Proposal, error) {
	v, d := l.now()
	return Prepare(l.t.Context(), l.work, v, d, r)
}

// push prepares and pushes a change that nothing speaks against.
func (l *lab) push(r Request) (*Proposal, Goal) {
	l.t.Helper()
	p, err := l.prepare(r)
	if err == nil {
		err = p.Refusal()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	hash, err := p.Push(l.t.Context(), l.work, "origin", "main")
	if err != nil {
		l.t.Fatal(err)
	}
	return p, Goal{Commit: hash, Active: p.Next.Active, Fenced: p.Next.Fenced}
}

// always ticks, so that nothing waits for a clock.
func always(t *testing.T) <-chan time.Time {
	tick := make(chan time.Time)
	go func() {
		for {
			select {
			case tick <- time.Time{}:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return tick
}

// A failover and the failback, without a command line: prepared, pushed, followed
// until every node is what the commit says.
func TestAFailoverAndItsFailback(t *testing.T) {
	l := newLab(t)
	for _, to := range []spec.Side{spec.Standby, spec.Main} {
		p, goal := l.push(Request{Reason: "a drill"})
		if p.Next.Active != to || len(p.Forecast.Handovers) != 1 || p.Forecast.Handovers[0].Guarantee != string(plan.Released) {
			t.Fatalf("to %s: %+v", to, p.Forecast)
		}
		looks := 0
		err := goal.Follow(t.Context(), l.look, func(nodes []State, _ *fleet.View, _ *fleet.Deployment, err error) {
			if looks++; looks == 1 && (err != nil || nodes[0].Applied || !strings.Contains(nodes[0].Missing, "has not seen the commit")) {
				t.Errorf("at first: %+v, %v", nodes, err)
			}
			if looks == 1 {
				l.take(to)
				l.converge()
			}
		}, always(t))
		if err != nil || looks < 2 {
			t.Fatalf("to %s: %v after %d looks", to, err, looks)
		}
		if got := l.git("show", "--stat", "--format=%B", goal.Commit); !strings.Contains(got, "Mainstay-Reason: a drill") || !strings.Contains(got, "1 insertion(+), 1 deletion(-)") {
			t.Errorf("the commit is\n%s", got)
		}
		l.git("fetch", "--quiet")
	}
}

func TestWhatIsRefusedIsNotPushed(t *testing.T) {
	l := newLab(t)
	l.converge(func(r *plan.Report) { r.Paused = r.Side == spec.Standby })
	p, err := l.prepare(Request{})
	var refused *Refused
	if err != nil || !errors.As(p.Refusal(), &refused) || !strings.Contains(refused.Advice, "--force paused") {
		t.Errorf("got %v, %v", p.Refusal(), err)
	}
	if p, err = l.prepare(Request{Force: []string{"paused"}}); err != nil || p.Refusal() != nil || len(p.Forced) != 1 {
		t.Errorf("forced: %v, %v", p.Refusal(), err)
	}
	var misuse *Misuse
	if _, err := l.prepare(Request{To: spec.Main, Fenced: spec.Main}); !errors.As(err, &misuse) {
		t.Errorf("got %v", err)
	}
	if _, err := l.prepare(Request{Unfence: true}); !errors.As(err, &misuse) {
		t.Errorf("got %v", err)
	}
}

// Waiting changes nothing when every node refuses the commit, even one that
// declares what they do already: that is said at once, with the way out.
func TestACommitThatEveryNodeRefusesIsNotWaitedFor(t *testing.T) {
	for kind, advice := range map[string]string{
		plan.CondRewound: "mainstay accept COMMIT`", plan.CondDeploymentRenamed: "mainstay accept COMMIT --attest", plan.CondRoleRenamed: "mainstay accept COMMIT --attest",
		plan.CondRoleRetyped: "mainstay accept COMMIT --attest", plan.CondDocumentInvalid: "mend the document", plan.CondSignatureRefused: "mend the document",
	} {
		l := newLab(t)
		l.converge(func(r *plan.Report) { r.Conditions = []plan.Condition{{Type: kind, Message: "it is not accepted"}} })
		v, d := l.now()
		goal := Goal{Commit: v.Commit, Active: d.Active}
		err := goal.Follow(t.Context(), l.look, func([]State, *fleet.View, *fleet.Deployment, error) {}, always(t))
		var refused *Refused
		if !errors.As(err, &refused) || !strings.Contains(refused.Advice, strings.Replace(advice, "COMMIT", v.Commit[:12], 1)) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

// A node that was done and whose service fails then is not done any more, and the
// end is not told before all of them are at the same time.
func TestANodeThatWasDoneCanStopBeingDone(t *testing.T) {
	l := newLab(t)
	v, d := l.now()
	goal := Goal{Commit: v.Commit, Active: d.Active}
	if nodes := goal.States(v, d); !nodes[0].Applied || !nodes[1].Applied {
		t.Fatalf("at first %+v", nodes)
	}
	for _, status := range []plan.Status{plan.Failed, plan.Activating, plan.Held, plan.Inactive} {
		l.converge(func(r *plan.Report) {
			if r.Side == spec.Main {
				r.Status = status
			}
		})
		v, d = l.now()
		if nodes := goal.States(v, d); nodes[0].Applied || !strings.Contains(nodes[0].Missing, "m is "+string(status)) {
			t.Errorf("%s: %+v", status, nodes)
		}
	}
}

// A switch is not done because something answers on the port of a service: its own
// driver has to say that it runs, and nothing else may have answered in its place.
func TestASwitchIsNotDoneWhenAnotherServerAnswersForAService(t *testing.T) {
	for want, change := range map[string]func(r *plan.Report){
		"one is failed":                func(r *plan.Report) { r.Services[0].Run = plan.RunFailed },
		"one is unknown":               func(r *plan.Report) { r.Services[0].Run = plan.RunUnsure },
		"one is not looked at yet":     func(r *plan.Report) { r.Services[0].Run = "" },
		"one runs and does not answer": func(r *plan.Report) { r.Services[0].Ready = false },
		"the port answered before": func(r *plan.Report) {
			r.Conditions = []plan.Condition{{Type: plan.CondAnsweredElsewhere, Message: "the port answered before"}}
		},
	} {
		l := newLab(t)
		l.converge(func(r *plan.Report) {
			if r.Side == spec.Main {
				r.Services = []plan.ServiceReport{{Name: "one", Run: plan.Running, Ready: true}, {Name: "of an older document", Run: plan.Stopped}}
				change(r)
			}
		})
		v, d := l.now()
		goal := Goal{Commit: v.Commit, Active: d.Active}
		nodes := goal.States(v, d)
		if nodes[0].Applied || !strings.HasSuffix(nodes[0].Missing, "m says that it is Active, but "+want) || v.OK {
			t.Errorf("%s: %+v", want, nodes[0])
		}
	}
}

// Somebody else's commit is never overwritten, and one that declares something
// else ends the following.
func TestAnotherCommitOvertakes(t *testing.T) {
	l := newLab(t)
	p, err := l.prepare(Request{})
	if err != nil {
		t.Fatal(err)
	}
	l.write("deployment.yaml", document+"# more\n")
	l.git("commit", "--quiet", "-am", "more")
	l.git("push", "--quiet", "origin", "main")
	if _, err := p.Push(t.Context(), l.work, "origin", "main"); !errors.Is(err, ErrMoved) {
		t.Errorf("got %v", err)
	}
	goal := Goal{Commit: strings.Repeat("ab", 20), Active: spec.Standby}
	err = goal.Follow(t.Context(), l.look, func([]State, *fleet.View, *fleet.Deployment, error) {}, always(t))
	var overtaken *Overtaken
	if !errors.As(err, &overtaken) || overtaken.Active != spec.Main {
		t.Errorf("got %v", err)
	}
}

// A pause is a commit of its own word: nothing hands over, and the way back is another.
func TestAPauseIsProposed(t *testing.T) {
	l := newLab(t)
	p, goal := l.push(Request{Pause: "s", Reason: "new\ndisk"})
	if len(p.Forecast.Handovers) > 0 || !p.Forecast.Pending || goal.Active != spec.Main {
		t.Errorf("%+v", p.Forecast)
	}
	said := l.git("log", "-1", "--format=%B", goal.Commit)
	for _, want := range []string{"paris: pause s\n", "Mainstay-Paused: s\n", "Mainstay-Reason: new disk", "Mainstay-From: main\nMainstay-To: main\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("the commit does not say %q: %s", want, said)
		}
	}
	_, d := l.now()
	if !d.Spec.Nodes["s"].Paused || d.Active != spec.Main {
		t.Errorf("the document says %+v", d.Spec.Nodes["s"])
	}
	if p, err := l.prepare(Request{Pause: "s"}); err != nil || !p.Declared {
		t.Errorf("a second time: %v", err)
	}
	_, goal = l.push(Request{Resume: "s"})
	if said := l.git("log", "-1", "--format=%B", goal.Commit); !strings.Contains(said, "paris: resume s\n") || !strings.Contains(said, "Mainstay-Resumed: s") {
		t.Errorf("the commit says %s", said)
	}
	if got := l.git("show", goal.Commit+":deployment.yaml"); got+"\n" != document {
		t.Errorf("after the way back: %s", got)
	}
	for _, r := range []Request{{Pause: "x"}, {Resume: "x"}, {Pause: "s", Resume: "s"}} {
		var misuse *Misuse
		if _, err := l.prepare(r); !errors.As(err, &misuse) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// A fence alone leaves the switch where it is, and says what it is.
func TestAFenceIsProposed(t *testing.T) {
	l := newLab(t)
	_, goal := l.push(Request{To: spec.Main, Fenced: spec.Standby, Reason: "its power is cut"})
	if said := l.git("log", "-1", "--format=%B", goal.Commit); !strings.Contains(said, "paris: fence standby\n") || !strings.Contains(said, "Mainstay-Fenced: standby\n") {
		t.Errorf("the commit says %s", said)
	}
	_, goal = l.push(Request{To: spec.Main, Unfence: true})
	if said := l.git("log", "-1", "--format=%s", goal.Commit); said != "paris: take the fence of standby out" {
		t.Errorf("the commit says %s", said)
	}
}
