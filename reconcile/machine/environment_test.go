package machine

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/reconcile/probe"
	"mainstay/reconcile/run"
	"mainstay/reconcile/task"
	"mainstay/spec"
)

// R7: a command that could speak to the watchdog in the agent's name would hide
// that the agent hangs.
func TestNoCommandGetsTheAgentsVoice(t *testing.T) {
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"} {
		t.Setenv(name, "the agent's own")
	}
	kept := filepath.Join(t.TempDir(), "kept")
	argv := []string{"sh", "-c", `env | grep -c -e '^NOTIFY_' -e '^WATCHDOG_' -e '^LISTEN_' > "$1"; true`, "sh", kept}
	ask, err := probe.New(spec.Probe{Command: argv})
	if err != nil {
		t.Fatal(err)
	}
	node := &Parts{file: &spec.AgentFile{SelfFence: argv}, log: slog.New(slog.DiscardHandler)}
	for name, runs := range map[string]func() error{
		"a probe":      func() error { return ask(t.Context()) },
		"a task":       func() error { _, err := task.Exec{}.Run(t.Context(), argv); return err },
		"a driver":     func() error { _, err := run.Command(t.Context(), argv); return err },
		"a self-fence": func() error { node.fence("a stop was not seen"); return nil },
	} {
		if err := runs(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := os.ReadFile(kept)
		if err != nil || strings.TrimSpace(string(got)) != "0" {
			t.Errorf("%s was given %s of the agent's variables, %v", name, got, err)
		}
		_ = os.Remove(kept)
	}
}
