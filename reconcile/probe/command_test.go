package probe

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/run"
	"mainstay/spec"
)

func shell(script string, timeout spec.Duration) spec.Probe {
	return spec.Probe{Command: []string{"sh", "-c", script}, Timeout: timeout}
}

func TestACommandsExitCodeDecides(t *testing.T) {
	wantAnswer(t, spec.Probe{Command: []string{"true"}, Timeout: long})
	err := ask(t, shell("echo two calls; echo left >&2; exit 3", long))
	wantError(t, err, "command", "exit code 3: two calls | left")
	wantError(t, ask(t, shell("kill -TERM $$", long)), "ended by signal: terminated")
	missing := ask(t, spec.Probe{Command: []string{"no-such-program-here"}, Timeout: long})
	wantError(t, missing, "there is no such program on this machine")
	wantError(t, ask(t, spec.Probe{Command: []string{"/etc/passwd"}, Timeout: long}), "cannot be run")
}

func TestACommandIsNotReadByAShell(t *testing.T) {
	wantAnswer(t, spec.Probe{Command: []string{"test", "$HOME;*", "=", "$HOME;*"}, Timeout: long})
}

func TestACommandsOutputIsBoundedAndMadePrintable(t *testing.T) {
	attack.Row(t, "services", "a command that prints without an end, or controls", "bounded and printable")
	err := ask(t, shell(`yes | head -c 1000000; printf 'last\033[2J\n'; exit 1`, long))
	wantError(t, err, "y | y | last?[2J")
	if len(err.Error()) > 3*run.MaxOutput {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

func TestACommandAndItsChildrenAreKilledAtTheTimeout(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	script := "sleep 600 & echo $! > " + pidFile + "; echo waiting; wait"
	err := ask(t, shell(script, spec.Duration(300*time.Millisecond)))
	wantError(t, err, "no answer within 300ms, killed: waiting")
	waitGone(t, pidFile)
}

func TestWhatACommandLeavesInItsGroupIsKilled(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	wantAnswer(t, shell("sleep 600 & echo $! > "+pidFile, long))
	waitGone(t, pidFile)
}

// waitGone waits until the process is dead; as an orphan it may stay a zombie
// until the machine's init takes it.
func waitGone(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	gone := until(func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if gone {
		return
	}
	t.Errorf("process %d still runs", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestAProcessThatCannotBeKilledIsNotJoinedByASecond(t *testing.T) {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	ctx, cancel := context.WithTimeoutCause(context.Background(), short.D(), errNoTimeLeft)
	defer cancel()
	wantError(t, runCommand(ctx, spec.Probe{Command: []string{"true"}}, turn), "the run before has not ended yet")
}

func TestACommandTryLeavesNothingBehind(t *testing.T) {
	leavesNothing(t, func() {
		for range 3 {
			wantAnswer(t, spec.Probe{Command: []string{"true"}, Timeout: long})
			wantError(t, ask(t, shell("sleep 60", short)), "killed")
			wantError(t, ask(t, spec.Probe{Command: []string{"no-such-program-here"}}), "no such program")
		}
	})
}
