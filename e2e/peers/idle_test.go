//go:build e2e

package peers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// idleFor is how long everything is left alone to see what it needs.
const idleFor = 2 * time.Minute

// An idleGroup is the units of one host that belong to a way.
type idleGroup struct {
	name  string
	units []string
}

var idleGroups = []idleGroup{
	{"mainstay, claims in git, poll 5 s", []string{agentOf("told-git")}},
	{"mainstay, claims on etcd, poll 5 s", []string{agentOf("told-etcd")}},
	{"etcd, one member of three", []string{"members.service"}},
	{"Pacemaker and Corosync, two resources", []string{"pacemaker.service", "corosync.service"}},
	{"keepalived", []string{"keepalived.service"}},
	{"shell loop", []string{"loop.service"}},
}

// An idle is what a group needed on one host.
type idle struct {
	name      string
	processor time.Duration // of one hour, its children's with it
	resident  int           // kB, of all its processes
}

// idles leaves everything alone and reads what it used meanwhile on the side that is
// active now.
func (p *pair) idles(groups []idleGroup) []idle {
	p.t.Helper()
	p.quiet(10 * time.Second)
	side := "main"
	before, began := make([]time.Duration, len(groups)), time.Now()
	for i, g := range groups {
		before[i], _ = p.used(side, g.units)
	}
	p.quiet(idleFor)
	took := time.Since(began)
	var all []idle
	for i, g := range groups {
		after, resident := p.used(side, g.units)
		hour := time.Duration(float64(after-before[i]) * float64(time.Hour) / float64(took))
		all = append(all, idle{g.name, hour, resident})
	}
	return all
}

// used is what the processes of units used of the processors so far, with the children that
// ended, and their resident memory in kB.
func (p *pair) used(side string, units []string) (processor time.Duration, resident int) {
	p.t.Helper()
	for _, unit := range units {
		pids, err := p.hosts[side].Processes(unit)
		if err != nil || len(pids) == 0 {
			p.t.Fatalf("%s on %s has the processes %d: %v", unit, side, pids, err)
		}
		for _, pid := range pids {
			time, kb, err := processUse(pid)
			if err != nil {
				continue // a child that has just ended is its parent's
			}
			processor, resident = processor+time, resident+kb
		}
	}
	return processor, resident
}

// tick is the unit of times in /proc/PID/stat.
const tick = time.Second / 100

func processUse(pid int) (processor time.Duration, resident int, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before may hold spaces
	const first, last = 14 - 3, 17 - 3            // utime, stime, cutime, cstime
	fields := strings.Fields(rest)
	for i := first; i <= last; i++ {
		ticks, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, 0, err
		}
		processor += time.Duration(ticks) * tick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	resident, err = strconv.Atoi(strings.Fields(after)[0])
	return processor, resident, err
}

// load is how busy the machine was in the last minute.
func load(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))[0]
}
