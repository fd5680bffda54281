//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"
)

// switchesMeasured is how many planned switches are timed, half of them back.
const switchesMeasured = 10

// TestTimesOfAPlannedSwitch prints how long each phase of a planned failover and
// failback takes, with agents that are notified of the push and with agents that
// poll as examples/full says.
func TestTimesOfAPlannedSwitch(t *testing.T) {
	p := newPage(t)
	p.converged("main", p.head())
	for _, way := range []string{"notified", "polled"} {
		t.Run(way, func(t *testing.T) {
			p.t = t
			w := p.watch(t, "Times of planned switches, "+way)
			user, all := p.user(t), map[string][]time.Duration{}
			for i := range switchesMeasured {
				side := other([]string{"main", "standby"}[i%2])
				w.Mark("commit: active: " + side)
				p.converged(side, p.switchTo(side, way == "notified"))
				eventually(t, "the page is that of "+side, func() bool { return pageSide(user) == side })
			}
			r := w.end(t, 0)
			for i, mark := range r.Marks {
				side := other([]string{"main", "standby"}[i%2])
				for name, took := range p.phases(r, side, mark.At) {
					all[name] = append(all[name], took)
				}
			}
			for _, name := range []string{"asterisk down", "asterisk up", "xuc down", "xuc up", "mds1", "edge", "page"} {
				printTimes(t, way+": "+name, all[name])
			}
		})
		p.t = t
	}
}

func printTimes(t *testing.T, what string, all []time.Duration) {
	t.Helper()
	if len(all) < switchesMeasured {
		t.Errorf("%s was seen in %d of %d switches", what, len(all), switchesMeasured)
		return
	}
	slices.Sort(all)
	say(t, "%-28s n %d  median %5.2f s  best %5.2f s  worst %5.2f s after the push began", what, len(all),
		all[len(all)/2].Seconds(), all[0].Seconds(), all[len(all)-1].Seconds())
}
