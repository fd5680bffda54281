package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// fleetView is what a laptop with a good clock reads of the deployment.
func (w *World) fleetView() *fleet.Deployment {
	d := &fleet.Deployment{Name: deployment, Claims: map[string]fleet.Claim{}}
	for _, role := range []string{"xivo", "cc"} {
		d.Claims[role] = fleet.Claim{Tip: w.server.tip(role)}
	}
	wall := time.Unix(1_800_000_000, 0).UTC().Add(w.now)
	doc := w.document(w.settings)
	for _, name := range nodeNames() {
		n := fleet.Node{Name: name, Stale: true}
		if r, ok := w.server.reports[w.server.refs[plan.ReportRef(deployment, name)]]; ok {
			n.Report, n.Age = &r, max(0, wall.Sub(r.At).Seconds())
			n.Stale = n.Heard() > fleet.FreshFor(doc, &r)
		}
		d.Nodes = append(d.Nodes, n)
	}
	return d
}

func (w *World) document(s Settings) *spec.Deployment {
	d, problems := w.shelf.load(documentPath, []byte(s.Text()), readTemplate)
	if len(problems) > 0 {
		panic(fmt.Sprint(problems))
	}
	return d
}

// foretell says what a commit will do.
func (w *World) foretell(next Settings) *forecast.Forecast {
	return forecast.Of(forecast.Input{From: w.document(w.settings), To: w.document(next), Now: w.fleetView(), Coordinated: true})
}

// xivo is what a forecast says of the role that leads.
func xivo(p *forecast.Forecast) (h forecast.Handover, stops bool) {
	for _, h = range p.Handovers {
		if h.Role == "xivo" {
			break
		}
	}
	for _, s := range p.Steps {
		stops = stops || s.Role == "xivo" && s.Side == h.To.Other() && s.Do == forecast.DoStop && s.What != ""
	}
	return h, stops
}

// slack is what a forecast does not count: that the nodes see the commit and
// each other's reports, and what happens in between.
const slack = 20 * time.Second

// toSide is the document with another active side.
func (w *World) toSide(side, fenced spec.Side) Settings {
	next := w.settings
	next.Active, next.Fenced = side, fenced
	return next
}

// stale lets so much time pass that a node that is not heard counts as silent.
func (s *story) stale() { s.passes(5 * time.Minute) }

// What a forecast promises is what happens then: the guarantee, who stops, and by
// when. A handover that it does not promise does not happen.
func TestTheForecastIsHeldToTheTruth(t *testing.T) { // R4, R7, R9, R11, R12, R13
	off := func(s *story) { s.main.powerOff(); s.byName["cc-main"].powerOff() }
	for _, c := range []struct {
		name    string
		setting func(*Settings)
		before  func(*story)
		fenced  spec.Side
		want    plan.Guarantee
	}{
		{name: "both are there", want: plan.Released},
		{name: "main is off and fenced", before: func(s *story) { off(s); s.stale() }, fenced: spec.Main, want: plan.Fenced},
		{name: "main is alive and fenced", fenced: spec.Main, want: plan.Fenced},
		{name: "main is silent under a lease", setting: func(s *Settings) { s.Lease = 20 * time.Second },
			before: func(s *story) { off(s); s.stale() }, want: plan.Lease},
		{name: "main is silent", before: func(s *story) { off(s); s.stale() }, want: plan.Presumed},
		{name: "main is silent and has no witness", setting: func(s *Settings) { s.Witness = false },
			before: func(s *story) { off(s); s.stale() }, want: plan.Presumed},
		{name: "main is cut off and answers its witness", before: func(s *story) { s.main.link.cut = true; s.stale() }, want: plan.Presumed},
		{name: "main is silent and nobody presumes", setting: hold, before: func(s *story) { off(s); s.stale() }},
		{name: "main is paused by its document", before: func(s *story) {
			next := s.settings
			next.Paused = "xivo-main"
			s.Commit(next)
			s.passes(20 * time.Second)
		}},
		{name: "main is paused on the node", before: func(s *story) {
			p := s.main.proc
			pause := reconcile.Pause{Reason: "work on it", Until: p.clock.Wall().Add(time.Hour)}
			p.ask(func(a *reconcile.Actuator) { _ = a.SetPause(&pause) })
			s.passes(10 * time.Second)
		}},
		{name: "a service of main failed and another one runs", before: func(s *story) { s.broken(0, 1) }, want: plan.Released},
		{name: "standby is paused on the node", before: func(s *story) {
			p := s.stby.proc
			pause := reconcile.Pause{Reason: "work on it", Until: p.clock.Wall().Add(time.Hour)}
			p.ask(func(a *reconcile.Actuator) { _ = a.SetPause(&pause) })
			s.passes(10 * time.Second)
		}},
		{name: "there is no claim and both report", before: func(s *story) { s.loseRefs(); s.anew(s.main); s.anew(s.stby); s.passes(3 * time.Second) }, want: plan.Released},
		{name: "the claim is free and says nothing of a main that is off", setting: func(s *Settings) { s.AbsentStop = true }, before: func(s *story) {
			s.presumed()
			s.Declare(spec.Main)
			s.until("standby gives the claim back", 2*time.Minute, func() bool { return s.holder() == "" })
			off(s)
			s.stale()
		}, want: plan.Presumed},
		{name: "the claim is free and says nothing of a main that answers", setting: func(s *Settings) { s.AbsentStop = true }, before: func(s *story) {
			s.presumed()
			s.Declare(spec.Main)
			s.until("standby gives the claim back", 2*time.Minute, func() bool { return s.holder() == "" })
			s.stby.lies = Truth
			s.stale()
		}, want: plan.Presumed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := tell(t, c.setting)
			if c.before != nil {
				c.before(s)
			}
			s.isTrue(s.toSide(spec.Standby, c.fenced), &c.want)
		})
	}
}

// isTrue commits a document and holds what was foretold of it to what happens. What
// was foretold for a witness that is silent may wait for a person when it answers.
// want is what has to be foretold, nil for anything.
func (s *story) isTrue(next Settings, want *plan.Guarantee) {
	s.t.Helper()
	h, stops := xivo(s.foretell(next))
	s.t.Logf("foretold: %+v", h)
	if want != nil && h.Guarantee != string(*want) {
		s.t.Errorf("foretold %q, want %q", h.Guarantee, *want)
	}
	ran := s.main.active()
	s.Commit(next)
	if h.Guarantee == "" {
		s.passes(3 * time.Minute)
		if s.holder() == spec.Standby && s.stby.active() && s.server.tip("xivo").Action != plan.Renew {
			s.t.Errorf("not foretold, and it happened: %+v", s.server.tip("xivo").Claim)
		}
		return
	}
	if !s.Until(h.Bound()+slack, s.stby.active) {
		if may := strings.Contains(h.IfDead, "held") || strings.Contains(h.Why+h.IfDead, "its witness"); may && s.is(s.stby).Status == plan.Held {
			return
		}
		s.t.Fatalf("standby does not serve after %s; %q", h.Bound()+slack, s.Violation())
	}
	if got := s.server.tip("xivo").Guarantee; got != plan.Guarantee(h.Guarantee) && h.IfDead == "" {
		s.t.Errorf("foretold %s, happened %s", h.Guarantee, got)
	}
	s.passes(slack)
	if stopped := ran && !s.main.active(); stopped != stops && s.main.on && !s.main.link.cut {
		s.t.Errorf("foretold that main stops: %v; it did: %v", stops, stopped)
	}
}

// Whatever is wrong with a deployment, what is foretold is what happens, or what
// was said to happen should a node have died since it was heard.
func TestTheForecastIsTrueOfAnyDeployment(t *testing.T) {
	for seed := range min(*simSeeds, 40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			one := func() bool { return r.IntN(3) == 0 }
			s := tell(t, func(s *Settings) {
				s.Hold, s.AbsentStop, s.Witness = one(), one(), !one()
				if one() {
					s.Lease = 20 * time.Second
				}
			})
			if one() {
				s.main.powerOff()
			}
			s.main.link.cut = one()
			s.stby.services[0].fail()
			s.passes(time.Duration(r.IntN(300)) * time.Second)
			fenced := spec.Side("")
			if !s.main.on && one() {
				fenced = spec.Main
			}
			s.isTrue(s.toSide(spec.Standby, fenced), nil)
		})
	}
}
