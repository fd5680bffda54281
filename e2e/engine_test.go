//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"testing"

	"mainstay/e2e/hosts"
)

// freePort is a port of the machine that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestAnEngineOfItsOwnIsStoppedAndKilledUnderItsContainers(t *testing.T) {
	var engine *hosts.Engine
	timed(t, "start an engine", func() { engine = hosts.StartEngine(t) })
	port := freePort(t)
	project := engine.NewProject(t, "own", hosts.Service{Name: "xuc", Port: port, Text: "xuc of an engine"})
	url := fmt.Sprintf("http://127.0.0.1:%d/", port)
	answers := func() bool { return page(url) == "xuc of an engine" }
	project.Compose(t, "up", "-d")
	eventually(t, "xuc answers", answers)

	timed(t, "stop the engine", func() { engine.Stop(t) })
	if answers() {
		t.Error("the container of a stopped engine answers")
	}
	timed(t, "start it again", func() { engine.Start(t) })
	if running := project.Containers(t, "xuc"); len(running) != 0 {
		t.Errorf("%q runs though nobody asked for it", running)
	}
	project.Compose(t, "up", "-d")
	eventually(t, "xuc answers again", answers)

	engine.Kill(t)
	if !answers() {
		t.Error("the container of a killed engine died with it")
	}
	timed(t, "start it after the kill", func() { engine.Start(t) })
}
