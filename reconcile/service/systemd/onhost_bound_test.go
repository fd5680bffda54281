//go:build onhost

package systemd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

// seenAs waits for an observation, by wakes only.
func seenAs(t *testing.T, u *Unit, woken <-chan struct{}, what string, is func(service.State) bool) service.State {
	t.Helper()
	seen := servicetest.Observed(t, u)
	for ; !is(seen); seen = servicetest.Observed(t, u) {
		servicetest.Await(t, fmt.Sprintf("%s after %+v", what, seen), woken)
	}
	return seen
}

// TestWithDebiansPostgreSQL runs on the host that has one.
func TestWithDebiansPostgreSQL(t *testing.T) {
	const real = "postgresql@15-main.service"
	u := realBus(t).Unit("postgresql.service")
	t.Cleanup(func() { _ = exec.Command("systemctl", "kill", "--signal=SIGKILL", real).Run() })
	woken := servicetest.Watched(t, u)
	if err := u.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	seen := seenAs(t, u, woken, "running", func(s service.State) bool { return s.Run == plan.Running })
	if !strings.Contains(seen.StandIn, real) {
		t.Errorf("what runs is not named: %+v", seen)
	}

	// A postmaster that is killed is seen, and the database is started again.
	servicetest.Forget(woken)
	systemctl(t, "kill", "--kill-whom=main", "--signal=SIGKILL", real)
	seen = seenAs(t, u, woken, "broken", func(s service.State) bool { return s.Holdoff })
	t.Logf("with the postmaster killed: %s (%s)", seen.Run, seen.Detail)
	if err := u.Start(servicetest.Bounded(t)); err != nil || !strings.HasPrefix(systemctl(t, "show", "-p", "ActiveState", real), "ActiveState=active") {
		t.Fatalf("start: %v", err)
	}

	// A database whose stop is held up is not down.
	halt := checkpointer(t, real)
	result := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	go func() { result <- u.Stop(ctx) }()
	seenAs(t, u, woken, "stopping", func(s service.State) bool { return s.Run == plan.Stopping })
	if wrapper := systemctl(t, "show", "-p", "ActiveState", "postgresql.service"); wrapper != "ActiveState=inactive" {
		t.Logf("the wrapper: %s", wrapper)
	}
	select {
	case err := <-result:
		t.Errorf("the stop returned %v while the checkpointer was halted", err)
	default:
	}
	if err := syscall.Kill(halt, syscall.SIGCONT); err != nil {
		t.Error(err)
	}
	if err := <-result; err != nil {
		t.Errorf("stop: %v", err)
	}
	if seen := servicetest.Observed(t, u); !seen.Run.Down() {
		t.Errorf("after the stop: %+v", seen)
	}
}

// checkpointer halts the one of a unit's processes without which a database does not
// end.
func checkpointer(t *testing.T, unit string) int {
	t.Helper()
	main := strings.TrimPrefix(systemctl(t, "show", "-p", "MainPID", unit), "MainPID=")
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		line, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(line), "checkpointer") {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(name, "/proc/%d/cmdline", &pid); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
		return pid
	}
	t.Fatalf("no checkpointer under process %s", main)
	return 0
}

func TestOnHostAUnitNamedByAnAliasIsHealedByItsEvents(t *testing.T) {
	install(t, "maria.service", sleeper+"\n[Install]\nAlias=mysqlx.service")
	systemctl(t, "enable", "--runtime", "maria.service")
	t.Cleanup(func() { systemctl(t, "disable", "--runtime", "maria.service") })
	u := realBus(t).Unit("mysqlx.service")
	if err := u.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, u); seen.Enabled != "" {
		t.Errorf("an alias alone starts it at boot: %+v", seen)
	}
	woken := servicetest.Watched(t, u)
	for range 3 {
		seenAs(t, u, woken, "running", func(s service.State) bool { return s.Run == plan.Running })
		systemctl(t, "kill", "--signal=SIGKILL", "maria.service")
		began := time.Now()
		seenAs(t, u, woken, "down", func(s service.State) bool { return s.Run.Down() })
		t.Logf("its end was seen after %s", time.Since(began).Round(time.Millisecond))
		if err := u.Start(servicetest.Bounded(t)); err != nil {
			t.Fatal(err)
		}
		systemctl(t, "daemon-reload")
	}
}

func TestOnHostATimerThatCouldStartAUnitAgainIsStoppedWithIt(t *testing.T) {
	install(t, "ticked.service", sleeper)
	install(t, "ticked.timer", "[Timer]\nOnActiveSec=1h\n")
	systemctl(t, "start", "ticked.timer")
	u := realBus(t).Unit("ticked.service")
	if seen := servicetest.Observed(t, u); seen.Run.Down() || !strings.Contains(seen.Detail, "ticked.timer") {
		t.Errorf("%+v", seen)
	}
	if err := u.Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, u); !seen.Run.Down() {
		t.Errorf("%+v", seen)
	}
}
