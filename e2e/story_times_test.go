//go:build e2e

package e2e

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// fewestSwitches is how many planned switches are timed at least, half of them
// back. E2E_SWITCHES asks for more.
const fewestSwitches = 4

func switchesMeasured() int {
	n, _ := strconv.Atoi(os.Getenv("E2E_SWITCHES"))
	return max(n, fewestSwitches)
}

// TestTimesOfAPlannedSwitch prints how long each phase of a planned failover and
// failback takes, with agents that are notified of the push and with agents that
// poll as examples/full says. Nothing runs beside it: what is measured waits for
// processors too.
func TestTimesOfAPlannedSwitch(t *testing.T) {
	p := newPage(t, 0)
	p.converged("main", p.head())
	for _, way := range []string{"notified", "polled"} {
		t.Run(way, func(t *testing.T) {
			p.t = t
			p.timesOf(t, way)
		})
		p.t = t
	}
}

func (p *wholePage) timesOf(t *testing.T, way string) {
	w := p.watch(t, "Times of planned switches, "+way)
	user, all := p.user(t), map[string][]time.Duration{}
	side := func(i int) string { return []string{"standby", "main"}[i%2] }
	for i := range switchesMeasured() {
		w.Mark("commit: active: " + side(i))
		p.converged(side(i), p.switchTo(side(i), way == "notified"))
		eventually(t, "the page is that of "+side(i), func() bool { return pageSide(user) == side(i) })
	}
	r := w.end(t, 0)
	for i, mark := range r.Marks {
		for name, took := range p.phases(r, side(i), mark.At) {
			for _, what := range []string{way + ": " + name, way + ", to " + side(i) + ": " + name} {
				all[what] = append(all[what], took)
			}
		}
	}
	for _, which := range []string{": ", ", to standby: ", ", to main: "} {
		for _, name := range []string{"asterisk down", "asterisk up", "xuc down", "xuc up", "mds1", "edge", "page"} {
			printTimes(t, way+which+name, all[way+which+name])
		}
	}
}

// printTimes prints the median of enough times; each way alone has fewer than
// both together.
func printTimes(t *testing.T, what string, all []time.Duration) {
	t.Helper()
	if len(all) < switchesMeasured()/2 {
		t.Errorf("%s was seen in %d of %d switches", what, len(all), switchesMeasured())
	}
	if len(all) < fewestSwitches {
		return
	}
	slices.Sort(all)
	say(t, "%-38s n %d  median %5.2f s  best %5.2f s  worst %5.2f s after the push began", what, len(all),
		all[len(all)/2].Seconds(), all[0].Seconds(), all[len(all)-1].Seconds())
}
