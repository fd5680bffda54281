//go:build e2e

package etcd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
)

// coordinate gives an agent another place of claims, and starts it again.
func (a *agent) coordinate(from, to string) {
	a.t.Helper()
	file := filepath.Join(a.folder, "agent.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		a.t.Fatal(err)
	}
	a.stop()
	text := strings.Replace(string(b), `coordination: { url: "`+from, `coordination: { url: "`+to, 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.start()
}

// R10, R13: a deployment that is given etcd in place of git serves on and starts nobody
// until a person vouches on the node that serves, as examples/etcd says; and back.
func TestAgentsGoOverFromGitToEtcdByAPersonsWordAndBack(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	etcd := s.url
	s.url = s.bare
	s.begin()
	s.handsOver("standby")
	s.handsOver("main")
	pid := s.main.serves()
	for _, way := range [][2]string{{s.bare, etcd}, {etcd, s.bare}} {
		s.main.coordinate(way[0], way[1])
		s.standby.coordinate(way[0], way[1])
		s.watchedUntil("told that the claim is elsewhere", func() bool {
			return strings.Contains(s.main.says(), "CoordinationMoved") && strings.Contains(s.standby.says(), "CoordinationMoved")
		})
		if s.main.serves() != pid || s.standby.serves() > 0 {
			t.Fatalf("main serves as %d, was %d; standby as %d", s.main.serves(), pid, s.standby.serves())
		}
		accept := exec.Command(s.program, "accept", "--claim", "--attest", "standby is down, claims are here from now on", "--socket", filepath.Join(s.main.folder, "s"))
		if out, err := accept.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		s.watchedUntil("at peace again", func() bool { return !strings.Contains(s.main.says()+s.standby.says(), "CoordinationMoved") })
		s.handsOver("standby")
		s.handsOver("main")
		pid = s.main.serves()
	}
}

// carries runs mainstay coordination move on a node, to another place.
func (s *site) carries(a *agent, from, to string) {
	s.t.Helper()
	file := filepath.Join(a.folder, "agent.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	next := filepath.Join(a.folder, "agent-next.yaml")
	text := strings.Replace(string(b), `coordination: { url: "`+from, `coordination: { url: "`+to, 1)
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	out, err := exec.Command(s.program, "coordination", "move", "--from", file, "--to", next).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the claim of xivo counts in ") {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// staysAs watches for a while that a side goes on with the process it had, and alone.
func (s *site) staysAs(a *agent, pid int, what string) {
	s.t.Helper()
	end := time.Now().Add(3 * time.Second)
	s.watchedUntil(what, func() bool {
		if a.serves() != pid {
			s.t.Fatalf("%s: %d serves, was %d: %s", what, a.serves(), pid, a.says())
		}
		return time.Now().After(end)
	})
}

// R13: a running deployment is carried from git to etcd and back. Whoever serves goes on
// with the same process, also when the other side is declared meanwhile, and in whichever
// order the nodes are given the new file.
func TestAgentsAreCarriedFromGitToEtcdAndBack(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	cluster := s.url
	s.url = s.bare
	s.begin()
	s.handsOver("standby")
	s.handsOver("main")
	serves, rests, side := s.main, s.standby, "standby"
	for i, way := range [][2]string{{s.bare, cluster}, {cluster, s.bare}} {
		pid := serves.serves()
		s.carries(serves, way[0], way[1])
		serves.until("told that the claim is elsewhere", func() bool { return strings.Contains(serves.says(), "CoordinationMoved") })
		s.declare(side) // at the worst moment: nobody may act on it
		s.staysAs(serves, pid, "while nobody has the new file")
		first, last := serves, rests
		if i == 1 {
			first, last = rests, serves
		}
		first.coordinate(way[0], way[1])
		s.staysAs(serves, pid, "while one has it")
		last.coordinate(way[0], way[1])
		s.watchedUntil("handed over in the new place", func() bool { return rests.serves() > 0 && serves.serves() == 0 })
		serves, rests = rests, serves
		side = map[string]string{"main": "standby", "standby": "main"}[side]
		s.handsOver(side)
		serves, rests = rests, serves
		side = map[string]string{"main": "standby", "standby": "main"}[side]
	}
}
