//go:build e2e

package peers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// table is what was measured, as examples/MEASURED.md has it.
type table struct {
	rounds          int
	began, ended    time.Time
	load, loadAfter string
	ways            []*measured
	floor           []time.Duration // systemd alone, one host
	restarted       []time.Duration // killed under systemd's own Restart=always
	idle            []idle
}

// heading begins the section that is written anew each time.
const heading = "## Beside other tools"

func (t table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nTaken by `make bench-peers` on %s UTC, load %s before and %s after: %s.\n"+
		"One trivial unit for each way, moved in turn between the same two hosts with systemd 252, %d rounds; git over HTTP and the third\n"+
		"member of etcd on a third host. From the command, or the begin of the push, until systemd says that the unit is active on\n"+
		"the other side; in seconds, by one clock. Pacemaker has no fencing here, and asks no third place; mainstay waits until the other side is ready,\n"+
		"sees the unit down, and wins the claim in git or on a majority of etcd before anything starts.\n\n", heading, t.began.UTC().Format("2006-01-02, 15:04"), t.load, t.loadAfter, machine(), t.rounds)
	b.WriteString("| way | active, median | half of them | least to most | nobody serves, median | both served |\n|---|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| systemd alone: `systemctl stop`, then `start`, on one host | %s | | |\n", figures(t.floor))
	for _, m := range t.ways {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.name, figures(actives(m.moves)), seconds(middle(gaps(m.moves))), both(m.moves))
	}
	b.WriteString("\n" + t.ratios() + "\n| a unit is killed, and active again after | median | half of them | least to most | n |\n|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| systemd itself, `Restart=always`, `RestartSec=0` | %s | %d |\n", figures(t.restarted), len(t.restarted))
	for _, m := range t.ways {
		if len(m.heals) > 0 {
			fmt.Fprintf(&b, "| %s | %s | %d |\n", m.name, figures(m.heals), len(m.heals))
		}
	}
	fmt.Fprintf(&b, "\nWhat each needs on a host where nothing happens, seen for %s right after, with all the others beside it:\n\n"+
		"| | processor, s in an hour | resident, MB |\n|---|---|---|\n", idleFor)
	for _, i := range t.idle {
		fmt.Fprintf(&b, "| %s | %.1f | %.1f |\n", i.name, i.processor.Seconds(), float64(i.resident)/1024)
	}
	return b.String() + "\n"
}

// ratios compares with Pacemaker round by round: what disturbed a round disturbed both.
func (t table) ratios() string {
	var cluster *measured
	for _, m := range t.ways {
		if strings.HasPrefix(m.name, "Pacemaker, OCF") {
			cluster = m
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Beside %s, round by round, median:\n\n", cluster.name)
	for _, m := range t.ways {
		if m == cluster {
			continue
		}
		var whole, gap []float64
		for i, s := range m.moves {
			whole = append(whole, s.active.Seconds()/cluster.moves[i].active.Seconds())
			gap = append(gap, s.gap().Seconds()/cluster.moves[i].gap().Seconds())
		}
		fmt.Fprintf(&b, "- %s: %.2f times as long until it is active, and nobody serves %.2f times as long\n", m.name, middle(whole), middle(gap))
	}
	return b.String()
}

// machine is what it was measured on.
func machine() string {
	cores, name := 0, ""
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if field, value, _ := strings.Cut(line, ":"); strings.HasPrefix(field, "model name") {
			cores, name = cores+1, strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d cores of %s", cores, strings.ReplaceAll(name, "|", " "))
}

// figures are the median, the middle half, and the least and the most.
func figures(all []time.Duration) string {
	s := slices.Sorted(slices.Values(all))
	n := len(s)
	return fmt.Sprintf("**%s** | %s to %s | %s to %s", seconds(middle(s)), seconds(s[n/4]), seconds(s[n-1-n/4]), seconds(s[0]), seconds(s[n-1]))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func middle[T time.Duration | float64](all []T) T {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}

func actives(all []switched) []time.Duration {
	var out []time.Duration
	for _, s := range all {
		out = append(out, s.active)
	}
	return out
}

func gaps(all []switched) []time.Duration {
	var out []time.Duration
	for _, s := range all {
		out = append(out, s.gap())
	}
	return out
}

// both says in how many moves two served, and for how long at most.
func both(all []switched) string {
	times, most := 0, time.Duration(0)
	for _, s := range all {
		if s.gap() < 0 {
			times, most = times+1, max(most, -s.gap())
		}
	}
	if times == 0 {
		return "never"
	}
	return fmt.Sprintf("in %d of %d, up to %s", times, len(all), seconds(most))
}

// label makes a name one word.
func label(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name), "-")
}

// writeInto puts the section into a file in place of the one it has, or at its end.
func writeInto(t testing.TB, file, section string) {
	t.Helper()
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(old), heading+"\n")
	after := ""
	if _, next, more := strings.Cut(rest, "\n## "); found && more {
		after = "## " + next
	}
	if !found {
		before += "\n"
	}
	if err := os.WriteFile(file, []byte(strings.TrimRight(before+section+after, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
