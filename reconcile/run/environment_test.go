package run

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
)

func TestWhatSystemdMeantForTheAgentIsLeftOut(t *testing.T) {
	attack.Row(t, "services", "a command speaks to systemd in the agent's name", "its environment has none of that")
	given := []string{"PATH=/bin", "NOTIFY_SOCKET=/run/n", "WATCHDOG_USEC=1", "WATCHDOG_PID=2", "LISTEN_FDS=1", "LISTEN_PID=2",
		"LISTEN_FDNAMES=x", "INVOCATION_ID=a", "JOURNAL_STREAM=8:1", "CREDENTIALS_DIRECTORY=/run/c", "NOTIFY=mine", "HOME=/root"}
	if diff := cmp.Diff([]string{"PATH=/bin", "NOTIFY=mine", "HOME=/root"}, clean(given)); diff != "" {
		t.Error(diff)
	}
}

// R7: a command that is given no environment inherits the agent's, and with it the
// agent's voice towards the watchdog.
func TestEveryCommandIsGivenAnEnvironmentThatWasCleaned(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "gitcmd") {
			return err
		}
		source, err := os.ReadFile(path)
		text := string(source)
		made := strings.Count(text, "exec.Command(") + strings.Count(text, "exec.CommandContext(")
		given := strings.Count(text, "nvironment()")
		if made > given {
			t.Errorf("%s makes %d commands and gives %d of them run.Environment()", path, made, given)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
