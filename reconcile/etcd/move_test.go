//go:build e2e

package etcd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
