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
	w := p.watch(t, "Story 1: failover and failback")
	for _, side := range []string{"standby", "main"} {
		w.Mark("commit: active: " + side)
		commit := p.switchTo(side, true)
		p.converged(side, commit)
		w.Mark(side + " serves, all nodes converged")
		p.wantAll(t, side)
	}
	r := w.end(t, 0)
	p.wantOrder(t, r, "standby", r.Marks[0].At)
	p.wantOrder(t, r, "main", r.Marks[2].At)
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
			if got := xivo.Runs(unit); got != want {
				t.Errorf("%s runs on %s: %v", unit, xivo.Name(), got)
			}
		}
		if got := strings.HasPrefix(sipOptions(t, xivo.IP()), "SIP/2.0 "); got != want {
			t.Errorf("%s answers SIP: %v", xivo.Name(), got)
		}
		for _, service := range []string{"xuc", "xucmgt"} {
			if got := containers.Runs(p.projects["cc-"+one].Name, service); got != want {
				t.Errorf("%s runs on cc-%s: %v", service, one, got)
			}
		}
		if got := reaches(p.nodes["cc-"+one].IP() + ":8070"); got != want {
			t.Errorf("xucmgt answers on cc-%s: %v", one, got)
		}
	}
	// nginx answers with its old configuration for a moment after a reload.
	user := p.user(t)
	eventually(t, "the page at "+voiceName+" is that of "+side, func() bool { return pageSide(user) == side })
	p.wantCalls(t, side)
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
		{"asterisk up", "mds1"}, {"xuc up", "edge"}, {"mds1", "edge"},
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
