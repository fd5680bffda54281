//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// The drivers' own tests of real systems are built as programs here and run on
// hosts, because they need a systemd of their own.
const driverBound = 8 * time.Minute

// hostTests builds the tests of one folder below reconcile.
func hostTests(t *testing.T, folder string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "onhost.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "onhost", "-o", program, "mainstay/reconcile/"+folder)
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tests of %s: %v\n%s", folder, err, out)
	}
	return program
}

// runHere runs such a program on the machine itself.
func runHere(t *testing.T, program string, environment ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), driverBound)
	defer cancel()
	run := exec.CommandContext(ctx, program, "-test.run", "OnHost|OnMachine", "-test.v", "-test.timeout", driverBound.String())
	run.Dir = filepath.Dir(program)
	run.Env = append(run.Environ(), environment...)
	out, err := run.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// runThere runs such a program on a host.
func runThere(t *testing.T, host *hosts.Host, program string, environment ...string) {
	t.Helper()
	runSome(t, host, program, "OnHost", environment...)
}

// runSome runs those of its tests whose names match.
func runSome(t *testing.T, host *hosts.Host, program, names string, environment ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), driverBound)
	defer cancel()
	if err := host.Copy(ctx, program, "/root/onhost.test"); err != nil {
		t.Fatal(err)
	}
	argv := append([]string{"env"}, environment...)
	argv = append(argv, "/root/onhost.test", "-test.run", names, "-test.v", "-test.timeout", driverBound.String())
	out, err := host.Exec(ctx, argv...)
	t.Log(out)
	if err != nil {
		t.Error(err)
	}
}

func TestTheSystemdDriverOnRealSystemd(t *testing.T) {
	program := hostTests(t, "service/systemd")
	network := hosts.NewNetwork(t)
	for name, image := range map[string]hosts.Image{"oldest": hosts.Bookworm, "newest": hosts.Node} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := hosts.Start(t, hosts.Spec{Name: name, Image: image, Network: network})
			t.Log(host.Must(t, "systemctl", "--version"))
			runThere(t, host, program)
		})
	}
}

// R2, with a unit that everybody has and that runs nothing itself.
func TestTheSystemdDriverOnDebiansPostgreSQL(t *testing.T) {
	host := hosts.Start(t, hosts.Spec{Name: "db", Image: hosts.Database, Network: hosts.NewNetwork(t)})
	// Where an image is made, no database can be.
	host.Must(t, "sh", "-c", "test -d /etc/postgresql/15/main || pg_createcluster 15 main >&2")
	host.Must(t, "systemctl", "daemon-reload")
	runSome(t, host, hostTests(t, "service/systemd"), "WithDebiansPostgreSQL")
}

func TestTheComposeDriverOnARealEngine(t *testing.T) {
	program := hostTests(t, "service/compose")
	network := hosts.NewNetwork(t)
	project := hosts.NewProject(t, network, "driver", hosts.Service{Name: "web", Port: 8090, Text: "up"})
	content, err := os.ReadFile(project.File)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct{ Image string }
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	image := "MAINSTAY_TEST_IMAGE=" + file.Services["web"].Image
	t.Run("docker-compose", func(t *testing.T) {
		t.Parallel()
		runHere(t, program, image)
	})
	t.Run("plugin", func(t *testing.T) {
		t.Parallel()
		host := hosts.Start(t, hosts.Spec{Name: "cc", Image: hosts.Node, Network: network, Docker: true})
		t.Log(host.Must(t, "docker", "compose", "version"))
		runThere(t, host, program, image)
	})
}

func TestTheProbesOfARealAsteriskAndNginx(t *testing.T) {
	program := hostTests(t, "probe")
	host := hosts.Start(t, hosts.Spec{Name: "voice", Image: hosts.Node, Network: hosts.NewNetwork(t)})
	host.Put(t, "/etc/asterisk/pjsip.conf", transport+"[tcp]\ntype=transport\nprotocol=tcp\nbind=0.0.0.0:5060\n")
	host.Must(t, "systemctl", "start", "asterisk", "nginx")
	eventually(t, "Asterisk answers SIP", func() bool { return strings.HasPrefix(sipOptions(t, host.IP()), "SIP/2.0 ") })
	runHere(t, program, "MAINSTAY_TEST_SIP="+host.IP(), "MAINSTAY_TEST_HTTP=http://"+host.IP()+"/")
}
