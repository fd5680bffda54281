//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/hosts"
	"mainstay/e2e/observer"
)

// faultSeed chooses the order of the combinations and the moments inside the
// phases. A combination is repeated alone by its name and the same seed.
var faultSeed = flag.Uint64("story.seed", 1, "order and moments of the faults of story 4")

// fault is one way in which a machine or its agent fails.
type fault struct {
	name string
	// strike returns what mends it; the agent or the host comes back by itself
	// otherwise.
	strike func(t *testing.T, host *hosts.Host, r *rand.Rand) (mend func())
}

// faults are what happens to the agent of either side, or to its machine.
func faults() []fault {
	nothing := func() {}
	return []fault{
		{"killed", func(t *testing.T, host *hosts.Host, _ *rand.Rand) func() {
			killUnit(t, host, hosts.AgentUnit)
			return nothing
		}},
		{"frozen", func(t *testing.T, host *hosts.Host, _ *rand.Rand) func() { return freezeAgent(t, host) }},
		{"disk full", func(t *testing.T, host *hosts.Host, _ *rand.Rand) func() {
			if err := host.FillDisk(); err != nil {
				t.Fatal(err)
			}
			return func() {
				lasts(t, 2*time.Second)
				if err := host.FreeDisk(); err != nil {
					t.Error(err)
				}
			}
		}},
		{"state truncated", func(t *testing.T, host *hosts.Host, r *rand.Rand) func() {
			// Not the one that says who the agent is: another instance of one's own
			// side is a person's business (R9).
			names := []string{"accepted", "claims", "memory"}
			name := names[r.IntN(len(names))]
			host.Must(t, "sh", "-c", "for f in "+hosts.StateFolder+"/"+name+"*; do [ -e \"$f\" ] && : >\"$f\"; done; true")
			killUnit(t, host, hosts.AgentUnit)
			return nothing
		}},
		{"rebooted", func(t *testing.T, host *hosts.Host, _ *rand.Rand) func() {
			host.Kill(t)
			return func() { host.Boot(t) }
		}},
	}
}

// freezeAgent stops the agent where it is. Its watchdog must replace it; a lease
// counts on 30 s for that (R7).
func freezeAgent(t *testing.T, host *hosts.Host) func() {
	t.Helper()
	pids, err := host.Processes(hosts.AgentUnit)
	if err != nil || len(pids) == 0 {
		t.Fatalf("no agent on %s: %v", host.Name(), err)
	}
	if err := syscall.Kill(pids[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	return func() {
		eventually(t, "the frozen agent is replaced", func() bool {
			now, err := host.Processes(hosts.AgentUnit)
			return err == nil && len(now) > 0 && now[0] != pids[0]
		})
		t.Logf("the watchdog took %.1f s", time.Since(frozen).Seconds())
	}
}

// phase is a moment of a switch that can be seen from outside.
type phase struct {
	name    string
	reached func(p *wholePage, to string) bool
}

func phasesOfASwitch() []phase {
	return []phase{
		{"before the commit", nil},
		// The new side may have taken it before anybody looked.
		{"once released", func(p *wholePage, to string) bool {
			holder := p.holder("xivo")
			return holder != "" && !strings.HasPrefix(holder, other(to)+" ")
		}},
		{"once taken", func(p *wholePage, to string) bool { return strings.HasPrefix(p.holder("xivo"), to+" ") }},
		{"once started", func(p *wholePage, to string) bool { return p.nodes["xivo-"+to].Runs("monit.service") }},
	}
}

// newPair makes the two XiVO of examples/full with a git host, and nobody else.
func newPair(t *testing.T) *wholePage {
	t.Helper()
	p := &wholePage{}
	deb := make(chan string, 1)
	go func() { deb <- buildDeb(t, "") }()
	p.site = newSite(t, hosts.Spec{Name: "xivo-main", Image: hosts.Node}, hosts.Spec{Name: "xivo-standby", Image: hosts.Node})
	p.phone = p.git.Host // nobody calls
	if p.deb = <-deb; p.deb == "" {
		t.Fatal("there is no package")
	}
	for _, host := range p.nodes {
		p.prepareXivo(t, host)
	}
	files := p.repository(t)
	others := regexp.MustCompile(`(?m)^  (cc-main|cc-standby|mds1|edge): .*\n`)
	p.document = others.ReplaceAllString(p.document[:strings.Index(p.document, "  cc:\n")], "")
	p.document = strings.Replace(p.document, "poll: 5s ", "poll: 1s ", 1)
	files["deployment.yaml"] = p.document
	p.commit("The deployment", files)
	p.installAll(t)
	return p
}

// TestFaultsAtEveryPhase is story 4: each fault, on either side, at each phase
// of a switch. Nothing is ever active twice, and all converges.
func TestFaultsAtEveryPhase(t *testing.T) {
	t.Parallel() // with the stories
	p := newPair(t)
	p.awaitStatus("xivo-main", "Active")
	p.awaitStatus("xivo-standby", "Inactive")
	type combination struct {
		fault fault
		phase phase
		old   bool
		seed  uint64
	}
	var all []combination
	for _, f := range faults() {
		for _, ph := range phasesOfASwitch() {
			for _, old := range []bool{true, false} {
				all = append(all, combination{f, ph, old, uint64(len(all))})
			}
		}
	}
	rand.New(rand.NewPCG(*faultSeed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	side := "main"
	var took []time.Duration
	for _, c := range all {
		struck := map[bool]string{true: "old", false: "new"}[c.old]
		t.Run(fmt.Sprintf("%s side's agent %s %s", struck, c.fault.name, c.phase.name), func(t *testing.T) {
			p.t = t
			side = other(side)
			host := p.nodes["xivo-"+side]
			if c.old {
				host = p.nodes["xivo-"+other(side)]
			}
			began := time.Now()
			double := p.switchUnderFault(t, side, c.phase, func() func() {
				r := rand.New(rand.NewPCG(*faultSeed, c.seed))
				lasts(t, time.Duration(r.IntN(200))*time.Millisecond)
				return c.fault.strike(t, host, r)
			})
			took = append(took, time.Since(began))
			say(t, "fault: %-5s side's agent %-16s %-18s to %-8s converged after %5.1f s, double-active %.2f s",
				struck, c.fault.name, c.phase.name, side, time.Since(began).Seconds(), double.Seconds())
		})
		p.t = t
	}
	figures(t, "a switch with a fault in it, all converged", took)
}

// switchUnderFault fails over while a fault strikes in a phase, and waits until
// both sides are as the commit says. It returns for how long both were active.
func (p *wholePage) switchUnderFault(t *testing.T, to string, ph phase, strike func() (mend func())) time.Duration {
	t.Helper()
	var tracks []observer.Track
	for _, service := range []string{"asterisk", "monit"} {
		for _, side := range []string{"main", "standby"} {
			host := p.nodes["xivo-"+side]
			tracks = append(tracks, observer.Track{Name: service + " on xivo-" + side, Group: service, Side: side,
				Look: up(func() bool { return host.Runs(service + ".service") })})
		}
	}
	o := observer.Watch("fault "+ph.name, lookEvery, tracks...)
	mend := func() {}
	if ph.reached == nil {
		mend = strike()
	}
	commit := p.declare(to)
	if ph.reached != nil {
		eventually(t, ph.name, func() bool { return ph.reached(p, to) })
		mend = strike()
	}
	mend()
	p.nudge()
	p.awaitApplied("xivo-"+to, "Active", commit)
	p.awaitApplied("xivo-"+other(to), "Inactive", commit)
	r := o.End()
	double := r.Double()
	if double > 0 {
		t.Errorf("both sides were active for %v: %+v", double, r.Overlaps())
	}
	for _, service := range []string{"asterisk", "monit"} {
		if !p.nodes["xivo-"+to].Runs(service+".service") || p.nodes["xivo-"+other(to)].Runs(service+".service") {
			t.Errorf("%s does not run on %s alone", service, to)
		}
	}
	return double
}
