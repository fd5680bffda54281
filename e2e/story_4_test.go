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

// faultSeed chooses the order of the combinations, to which side each switches and
// the moments inside the phases. A combination is repeated alone by its name and
// the same seed; an even seed goes to the other side than an odd one.
var faultSeed = flag.Uint64("story.seed", 1, "order, sides and moments of the faults of story 4")

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

// combination is a fault of one side at one phase of a switch to one side.
type combination struct {
	fault fault
	phase phase
	old   bool // the side that is left is struck, else the one that takes over
	to    string
	seed  uint64
}

func (c combination) struck() (word, side string) {
	if c.old {
		return "old", other(c.to)
	}
	return "new", c.to
}

func (c combination) String() string {
	word, _ := c.struck()
	return fmt.Sprintf("%s side's agent %s %s, to %s", word, c.fault.name, c.phase.name, c.to)
}

// combinations are one for each fault of either side at each phase. Every other
// one is of a switch to standby, so that each finds the side it starts from.
func combinations(seed uint64) []combination {
	to := map[string][]combination{}
	n := 0
	for i, f := range faults() {
		for j, ph := range phasesOfASwitch() {
			for k, old := range []bool{true, false} {
				side := []string{"standby", "main"}[(uint64(i+j+k)+seed)%2]
				to[side] = append(to[side], combination{f, ph, old, side, uint64(n)})
				n++
			}
		}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	var all []combination
	for _, side := range []string{"standby", "main"} {
		r.Shuffle(len(to[side]), func(i, j int) { to[side][i], to[side][j] = to[side][j], to[side][i] })
	}
	for i := range to["standby"] {
		all = append(all, to["standby"][i], to["main"][i])
	}
	return all
}

// TestFaultsAtEveryPhase is story 4: each fault, on either side, at each phase
// of a switch. Nothing is ever active twice, and all converges.
func TestFaultsAtEveryPhase(t *testing.T) {
	t.Parallel() // with the stories
	p := newPair(t)
	p.awaitStatus("xivo-main", "Active")
	p.awaitStatus("xivo-standby", "Inactive")
	p.awaitCopy(t, "standby")
	var took []time.Duration
	for _, c := range combinations(*faultSeed) {
		t.Run(c.String(), func(t *testing.T) {
			p.t = t
			p.pairServes(other(c.to), p.declare(other(c.to))) // else than in the whole run only if run alone
			took = append(took, p.playFault(t, c))
		})
		p.t = t
	}
	figures(t, "a switch with a fault in it, all converged", took)
}

// playFault plays one combination and returns how long it took.
func (p *wholePage) playFault(t *testing.T, c combination) time.Duration {
	t.Helper()
	defer p.overwritesNothing(t)()
	word, side := c.struck()
	r := rand.New(rand.NewPCG(*faultSeed, c.seed))
	began := time.Now()
	recording := p.switchUnderFault(t, c, func() func() {
		lasts(t, time.Duration(r.IntN(200))*time.Millisecond)
		return c.fault.strike(t, p.nodes["xivo-"+side], r)
	})
	took, double := time.Since(began), recording.Double()
	if double > 0 {
		t.Errorf("both sides were active for %v: %+v", double, recording.Overlaps())
	}
	say(t, "fault: %-5s side's agent %-16s %-18s to %-8s converged after %5.1f s, double-active %.2f s",
		word, c.fault.name, c.phase.name, c.to, took.Seconds(), double.Seconds())
	return took
}

// switchUnderFault fails over while a fault strikes in a phase, and waits until
// both sides are as the commit says. It writes the timeline, also when they never are.
func (p *wholePage) switchUnderFault(t *testing.T, c combination, strike func() (mend func())) (r *observer.Recording) {
	t.Helper()
	w := &witness{title: "Story 4: " + c.String()}
	w.Observer = observer.Watch(w.title, lookEvery, p.xivoTracks()...)
	defer func() {
		r = w.End()
		writeTimeline(t, r)
	}()
	mend := func() {}
	strikes := func() {
		mend = strike()
		w.Mark("struck: " + c.fault.name)
	}
	if c.phase.reached == nil {
		strikes()
	}
	w.Mark("commit: active: " + c.to)
	commit := p.declare(c.to)
	if c.phase.reached != nil {
		eventually(t, c.phase.name, func() bool { return c.phase.reached(p, c.to) })
		strikes()
	}
	mend()
	w.Mark("mended")
	p.nudge()
	p.pairServes(c.to, commit)
	return r
}

// pairServes waits until both XiVO are as a commit says, and nothing else runs.
func (p *wholePage) pairServes(side, commit string) {
	p.t.Helper()
	p.awaitApplied("xivo-"+side, "Active", commit)
	p.awaitApplied("xivo-"+other(side), "Inactive", commit)
	for _, service := range []string{"asterisk", "monit"} {
		if !p.nodes["xivo-"+side].Runs(service+".service") || p.nodes["xivo-"+other(side)].Runs(service+".service") {
			p.t.Errorf("%s does not run on %s alone", service, side)
		}
	}
}
