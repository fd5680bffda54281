//go:build e2e

package peers

import (
	"os"
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

// used is what units used so far, and their resident memory in kB.
func (p *pair) used(side string, units []string) (processor time.Duration, resident int) {
	p.t.Helper()
	processor, resident, err := p.hosts[side].Use(units...)
	if err != nil {
		p.t.Fatal(err)
	}
	return processor, resident
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
