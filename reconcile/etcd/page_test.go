//go:build e2e

package etcd_test

import (
	"strings"
	"testing"

	"mainstay/e2e/etcdserver"
)

// followers adds a contact centre that follows the two sides.
var followers = strings.Replace(twoSides, "roles:\n", `  cc-main: { role: cc, side: main, address: 127.0.0.1 }
  cc-standby: { role: cc, side: standby, address: 127.0.0.1 }
roles:
  cc:
    exclusive: true
    follows: xivo
    services:
      - { name: pbx, process: { command: [sleep, "86400"] }, stopTimeout: 5s }
`, 1)

// Two roles, of which one follows the other, switch over and back by claims on three
// members, the leader of which is killed in the middle of each switch. At no moment both
// sides of a role serve, and the contact centre comes after the side it follows.
func TestARoleAndItsFollowerSwitchOnEtcdWhoseLeaderDiesInTheMiddle(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	s.document = followers
	s.declare("main")
	s.begin()
	cc := map[string]*agent{"main": s.agentOf("cc-main"), "standby": s.agentOf("cc-standby")}
	xivo := map[string]*agent{"main": s.main, "standby": s.standby}
	watched := func(what string, is func() bool) {
		t.Helper()
		s.watchedUntil(what, func() bool {
			if cc["main"].serves() > 0 && cc["standby"].serves() > 0 {
				t.Fatalf("both contact centres serve, before %s", what)
			}
			return is()
		})
	}
	watched("all of main serve", func() bool { return cc["main"].serves() > 0 })
	for _, way := range [][2]string{{"main", "standby"}, {"standby", "main"}} {
		from, to := way[0], way[1]
		s.declare(to)
		watched("the switch has begun", func() bool { return xivo[from].serves() == 0 })
		leader := s.cluster.Leader()
		s.cluster.Kill(leader)
		watched("all of "+to+" serve, and none of "+from, func() bool {
			return xivo[to].serves() > 0 && cc[to].serves() > 0 && xivo[from].serves() == 0 && cc[from].serves() == 0
		})
		s.cluster.Start(leader)
		s.cluster.Ready()
	}
}
