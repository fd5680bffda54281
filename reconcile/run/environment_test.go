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

// Whatever does not go through package run has a reason that stands here.
func TestCommandsAreRunInFewPlaces(t *testing.T) {
	allowed := map[string]string{
		"../run/group.go":             "the one runner of commands",
		"../service/process/start.go": "the service itself, which outlives the agent",
		"../git/transport/local.go":   "a conversation with git, not a run of it",
		"../alert/deliver/deliver.go": "an alert goes in on its input",
		"../gitcmd/gitcmd.go":         "a person's own git, in a person's own environment",
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		runs := strings.Contains(string(source), "exec.Command(") || strings.Contains(string(source), "exec.CommandContext(")
		if why := allowed[filepath.ToSlash(path)]; runs && why == "" {
			t.Errorf("%s runs a command by itself: use run.Call, or say here why it cannot", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
