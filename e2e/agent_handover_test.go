//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// One deployment of real hosts lives through what an operator does with it. The
// parts follow on each other, and each ends with main serving.
func TestADeploymentOfRealHosts(t *testing.T) {
	s := newVoice(t)
	s.startAgents()
	if !t.Run("comes up on the declared side", func(t *testing.T) { comesUp(t, s.in(t)) }) {
		return
	}
	if !t.Run("fails over and back by commits", func(t *testing.T) { failsOverAndBack(t, s.in(t)) }) {
		return
	}
	t.Run("a killed service is started again at once", func(t *testing.T) { healsInPlace(t, s.in(t)) })
	t.Run("an invalid nginx configuration changes nothing", func(t *testing.T) { refusesAConfiguration(t, s.in(t)) })
	t.Run("a container in a restart loop is called failed", func(t *testing.T) { endsARestartLoop(t, s.in(t)) })
}

func comesUp(t *testing.T, s *site) {
	timed(t, "all nodes converge", func() {
		for _, node := range voiceNodes {
			want := "Active"
			if strings.HasSuffix(node, "-standby") {
				want = "Inactive"
			}
			s.awaitStatus(node, want)
		}
	})
	s.wantServing(t, "main")
}

// wantServing looks from outside: units and ports of one side serve, those of the
// other do not, and the shared nodes point there.
func (s *site) wantServing(t *testing.T, side string) {
	t.Helper()
	for _, one := range []string{"main", "standby"} {
		xivo, cc, want := s.nodes["xivo-"+one], s.nodes["cc-"+one], one == side
		for _, unit := range []string{"asterisk.service", "monit.service"} {
			if got := xivo.Runs(unit); got != want {
				t.Errorf("%s runs on %s: %v", unit, xivo.Name(), got)
			}
		}
		if got := strings.HasPrefix(sipOptions(t, xivo.IP()), "SIP/2.0 "); got != want {
			t.Errorf("%s answers SIP: %v", xivo.Name(), got)
		}
		if got := reaches(cc.IP() + ":8090"); got != want {
			t.Errorf("xuc answers on %s: %v", cc.Name(), got)
		}
	}
	// A reload of nginx has taken effect only some time after it returned.
	eventually(t, "edge leads to "+side, func() bool { return page("http://"+s.nodes["edge"].IP()+"/") == "xuc on "+side })
	contact := "sip:" + s.nodes["xivo-"+side].IP() + ":5060"
	if got := s.nodes["mds1"].Must(t, "asterisk", "-rx", "pjsip show aor xivo"); !strings.Contains(got, contact) {
		t.Errorf("the media server's Asterisk does not know %s: %s", contact, got)
	}
}

// failover commits a side and waits until every node is as that commit says.
func (s *site) failover(from, to string) {
	s.t.Helper()
	began := time.Now()
	commit := s.edit("active: "+from, "active: "+to)
	s.awaitApplied("xivo-"+to, "Active", commit)
	s.t.Logf("%-44s %7.2f s", "from the push, xivo-"+to+" is Active after", time.Since(began).Seconds())
	s.awaitApplied("xivo-"+from, "Inactive", commit)
	s.awaitApplied("cc-"+from, "Inactive", commit)
	s.awaitApplied("cc-"+to, "Active", commit)
	for _, shared := range []string{"mds1", "edge"} {
		s.awaits(shared, "pointing at "+to, func(r report) bool { return r.Serving == to && r.Applied == commit })
	}
	s.t.Logf("%-44s %7.2f s", "from the push, every node after", time.Since(began).Seconds())
}

// R2, R3 and R4: one side is seen to be down before the other starts.
func failsOverAndBack(t *testing.T, s *site) {
	one, other := s.nodes["xivo-main"], s.nodes["xivo-standby"]
	watches := []func() int64{
		neverBoth(t, "asterisk", func() bool { return one.Runs("asterisk.service") }, func() bool { return other.Runs("asterisk.service") }),
		neverBoth(t, "monit", func() bool { return one.Runs("monit.service") }, func() bool { return other.Runs("monit.service") }),
		neverBoth(t, "xuc", func() bool { return reaches(s.nodes["cc-main"].IP() + ":8090") },
			func() bool { return reaches(s.nodes["cc-standby"].IP() + ":8090") }),
	}
	s.failover("main", "standby")
	s.wantServing(t, "standby")
	s.failover("standby", "main")
	s.wantServing(t, "main")
	for _, end := range watches {
		if n := end(); n < 20 {
			t.Errorf("looked only %d times", n)
		}
	}
	want := []string{"1 main released", "2 none", "3 standby released", "4 none", "5 main released"}
	for _, role := range []string{"xivo", "cc"} {
		if got := s.claims("paris", role); !slices.Equal(got, want) {
			t.Errorf("the claim of %s went through %q", role, got)
		}
	}
}
