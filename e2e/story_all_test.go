//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// story is one course of events on a deployment where main serves, and after
// which it does again.
type story struct {
	name string
	play func(*testing.T, *wholePage)
}

// The stories of switches, and of commits that must change nothing. Any of them can
// be run alone.
func TestStoriesOfThePage(t *testing.T) {
	t.Parallel() // with the others, on hosts of their own: all wait most of the time
	play(t, []story{
		{"1 the page fails over and back", failsOverAndBackOnThePage},
		{"7 the button of the web page fails over and back", failsOverAndBackByTheButton},
		{"5 bad commits", badCommitsChangeNothing},
		{"6 replication follows the claim", replicationFollowsTheClaim},
	})
}

// The stories of calls that outlive everything, and of a lease.
func TestStoriesOfACall(t *testing.T) {
	t.Parallel()
	play(t, []story{
		{"3 git is away and the agent is upgraded during a call", gitIsAwayDuringACall},
		{"2 main is cut off under a lease", mainIsCutOffUnderALease},
	})
}

// The stories of a side that is lost, and of git that goes away in a switch.
func TestStoriesOfALostSide(t *testing.T) {
	t.Parallel()
	play(t, []story{
		{"2 main is lost, its end is presumed", mainIsLostAndPresumed},
		{"2 main is lost and fenced", mainIsLostAndFenced},
		{"2 main is lost, standby holds until a person decides", mainIsLostAndHeld},
		{"2 main is lost under a lease", mainIsLostUnderALease},
		{"2 main and git burn down", mainAndGitBurnDown},
		{"3 git goes away before the release", gitGoesAwayBeforeTheRelease},
	})
}

// The stories of links that are cut or bad.
func TestStoriesOfCutLinks(t *testing.T) {
	t.Parallel()
	play(t, []story{
		{"3 main without git", mainWithoutGit},
		{"3 main without git's answers", mainWithoutAnswers},
		{"3 main is cut off from everybody", mainIsCutOff},
		{"3 standby without git", standbyWithoutGit},
		{"3 edge without git", edgeWithoutGit},
	})
}

// The stories of links between sides, and of bad ones.
func TestStoriesOfBadLinks(t *testing.T) {
	t.Parallel()
	play(t, []story{
		{"3 the two XiVO do not hear each other", xivoPartedFromEachOther},
		{"3 git goes away after the release", gitGoesAwayAfterTheRelease},
		{"3 git goes away after the claim", gitGoesAwayAfterTheClaim},
		{"3 slow and lossy links", slowAndLossyLinks},
		{"3 loss one way", lossOneWay},
	})
}

// The stories of a deployment whose claims and reports are on etcd, and of its members.
func TestStoriesOnEtcd(t *testing.T) {
	t.Parallel()
	playOn(t, newPage(t, 3), []story{
		{"8 a member of etcd loses its power in the switch", losesAMemberInTheSwitch},
		{"8 the leader of etcd is killed in the switch", losesTheLeaderInTheSwitch},
	})
}

// play makes a deployment and lets one story after the other happen to it.
func play(t *testing.T, stories []story) {
	t.Helper()
	playOn(t, newPage(t, 0), stories)
}

func playOn(t *testing.T, p *wholePage, stories []story) {
	t.Helper()
	timed(t, "main is up", func() { p.converged("main", p.head()) })
	p.wantAll(t, "main")
	for _, s := range stories {
		ok := t.Run(s.name, func(t *testing.T) {
			p.t = t
			began := time.Now()
			defer p.overwritesNothing(t)()
			p.awaitCopy(t, "standby")
			s.play(t, p)
			if commit := p.head(); !p.isMain(commit) {
				p.converged("main", p.declare("main"))
			}
			say(t, "story %-56s %7.1f s", s.name, time.Since(began).Seconds())
		})
		p.t = t
		if !ok {
			p.recover(t)
		}
	}
}

// isMain reports whether the deployment is as every story should find it.
func (p *wholePage) isMain(commit string) bool {
	for _, node := range voiceNodes {
		want := "Active"
		if strings.HasSuffix(node, "-standby") {
			want = "Inactive"
		}
		if r := p.status(node); r.Status != want || r.Applied != commit {
			return false
		}
	}
	return !strings.Contains(p.current(), "\nfenced:")
}

// recover makes what a failed story left usable for the next one.
func (p *wholePage) recover(t *testing.T) {
	t.Helper()
	p.git.Join(t)
	if p.etcd != nil {
		p.bootMembers(t)
	}
	for _, host := range p.nodes {
		if !host.Up() {
			host.Boot(t)
		}
		host.Join(t)
		for _, peer := range p.nodes {
			host.Unblock(t, peer.IP())
		}
		host.Unblock(t, p.git.IP())
		p.git.Unblock(t, host.IP())
		host.ClearNetem(t)
	}
	p.git.ClearNetem(t)
	p.converged("main", p.declare("main"))
}
