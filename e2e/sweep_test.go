//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"mainstay/e2e/hosts"
)

func TestNothingOfAHostIsLeftAfterItsTest(t *testing.T) {
	var name, machine string
	t.Run("inner", func(t *testing.T) {
		network := hosts.NewNetwork(t)
		host := hosts.Start(t, hosts.Spec{Name: "brief", Image: hosts.Bookworm, Network: network})
		host.Cut(t)
		host.Freeze(t)
		name, machine = host.Container(), network.Machine()
		if there, err := hosts.Leftovers(t.Context(), name); err != nil || len(there) == 0 {
			t.Errorf("while it lives there is %q of it, %v", there, err)
		}
	})
	wantNothing(t, name)
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if strings.HasPrefix(i.String(), machine+"/") {
			t.Errorf("the network's bridge is still there with %s", i)
		}
	}
}

func wantNothing(t *testing.T, begin string) {
	t.Helper()
	left, err := hosts.Leftovers(t.Context(), begin)
	if err != nil || len(left) > 0 {
		t.Errorf("left of %s: %q, %v", begin, left, err)
	}
}

// abandon makes a second copy of this test program be the run that is killed.
const abandon = "MAINSTAY_E2E_ABANDON"

// leaveAHostBehind makes all there is to leave, says so and waits for its end.
func leaveAHostBehind(t *testing.T) {
	network := hosts.NewNetwork(t)
	cc := hosts.Start(t, hosts.Spec{Name: "left", Image: hosts.Node, Network: network, Docker: true})
	project := cc.NewProject(t, "cc", hosts.Service{Name: "xuc", Port: 8090, Text: "left"})
	cc.Must(t, "docker", "compose", "-p", project.Name, "-f", project.File, "up", "-d")
	cc.Cut(t)
	cc.Freeze(t)
	engine := hosts.StartEngine(t)
	port := freePort(t)
	engine.NewProject(t, "own", hosts.Service{Name: "xuc", Port: port, Text: "left"}).Compose(t, "up", "-d")
	fmt.Println("abandoned", hosts.Run(), port)
	<-t.Context().Done()
}

func TestWhatAKilledRunLeftIsSweptByTheNext(t *testing.T) {
	if os.Getenv(abandon) != "" {
		leaveAHostBehind(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), abandon+"=1")
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said, found := "", false
	for lines := bufio.NewScanner(stdout); !found && lines.Scan(); {
		said, found = strings.CutPrefix(lines.Text(), "abandoned ")
	}
	run, port, _ := strings.Cut(said, " ")
	child.Process.Kill()
	child.Wait()
	if there, err := hosts.Leftovers(t.Context(), run+"-"); !found || err != nil || len(there) == 0 {
		t.Fatalf("the killed run %q left %q, %v", run, there, err)
	}
	timed(t, "sweep", func() {
		if err := hosts.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if got := page("http://127.0.0.1:" + port + "/"); got == "left" {
		t.Error("the container of a swept engine still answers")
	}
	wantNothing(t, run+"-")
}
