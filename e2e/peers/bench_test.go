//go:build e2e

package peers

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		os.Exit(m.Run()) // there is nothing but a benchmark, and its image takes a minute
	}
	os.Exit(hosts.Main(m, hosts.Peers))
}

// A way moves a unit of its own between the two hosts.
type way struct {
	name  string
	unit  string
	order func(to string)
	// after is what it needs once the unit has moved.
	after func()
	// polled ways act at a moment of their own: the order comes at any moment of theirs.
	polled bool
	// heals says that it starts again what was killed.
	heals bool
}

// measured is what a way did in all rounds.
type measured struct {
	way
	moves []switched
	heals []time.Duration
}

// fewest is how many rounds are played; PEERS_ROUNDS asks for more or fewer.
const fewest = 12

func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("PEERS_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return fewest
}

// BenchmarkPeers prints what examples/MEASURED.md has of it, in Markdown, and writes it
// there if PEERS_INTO names that file.
func BenchmarkPeers(b *testing.B) {
	p := newPair(b)
	ways := p.ways()
	for _, w := range ways {
		runs := func(side string) bool { return p.hosts[side].Runs(w.unit) }
		p.eventually(w.name+" starts its unit", func() bool { return runs("main") || runs("standby") })
		if !runs("main") { // a cluster begins where it likes to
			w.order("main")
			p.eventually(w.name+" has its unit on main", func() bool { return runs("main") && !runs("standby") })
			if w.after != nil {
				w.after()
			}
		}
	}
	p.quiet(5 * time.Second)
	t := table{rounds: rounds(), began: time.Now(), load: load(b)}
	for _, w := range ways {
		t.ways = append(t.ways, &measured{way: w})
	}
	for round := range t.rounds {
		to := []string{"standby", "main"}[round%2]
		t.floor = append(t.floor, p.floor())
		for _, m := range t.ways {
			p.play(m, to)
		}
		p.quiet(settles)
		for _, m := range t.ways {
			if m.way.heals {
				m.heals = append(m.heals, p.heals(m.way, to))
			}
		}
		t.restarted = append(t.restarted, p.heals(way{name: "systemd", unit: restartedUnit}, "main"))
	}
	t.ended, t.loadAfter = time.Now(), load(b)
	t.idle = p.idles(idleGroups)
	text := t.markdown()
	fmt.Print(text)
	if file := os.Getenv("PEERS_INTO"); file != "" {
		writeInto(b, file, text)
	}
	for _, m := range t.ways {
		b.ReportMetric(middle(actives(m.moves)).Seconds(), label(m.name)+"-s")
		b.ReportMetric(middle(gaps(m.moves)).Seconds(), label(m.name)+"-nobody-s")
	}
}

// settles is how long a way may need after it moved: a cluster takes it for a failed start, and
// moves back, when a unit dies in the two seconds after it.
const settles = 4 * time.Second

// play moves a way's unit once.
func (p *pair) play(m *measured, to string) {
	p.t.Helper()
	if m.polled {
		p.quiet(rand.N(5 * time.Second))
	}
	m.moves = append(m.moves, p.moves(m.way, to))
	if m.after != nil {
		m.after()
	}
	p.quiet(time.Second)
}

const (
	floorUnit     = "floor.service"
	restartedUnit = "restarted.service"
)

// floor is how long systemd itself takes to stop and start the unit, in one host.
func (p *pair) floor() time.Duration {
	p.t.Helper()
	began := now(p.t)
	p.hosts["main"].Must(p.t, "systemctl", "stop", floorUnit)
	p.hosts["main"].Must(p.t, "systemctl", "start", floorUnit)
	active, _ := p.changed("main", floorUnit)
	return active - began
}

// ways sets all of them up.
func (p *pair) ways() []way {
	p.t.Helper()
	units := []string{"told-etcd", "told-git", "polled-git", "cluster-ocf", "cluster-systemd", "vrrp", "shell"}
	for i, name := range units {
		units[i] = "web-" + name + ".service"
		p.unit(units[i], 8100+i, "")
	}
	p.unit(floorUnit, 8090, "")
	p.unit(restartedUnit, 8091, "Restart=always\nRestartSec=0\n")
	p.hosts["main"].Must(p.t, "systemctl", "start", floorUnit, restartedUnit)
	// systemd forgets when a unit became inactive, unless something that runs names it.
	for _, h := range p.hosts {
		h.Put(p.t, "/etc/systemd/system/measured.target", "[Unit]\nAfter="+strings.Join(units, " ")+"\n")
		h.Must(p.t, "systemctl", "start", "measured.target")
	}
	p.git.Must(p.t, "sh", "-c", `sed -i 's,\^/repo\\.git/,^/[a-z-]+\\.git/,' /etc/nginx/sites-available/default && systemctl reload nginx.service`)
	p.program()
	p.pacemaker()
	coordination := p.etcd()
	return []way{
		{name: "mainstay, told by its hook, claims on etcd", unit: units[0], order: p.agents("told-etcd", units[0], "9471", coordination), heals: true},
		{name: "mainstay, told by its hook, claims in git", unit: units[1], order: p.agents("told-git", units[1], "9472", ""), heals: true},
		{name: "mainstay, polled at 5 s", unit: units[2], order: p.agents("polled-git", units[2], "", ""), polled: true},
		{name: "Pacemaker, OCF agent around systemctl, monitor 1 s", unit: units[3], order: p.resource(units[3], "ocf", "1s"), after: func() { p.stays(units[3]) }, heals: true},
		{name: "Pacemaker, class systemd, monitor 10 s", unit: units[4], order: p.resource(units[4], "systemd", "10s"), after: func() { p.stays(units[4]) }, heals: true},
		{name: "keepalived, advert 1 s, priority changed, notify scripts", unit: units[5], order: p.vrrp(units[5])},
		{name: "shell loop, `git pull` every 5 s", unit: units[6], order: p.shell(units[6]), polled: true, heals: true},
	}
}
