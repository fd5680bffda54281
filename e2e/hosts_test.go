//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/e2e/hosts"
)

func TestTwoHostsWithAsteriskStopOnlyTheirOwn(t *testing.T) {
	network := hosts.NewNetwork(t)
	var pair []*hosts.Host
	timed(t, "two hosts with systemd and Asterisk", func() {
		pair = hosts.StartAll(t,
			hosts.Spec{Name: "one", Image: hosts.Node, Network: network},
			hosts.Spec{Name: "two", Image: hosts.Node, Network: network})
	})
	for _, host := range pair {
		if host.Runs("asterisk.service") {
			t.Errorf("%s started Asterisk before anybody asked for it", host.Name())
		}
		host.Put(t, "/etc/asterisk/pjsip.conf", transport)
		timed(t, "start Asterisk on "+host.Name(), func() { host.Must(t, "systemctl", "start", "asterisk") })
	}
	for _, host := range pair {
		eventually(t, host.Name()+" answers SIP", func() bool {
			return strings.HasPrefix(sipOptions(t, host.IP()), "SIP/2.0 ")
		})
	}
	timed(t, "stop Asterisk on one", func() { pair[0].Must(t, "systemctl", "stop", "asterisk") })
	if pair[0].Runs("asterisk.service") {
		t.Error("the stopped Asterisk still has processes")
	}
	if got := pair[1].Must(t, "systemctl", "is-active", "asterisk"); got != "active" {
		t.Errorf("the other host's Asterisk is %s", got)
	}
	if got := sipOptions(t, pair[1].IP()); !strings.HasPrefix(got, "SIP/2.0 ") {
		t.Errorf("the other host answers %q to SIP", got)
	}
	if a, b := pair[0].Must(t, "cat", "/etc/machine-id"), pair[1].Must(t, "cat", "/etc/machine-id"); a == b {
		t.Errorf("both hosts have the machine id %s", a)
	}
}

func TestAHostsStateDiskIsFilledAndFreed(t *testing.T) {
	host := hosts.Start(t, hosts.Spec{Name: "full", Image: hosts.Bookworm, Network: hosts.NewNetwork(t)})
	write := []string{"sh", "-c", "head -c 4096 /dev/zero >" + hosts.StateFolder + "/state"}
	if err := host.FillDisk(); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Exec(t.Context(), write...); err == nil || !strings.Contains(err.Error(), "No space left") {
		t.Errorf("writing to a full disk: %v", err)
	}
	host.Must(t, "sh", "-c", "echo room >/etc/elsewhere")
	if err := host.FreeDisk(); err != nil {
		t.Fatal(err)
	}
	host.Must(t, write...)
}

func TestASlowLinkDelaysAndALossyOneLoses(t *testing.T) {
	host := hosts.Start(t, hosts.Spec{Name: "far", Image: hosts.Bookworm, Network: hosts.NewNetwork(t)})
	host.Must(t, "systemctl", "start", "nginx")
	address := host.IP() + ":80"
	host.Netem(t, hosts.Link{Delay: 100 * time.Millisecond})
	began := time.Now()
	if !reaches(address) {
		t.Fatal("a slow link lost the connection")
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("a round trip over two delays of 100 ms took %v", took)
	}
	host.Netem(t, hosts.Link{Loss: 1})
	if reaches(address) {
		t.Error("a link that loses everything made a connection")
	}
	host.ClearNetem(t)
	if !reaches(address) {
		t.Error("the link stayed bad")
	}
}

func TestAGitHostServesHTTPAndSSHAndProtectsMain(t *testing.T) {
	var git *hosts.GitHost
	timed(t, "a git host", func() { git = hosts.StartGit(t, hosts.NewNetwork(t), "git") })
	work := filepath.Join(t.TempDir(), "work")
	gitserver.Git(t, "", "clone", "--quiet", git.HTTP, work)
	gitserver.Git(t, work, "commit", "--quiet", "--allow-empty", "-m", "first")
	timed(t, "push over HTTP", func() { gitserver.Git(t, work, "push", "--quiet", "origin", "HEAD:main") })

	ssh := sshCommand(git.KeyFile, git.KnownHosts)
	gitserver.Git(t, work, "commit", "--quiet", "--allow-empty", "-m", "second")
	timed(t, "push over SSH", func() {
		if out, err := gitOverSSH(t, work, ssh, "push", "--quiet", git.SSH, "HEAD:main", "HEAD:refs/mainstay/x/claim/y"); err != nil {
			t.Fatalf("push: %v\n%s", err, out)
		}
	})
	head := strings.TrimSpace(gitserver.Git(t, work, "rev-parse", "HEAD"))
	listed := gitserver.Git(t, "", "ls-remote", git.HTTP, "refs/heads/main", "refs/mainstay/*")
	if want := head + "\trefs/heads/main\n" + head + "\trefs/mainstay/x/claim/y\n"; listed != want {
		t.Errorf("listed over HTTP:\n%swant:\n%s", listed, want)
	}
	for _, refspec := range []string{"+HEAD~1:main", ":main"} {
		if out, err := gitOverSSH(t, work, ssh, "push", git.SSH, refspec); err == nil {
			t.Errorf("push %s was accepted: %s", refspec, out)
		}
	}
	if now := gitserver.Git(t, "", "ls-remote", git.HTTP, "refs/heads/main"); now != head+"\trefs/heads/main\n" {
		t.Errorf("after refused pushes main is %q, want %s", now, head)
	}
}

func TestAnInstalledAgentRunsAndComesBackWithItsHost(t *testing.T) {
	host := hosts.Start(t, hosts.Spec{Name: "node", Image: hosts.Node, Network: hosts.NewNetwork(t)})
	standIn := filepath.Join(t.TempDir(), "mainstay")
	if err := os.WriteFile(standIn, []byte("#!/bin/sh\ncp \"$3\" /run/mainstay/seen\nexec sleep infinity\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	host.InstallAgent(t, standIn, map[string]string{"/etc/mainstay/agent.yaml": "node: node\n"})
	seen := func() bool {
		got, err := host.Exec(t.Context(), "cat", "/run/mainstay/seen")
		return err == nil && got == "node: node"
	}
	eventually(t, "the agent read its file", seen)
	host.Kill(t)
	host.Boot(t)
	eventually(t, "the agent came back with the host", seen)
	if !host.Runs(hosts.AgentUnit) {
		t.Error("the agent has no process")
	}
}
