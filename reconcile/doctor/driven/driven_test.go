package driven

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// notes keeps what was found.
type notes [][3]string

func (n *notes) OK(text string)       { *n = append(*n, [3]string{"ok", text, ""}) }
func (n *notes) Warn(text, do string) { *n = append(*n, [3]string{"warn", text, do}) }
func (n *notes) Fail(text, do string) { *n = append(*n, [3]string{"fail", text, do}) }

// only wants one finding, and these words in it.
func (n notes) only(t *testing.T, name, level, text, do string) {
	t.Helper()
	if len(n) != 1 || n[0][0] != level || !strings.Contains(n[0][1], text) || !strings.Contains(n[0][2], do) {
		t.Errorf("%s: found %q, want %s %q, %q", name, n, level, text, do)
	}
}

// seen is a driver that sees one state.
type seen struct {
	state service.State
	err   error
}

func (s seen) Observe(context.Context) (service.State, error) { return s.state, s.err }

func TestWhatAServiceIsDecidesWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name     string
		seen     seen
		level    string
		text, do string
	}{
		{"as it should be", seen{state: service.State{Run: plan.Stopped, Detail: "it has no container"}}, "ok",
			"app is known here (stopped: it has no container)", ""},
		{"enabled at boot", seen{state: service.State{Run: plan.Running, Enabled: "enabled"}}, "fail",
			"started at boot by something else (enabled)", "systemctl disable app; the agent starts it"},
		{"a stand-in", seen{state: service.State{Run: plan.Running, StandIn: "db.service has no process of its own"}}, "warn",
			"app: db.service has no process of its own", "list the units that run"},
		{"in no known state", seen{state: service.State{Run: plan.RunUnsure, Detail: "two of three run"}}, "fail",
			"in no known state: two of three run", "look at it by hand"},
		{"not there", seen{err: fmt.Errorf("observe: %w", service.ErrNotFound)}, "fail", "not found", "install it, or correct its name"},
		{"masked", seen{err: service.ErrMasked}, "fail", "masked", "unmask it"},
		{"not to be asked", seen{err: service.ErrUnavailable}, "fail", "unavailable", "may this user talk to it?"},
		{"odd", seen{err: service.ErrRefused}, "fail", "refused", "may the agent see it?"},
	} {
		var found notes
		(&examiner{Found: &found}).service(t.Context(), "app", c.seen, "systemctl disable app")
		found.only(t, c.name, c.level, c.text, c.do)
	}
}

// What else gives the machine the address at boot would do so before anybody decided.
func TestAFileThatGivesTheAddressAtBootIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"etc/network/interfaces":                   {"iface eth0:1 inet static\n  address 10.20.0.10/24\n", true},
		"etc/network/interfaces.d/vip":             {"up ip addr add 10.20.0.10/32 dev eth0\n", true},
		"etc/netplan/01.yaml":                      {"addresses: [10.20.0.11/24, 10.20.0.10/24]\n", true},
		"etc/systemd/network/a.network":            {"[Network]\nAddress=10.20.0.10/24\n", true},
		"etc/keepalived/keepalived.conf":           {"virtual_ipaddress {\n 10.20.0.10/24 dev eth0\n}\n", true},
		"etc/network/interfaces.d/comment":         {"# address 10.20.0.10\naddress 10.20.0.101/24\n", false},
		"etc/hosts":                                {"10.20.0.10 voice\n", false},
		"etc/NetworkManager/system-connections/up": {"address1=10.20.0.1/24,10.20.0.254\n", false},
	} {
		root := t.TempDir()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := configured(root, "10.20.0.10"); (got == file) != c.want {
			t.Errorf("%s: found %q", name, got)
		}
	}
}
