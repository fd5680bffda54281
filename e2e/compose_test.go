//go:build e2e

package e2e

import (
	"testing"

	"mainstay/e2e/hosts"
)

func TestAComposeProjectOnTheMachineComesUp(t *testing.T) {
	project := hosts.NewProject(t, hosts.NewNetwork(t), "cc",
		hosts.Service{Name: "db", Port: 8091, Text: "db"},
		hosts.Service{Name: "xuc", Port: 8090, Text: "xuc of the machine", After: []string{"db"}, Check: true})
	timed(t, "compose up", func() { project.Compose(t, "up", "-d") })
	containers := project.Containers(t, "xuc")
	if len(containers) != 1 {
		t.Fatalf("xuc has containers %q", containers)
	}
	url := "http://" + hosts.Address(t, containers[0]) + ":8090/"
	eventually(t, "xuc answers", func() bool { return page(url) == "xuc of the machine" })
	timed(t, "compose stop", func() { project.Compose(t, "stop") })
	if left := project.Containers(t, "xuc"); len(left) != 0 {
		t.Errorf("stopped, but %q run", left)
	}
}

func TestAComposeProjectOnAHostSharesItsNetworkAndItsFate(t *testing.T) {
	network := hosts.NewNetwork(t)
	cc := hosts.Start(t, hosts.Spec{Name: "cc-main", Image: hosts.Node, Network: network, Docker: true})
	project := cc.NewProject(t, "xivocc", hosts.Service{Name: "xuc", Port: 8090, Text: "xuc of cc-main"})
	up := []string{"docker", "compose", "-p", project.Name, "-f", project.File, "up", "-d"}
	timed(t, "compose up on the host", func() { cc.Must(t, up...) })
	url := "http://" + cc.IP() + ":8090/"
	eventually(t, "xuc answers at the host's address", func() bool { return page(url) == "xuc of cc-main" })
	if !connects(t, cc, "127.0.0.1", 8090) {
		t.Error("xuc does not answer on the host's own loopback")
	}
	cc.Cut(t)
	if page(url) == "xuc of cc-main" {
		t.Error("xuc is reached though its host is cut off")
	}
	cc.Join(t)
	cc.Freeze(t)
	if page(url) == "xuc of cc-main" {
		t.Error("xuc answers though its host is frozen")
	}
	cc.Thaw(t)
	eventually(t, "xuc answers after the thaw", func() bool { return page(url) == "xuc of cc-main" })
	cc.Kill(t)
	if left := project.Containers(t, "xuc"); len(left) != 0 {
		t.Errorf("the host is dead, its containers %q are not", left)
	}
	cc.Boot(t)
	cc.Must(t, up...)
	eventually(t, "xuc answers after the boot", func() bool { return page(url) == "xuc of cc-main" })
}
