//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/observer"
)

// Every cell of the procedure for failing over and back, made true by two
// commits.
func failsOverAndBackOnThePage(t *testing.T, p *wholePage) {
	nothing := func(*witness, string) {}
	p.failOverAndBack(t, "Story 1: failover and failback", nothing, nothing)
	p.wantNoAdvice(t)
}

// failOverAndBack makes the two commits. What is to happen during a switch is called
// after the push, and what is to be seen after it when all nodes converged, both with the
// side that comes up.
func (p *wholePage) failOverAndBack(t *testing.T, title string, during, after func(w *witness, to string)) {
	t.Helper()
	visitor := p.browse(t)
	defer visitor.end()
	visitor.visit(t, "main")
	var c caller
	w := p.watch(t, title, p.keepsCalling(t, &c))
	for _, side := range []string{"standby", "main"} {
		w.Mark("commit: active: " + side)
		commit := p.switchTo(side, true)
		during(w, side)
		p.converged(side, commit)
		w.Mark(side + " serves, all nodes converged")
		p.wantAll(t, side)
		visitor.visit(t, side)
		after(w, side)
	}
	r := w.end(t, 0)
	for _, mark := range r.Marks {
		if side, is := strings.CutPrefix(mark.Text, "commit: active: "); is {
			p.wantOrder(t, r, side, mark.At)
		}
	}
	say(t, "calls to %s all the time: %d went through, %d refused, the longest took %.1f s",
		voiceName, c.through, c.refused, c.longest.Seconds())
}

// wantNoAdvice runs the doctor on every node: nothing is to be mended.
func (p *wholePage) wantNoAdvice(t *testing.T) {
	t.Helper()
	for name, host := range p.nodes {
		out, err := host.Exec(t.Context(), "mainstay", "doctor")
		t.Logf("the doctor on %s says:\n%s", name, out)
		if err != nil {
			t.Errorf("the doctor finds something on %s: %v", name, err)
		}
	}
}

// head is the newest commit of the repository.
func (p *wholePage) head() string {
	p.t.Helper()
	return strings.Fields(gitserver.Git(p.t, "", "ls-remote", p.git.HTTP, "refs/heads/main"))[0]
}

// wantAll looks at every cell from outside: what must run runs, what must be
// down is down, and telephone and page use the side that serves.
func (p *wholePage) wantAll(t *testing.T, side string) {
	t.Helper()
	containers := observer.NewContainers()
	for _, one := range []string{"main", "standby"} {
		xivo, want := p.nodes["xivo-"+one], one == side
		for _, unit := range []string{"asterisk.service", "monit.service"} {
			wants(t, want, unit+" on "+xivo.Name(), func() bool { return xivo.Runs(unit) })
		}
		wants(t, want, "SIP from "+xivo.Name(), func() bool { return strings.HasPrefix(sipOptions(t, xivo.IP()), "SIP/2.0 ") })
		for _, service := range []string{"xuc", "xucmgt"} {
			wants(t, want, service+" on cc-"+one, func() bool { return containers.Runs(p.projects["cc-"+one].Name, service) })
		}
		wants(t, want, "xucmgt of cc-"+one, func() bool { return reaches(p.nodes["cc-"+one].IP() + ":8070") })
	}
	// nginx answers with its old configuration for a moment after a reload.
	user := p.user(t)
	eventually(t, "the page at "+voiceName+" is that of "+side, func() bool { return pageSide(user) == side })
	p.wantCalls(t, side)
}

// wants checks that something is there, for which a busy machine gets time, or
// that it is not, for which it gets none.
func wants(t *testing.T, there bool, what string, is func() bool) {
	t.Helper()
	if there {
		eventually(t, what, is)
	} else if is() {
		t.Errorf("there is %s", what)
	}
}

// phases are the moments of one switch, in the order in which they must come.
func (p *wholePage) phases(r *observer.Recording, to string, from time.Duration) map[string]time.Duration {
	old := other(to)
	moments := map[string]time.Duration{}
	down := func(name, track string) {
		if at, ok := r.Down(track, from); ok {
			moments[name] = at - from
		}
	}
	rises := func(name, track, value string) {
		if at, ok := r.Rise(track, value, from); ok {
			moments[name] = at - from
		}
	}
	down("asterisk down", "asterisk on xivo-"+old)
	rises("asterisk up", "asterisk on xivo-"+to, "")
	down("xuc down", "xuc on cc-"+old)
	rises("xuc up", "xuc on cc-"+to, "")
	rises("mds1", "mds1 points at", to)
	rises("edge", "edge points at", to)
	rises("page", "page at "+voiceName, to)
	return moments
}

// wantOrder checks that a switch went the safe way round: down before up, the
// contact centre after its XiVO, edge last.
func (p *wholePage) wantOrder(t *testing.T, r *observer.Recording, to string, from time.Duration) {
	t.Helper()
	m := p.phases(r, to, from)
	for _, pair := range [][2]string{
		{"asterisk down", "asterisk up"}, {"xuc down", "xuc up"}, {"asterisk up", "xuc up"},
		{"asterisk up", "mds1"}, {"xuc up", "edge"},
	} {
		before, ok := m[pair[0]]
		after, also := m[pair[1]]
		if !ok || !also || after < before {
			t.Errorf("to %s: %s at %v, %s at %v", to, pair[0], before, pair[1], after)
		}
	}
	for _, name := range []string{"asterisk down", "asterisk up", "xuc down", "xuc up", "mds1", "edge", "page"} {
		if at, ok := m[name]; ok {
			say(t, "to %-8s %-14s %6.2f s after the push began", to, name, at.Seconds())
		}
	}
}
