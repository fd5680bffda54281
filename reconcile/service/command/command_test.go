package command

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
	"mainstay/spec"
)

func sh(script, folder string) []string { return []string{"/bin/sh", "-c", script, "sh", folder} }

// The service is a sleep whose pid is in a file. A zombie does not count.
const (
	startScript  = `setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! > "$1/pid"`
	statusScript = `test -s "$1/pid" && grep -q '^State:.[^ZX]' "/proc/$(cat "$1/pid")/status" 2>/dev/null || exit 3`
	killScript   = `kill -9 "$(cat "$1/pid")"`
)

// testSettle is long enough for a test's service to come up in.
const testSettle = 300 * time.Millisecond

func TestDriver(t *testing.T) {
	servicetest.Run(t, servicetest.Fixture{New: subject, Outside: true, Late: true, Parallel: true, StopBound: 300 * time.Millisecond})
}

func subject(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
	folder := t.TempDir()
	commands := spec.CommandService{
		Start:  sh(startScript, folder),
		Stop:   sh(killScript, folder),
		Status: sh(statusScript, folder),
	}
	switch b {
	case servicetest.FailsToStart:
		commands.Start = sh("echo no license; exit 6", folder)
	case servicetest.Late:
		commands.Start = sh("true", folder)
		commands.Stop = sh(statusScript+"; "+killScript, folder)
	case servicetest.Hangs:
		commands.Stop = sh("exec sleep 600", folder)
	}
	alive := func() bool { return script(statusScript, folder) == nil }
	t.Cleanup(func() {
		if alive() {
			_ = script(killScript, folder)
		}
	})
	return servicetest.Subject{
		Driver:       New(Config{Commands: commands, Poll: 50 * time.Millisecond, Settle: testSettle}),
		Alive:        alive,
		Crash:        func(t *testing.T) { check(t, script(killScript, folder)) },
		ComeUp:       func(t *testing.T) { check(t, script(startScript, folder)) },
		StartOutside: func(t *testing.T) { check(t, script(startScript, folder)) },
	}
}

func script(text, folder string) error {
	argv := sh(text, folder)
	return exec.Command(argv[0], argv[1:]...).Run()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exits(code string) []string { return []string{"/bin/sh", "-c", "echo why; exit " + code} }

func TestExitCodesAreThoseOfLSBUnlessTheDocumentSaysOtherwise(t *testing.T) {
	own := spec.CommandService{Running: []int{10}, Stopped: []int{0}, Failed: []int{11}}
	for name, c := range map[string]struct {
		commands spec.CommandService
		code     string
		want     service.State
	}{
		"LSB running":       {code: "0", want: service.State{Run: plan.Running}},
		"LSB dead, pid":     {code: "1", want: service.State{Run: plan.RunFailed, Detail: "exit status 1: why"}},
		"LSB dead, lock":    {code: "2", want: service.State{Run: plan.RunFailed, Detail: "exit status 2: why"}},
		"LSB stopped":       {code: "3", want: service.State{Run: plan.Stopped}},
		"LSB unknown":       {code: "4", want: service.State{Run: plan.RunUnsure, Detail: "exit status 4: why"}},
		"own running":       {commands: own, code: "10", want: service.State{Run: plan.Running}},
		"own stopped":       {commands: own, code: "0", want: service.State{Run: plan.Stopped}},
		"own failed":        {commands: own, code: "11", want: service.State{Run: plan.RunFailed, Detail: "exit status 11: why"}},
		"own partial":       {commands: spec.CommandService{Partial: []int{5}}, code: "5", want: service.State{Run: plan.Starting, Holdoff: true, Detail: "exit status 5: why"}},
		"partial, not dead": {commands: spec.CommandService{Partial: []int{1}}, code: "1", want: service.State{Run: plan.Starting, Holdoff: true, Detail: "exit status 1: why"}},
		"no partial":        {code: "5", want: service.State{Run: plan.RunUnsure, Detail: "exit status 5: why"}},
		"partial, LSB":      {commands: spec.CommandService{Partial: []int{5}}, code: "3", want: service.State{Run: plan.Stopped}},
		"own unknown":       {commands: own, code: "3", want: service.State{Run: plan.RunUnsure, Detail: "exit status 3: why"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.commands.Status = exits(c.code)
			got, err := New(Config{Commands: c.commands}).Observe(t.Context())
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestAStatusThatCannotBeAskedIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		status []string
		bound  time.Duration
		want   error
	}{
		"absent": {[]string{"/nonexistent/status"}, time.Minute, service.ErrNotFound},
		"hangs":  {[]string{"sleep", "600"}, 100 * time.Millisecond, service.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), c.bound)
			defer cancel()
			got, err := New(Config{Commands: spec.CommandService{Status: c.status}}).Observe(ctx)
			if !errors.Is(err, c.want) || got.Run != plan.RunUnsure {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAStopIsVerifiedAndNotBelieved(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := New(Config{Commands: spec.CommandService{Stop: exits("0"), Status: exits("0")}}).Stop(ctx)
	if !errors.Is(err, service.ErrTimeout) || !strings.Contains(err.Error(), `still "running"`) {
		t.Errorf("a stop command that lies: %v", err)
	}
}

func TestAStopThatTakesItsTimeIsWaitedFor(t *testing.T) {
	folder := t.TempDir()
	// The status is down from the third look on.
	status := sh(`echo >> "$1/looks"; test "$(wc -l < "$1/looks")" -lt 3 || exit 3`, folder)
	check(t, New(Config{Commands: spec.CommandService{Stop: exits("0"), Status: status}}).Stop(t.Context()))
}

func TestAStopCommandThatFailsSaysWhy(t *testing.T) {
	err := New(Config{Commands: spec.CommandService{Stop: exits("9"), Status: exits("0")}}).Stop(t.Context())
	if !errors.Is(err, service.ErrFailed) || err.Error() != "stop: failed: exit status 9: why" {
		t.Errorf("got %v", err)
	}
}

func TestAStopCommandThatFailsIsForgivenWhenTheServiceIsDown(t *testing.T) {
	folder := t.TempDir()
	stop := sh(`touch "$1/down"; exit 9`, folder)
	status := sh(`test ! -e "$1/down" || exit 3`, folder)
	check(t, New(Config{Commands: spec.CommandService{Stop: stop, Status: status}}).Stop(t.Context()))
}

func TestAStartAfterAStopThatWasCutShortGivesTheOrderAgain(t *testing.T) {
	folder := t.TempDir()
	d := New(Config{Commands: spec.CommandService{Start: sh(`touch "$1/started"`, folder), Stop: exits("9"), Status: exits("0")}})
	if err := d.Stop(t.Context()); err == nil {
		t.Fatal("the stop succeeded")
	}
	check(t, d.Start(t.Context()))
	if _, err := os.Stat(filepath.Join(folder, "started")); err != nil {
		t.Error("what is seen running on its way down was taken for started")
	}
}

func TestStopByHandIsTheStopCommandForAShell(t *testing.T) {
	d := New(Config{Commands: spec.CommandService{Stop: []string{"/usr/bin/stop", "it's", "a b", ""}}})
	if got := d.StopByHand(); got != `/usr/bin/stop 'it'\''s' 'a b' ''` {
		t.Errorf("got %s", got)
	}
}

// R2: that a start was ordered outlives the agent, until a stop was verified.
func TestTheNextAgentKnowsThatAStartWasOrdered(t *testing.T) {
	folder, state := t.TempDir(), t.TempDir()
	made := func() *Driver {
		return New(Config{Commands: spec.CommandService{Start: exits("0"), Stop: sh(`echo >> "$1/stops"`, folder), Status: exits("3")},
			Folder: state, Settle: time.Millisecond})
	}
	check(t, made().Start(t.Context()))
	next := made()
	if s := servicetest.Observed(t, next); s.Run.Down() {
		t.Errorf("the next agent sees %q", s.Run)
	}
	check(t, next.Stop(t.Context()))
	if s := servicetest.Observed(t, made()); !s.Run.Down() {
		t.Errorf("after a verified stop the next agent sees %q", s.Run)
	}
	check(t, made().Stop(t.Context()))
	if b, err := os.ReadFile(filepath.Join(folder, "stops")); err != nil || string(b) != "\n" {
		t.Errorf("the stop command ran %q times, %v", b, err)
	}
}

// What was started and does not come up is started again, and stopped if it must
// not run: it is neither up nor down.
func TestWhatDoesNotComeUpWaitsForTheNextOrder(t *testing.T) {
	d := New(Config{Commands: spec.CommandService{Start: exits("0"), Stop: exits("0"), Status: exits("3")}, Settle: time.Nanosecond})
	check(t, d.Start(t.Context()))
	if s := servicetest.Observed(t, d); s.Run != plan.Starting || !s.Holdoff || s.Detail == "" {
		t.Errorf("seen %+v", s)
	}
}

// A group of which a part runs is started again, though something runs; it has its time to
// come up; and it is not down before all of it is.
func TestAGroupOfWhichAPartRuns(t *testing.T) {
	folder := t.TempDir()
	status := `n=0; for f in "$1"/one "$1"/two; do [ -e "$f" ] && n=$((n + 1)); done
case $n in 0) exit 3 ;; 1) echo "one of two runs"; exit 5 ;; esac`
	d := New(Config{Settle: time.Hour, Commands: spec.CommandService{
		Start: sh(`echo >>"$1/orders"; touch "$1/one"`, folder), Stop: sh(`rm "$1/one"`, folder), Status: sh(status, folder), Partial: []int{5},
	}})
	check(t, os.WriteFile(filepath.Join(folder, "two"), nil, 0o600))
	if s := servicetest.Observed(t, d); s.Run != plan.Starting || !s.Holdoff || !strings.Contains(s.Detail, "one of two runs") {
		t.Errorf("before any order it is seen %+v", s)
	}
	check(t, d.Start(t.Context()))
	if s := servicetest.Observed(t, d); s.Run != plan.Running {
		t.Errorf("started, it is seen %+v", s)
	}
	check(t, d.Start(t.Context()))
	if b, err := os.ReadFile(filepath.Join(folder, "orders")); err != nil || len(b) != 1 {
		t.Errorf("orders: %q %v", b, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := d.Stop(ctx); !errors.Is(err, service.ErrTimeout) {
		t.Errorf("a part runs still, and the stop is %v", err)
	}
	check(t, os.Remove(filepath.Join(folder, "two")))
	d.commands.Stop = exits("0")
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	d.commands.Start = sh(`touch "$1/one"`, folder)
	check(t, d.Start(t.Context()))
	if s := servicetest.Observed(t, d); s.Run != plan.Starting || s.Holdoff {
		t.Errorf("just ordered, it has no time to come up: %+v", s)
	}
}
