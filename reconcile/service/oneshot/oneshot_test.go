package oneshot

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
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

// note adds a line to a file of the folder.
func note(word string) string { return `echo ` + word + ` >>"$1/log"` }

// noted is what was noted, in order.
func noted(t *testing.T, folder string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

func quick(c Config) Config {
	c.Poll, c.Again = 50*time.Millisecond, []time.Duration{time.Millisecond, time.Millisecond}
	return c
}

// There is nothing of it but its record: that is what runs, crashes and is left.
func TestDriver(t *testing.T) {
	servicetest.Run(t, servicetest.Fixture{New: subject, Forces: true, Parallel: true, StopBound: 400 * time.Millisecond})
}

func subject(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
	folder := t.TempDir()
	c := Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(note("start"), folder), OnStop: sh(note("stop"), folder)}}
	switch b {
	case servicetest.Hangs:
		c.Run.OnStop = sh("exec sleep 600", folder)
	case servicetest.FailsToStart:
		c.Run.OnStart, c.Run.Required = sh("echo no license; exit 6", folder), true
	}
	record := filepath.Join(c.Folder, "started")
	return servicetest.Subject{
		Driver: New(quick(c)),
		Alive: func() bool {
			_, err := os.Lstat(record)
			return err == nil && b != servicetest.FailsToStart
		},
		Crash: func(t *testing.T) {
			if err := os.Remove(record); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestEachCommandRunsOnceForAStart(t *testing.T) {
	folder := t.TempDir()
	c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(note("start"), folder), OnStop: sh(note("stop"), folder)}})
	d := New(c)
	orders(t, d.Stop, d.Start, d.Start)
	// The next run of the agent knows that it ran.
	next := New(c)
	if s := servicetest.Observed(t, next); s.Run != plan.Running {
		t.Errorf("after a restart of the agent: %+v", s)
	}
	orders(t, next.Start, next.Stop, next.Stop, next.Start)
	if got := noted(t, folder); got != "start stop start" {
		t.Errorf("ran %q", got)
	}
}

func orders(t *testing.T, all ...func(context.Context) error) {
	t.Helper()
	for _, order := range all {
		if err := order(servicetest.Bounded(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// R2: nothing counts as known that was not observed. An agent that crashed while the
// command ran does not know whether it did all that it does.
func TestACommandThatMayNotHaveRunToItsEndRunsAgain(t *testing.T) {
	for _, required := range []bool{false, true} {
		folder := t.TempDir()
		c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(note("start"), folder), Required: required}})
		newRecord(c.Folder, nil).begin(starting)
		d := New(c)
		if s := servicetest.Observed(t, d); s.Run.Down() || !s.Holdoff || !strings.Contains(s.Detail, "not known whether onStart ran") {
			t.Errorf("%+v", s)
		}
		orders(t, d.Start)
		if s := servicetest.Observed(t, d); s.Run != plan.Running || noted(t, folder) != "start" {
			t.Errorf("%+v, ran %q", s, noted(t, folder))
		}
	}
}

// A restart of the agent runs nothing twice for one start: what failed stays failed, is told
// as before, and is not tried again.
func TestARestartOfTheAgentRunsNothingAgain(t *testing.T) {
	for script, want := range map[string]service.State{
		note("start"): {Run: plan.Running},
		note("start") + "; echo no server; exit 3": {Run: plan.Running, Unhealthy: "onStart: failed: exit status 3: no server"},
	} {
		folder := t.TempDir()
		c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(script, folder)}})
		orders(t, New(c).Start)
		before := noted(t, folder)
		for range 3 {
			if s := servicetest.Observed(t, New(c)); s != want {
				t.Errorf("after a restart: %+v, want %+v", s, want)
			}
		}
		if noted(t, folder) != before {
			t.Errorf("ran %q", noted(t, folder))
		}
	}
}

// R2: an agent that ended while onStop ran, or before, has not seen it done: the service is
// not down until it is stopped again.
func TestAStopThatMayNotHaveRunIsRunAgain(t *testing.T) {
	folder := t.TempDir()
	c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(note("start"), folder), OnStop: sh(note("stop"), folder)}})
	orders(t, New(c).Start)
	newRecord(c.Folder, nil).begin(stopping) // the agent died here
	d := New(c)
	if s := servicetest.Observed(t, d); s.Run.Down() || !s.Holdoff || !strings.Contains(s.Detail, "not known whether onStop ran") {
		t.Errorf("%+v", s)
	}
	orders(t, d.Stop)
	if s := servicetest.Observed(t, d); s.Run != plan.Stopped || noted(t, folder) != "start stop" {
		t.Errorf("%+v, ran %q", s, noted(t, folder))
	}
}

// R7: what the guard stopped while the agent hung is not what the agent remembers.
func TestWhatTheGuardStoppedIsStopped(t *testing.T) {
	folder := t.TempDir()
	c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(note("start"), folder), OnStop: sh(note("stop"), folder)}})
	guard, agent := New(c), New(c) // the guard was there first
	orders(t, agent.Start, guard.Stop)
	if s := servicetest.Observed(t, agent); s.Run != plan.Stopped {
		t.Errorf("%+v", s)
	}
	orders(t, agent.Stop, agent.Start)
	if got := noted(t, folder); got != "start stop start" {
		t.Errorf("ran %q", got)
	}
}

// What the version before this one wrote is read as it was meant, and a damaged record
// says nothing.
// otherBoot names a boot that is not this one.
const otherBoot = "01234567-89ab-cdef-0123-456789abcdef"

func TestARecordOfAnotherKindIsReadWithCare(t *testing.T) {
	for text, want := range map[string]plan.Run{
		bootName() + "\nwell": plan.Running, bootName() + "\n": plan.Starting, bootName() + "\nx\ny": plan.Starting, bootName(): plan.Starting,
		otherBoot + "\nwell": plan.Stopped, otherBoot: plan.Stopped, "": plan.Starting, "another boot\nwell": plan.Starting,
		otherBoot[:20]: plan.Starting, otherBoot + "x\nwell": plan.Starting, strings.Repeat("\x00", 64): plan.Starting, strings.Repeat("x", 2*mostRecord): plan.Starting,
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, recordFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s := servicetest.Observed(t, New(Config{Folder: folder})); s.Run != want {
			t.Errorf("%.20q: %+v", text, s)
		}
	}
	folder := filepath.Join(t.TempDir(), "own")
	if err := os.MkdirAll(filepath.Join(folder, recordFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if s := servicetest.Observed(t, New(Config{Folder: folder})); s.Run != plan.Starting || !s.Holdoff {
		t.Errorf("a folder that does not say: %+v", s)
	}
}

// What was started is undone, though the disk lost what says so.
func TestAStopRunsItsCommandWhenTheRecordIsDamaged(t *testing.T) {
	for _, damage := range []string{"", bootName()[:20], strings.Repeat("\x00", 64), "garbage\nwell"} {
		folder := t.TempDir()
		c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{OnStart: sh(note("start"), folder), OnStop: sh(note("stop"), folder)}})
		orders(t, New(c).Start)
		if err := os.WriteFile(filepath.Join(c.Folder, recordFile), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		orders(t, New(c).Stop)
		if got := noted(t, folder); got != "start stop" {
			t.Errorf("%q: ran %q", damage, got)
		}
	}
}

// Whoever opened the record before it is replaced reads the whole one of before.
func TestARecordIsReplacedAndNeverWrittenOver(t *testing.T) {
	r := newRecord(filepath.Join(t.TempDir(), "own"), slog.New(slog.DiscardHandler))
	r.begin(starting)
	before, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(r.file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	r.end(errors.New("no server"))
	if got, err := io.ReadAll(reader); err != nil || string(got) != string(before) {
		t.Errorf("a reader of before finds %q, %v", got, err)
	}
	if e := newRecord(filepath.Dir(r.file), r.log).get(); e.how != failed || e.why != "no server" {
		t.Errorf("%+v", e)
	}
	if all, err := os.ReadDir(filepath.Dir(r.file)); err != nil || len(all) != 1 {
		t.Errorf("beside the record lies %v, %v", all, err)
	}
}

func TestAStopThatWasCutShortLeavesTheStartToRunAgain(t *testing.T) {
	folder := t.TempDir()
	c := quick(Config{Folder: filepath.Join(folder, "own"), Run: spec.RunService{
		OnStart: sh(note("start"), folder), OnStop: sh(note("stop")+"; exec sleep 600", folder)}})
	d := New(c)
	orders(t, d.Start)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- d.Stop(ctx) }()
	servicetest.Until(t, "its stop", func() bool { return strings.HasSuffix(noted(t, folder), "stop") })
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	orders(t, d.Start)
	if got := noted(t, folder); got != "start stop start" {
		t.Errorf("ran %q", got)
	}
}

func TestAFailureIsToldAndHoldsNothingUp(t *testing.T) {
	folder := t.TempDir()
	d := New(quick(Config{Run: spec.RunService{OnStart: sh(note("start")+"; echo no server; exit 3", folder), OnStop: sh(note("stop")+"; exit 4", folder)}}))
	orders(t, d.Start)
	if s := servicetest.Observed(t, d); s.Run != plan.Running || s.Unhealthy != "onStart: failed: exit status 3: no server" {
		t.Errorf("%+v", s)
	}
	orders(t, d.Stop)
	if s := servicetest.Observed(t, d); s.Run != plan.Stopped || s.Detail != "onStop: failed: exit status 4" {
		t.Errorf("%+v", s)
	}
	if got := noted(t, folder); got != "start start start stop stop stop" {
		t.Errorf("ran %q", got)
	}
}

func TestACommandThatHangsHoldsNothingUpAfterItsBound(t *testing.T) {
	folder := t.TempDir()
	d := New(quick(Config{Run: spec.RunService{OnStart: sh("exec sleep 600", folder)}}))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if s := servicetest.Observed(t, d); s.Run != plan.Running || !strings.Contains(s.Unhealthy, "timed out") {
		t.Errorf("%+v", s)
	}
}

func TestARequiredCommandThatFailsIsAFailure(t *testing.T) {
	folder := t.TempDir()
	d := New(quick(Config{Run: spec.RunService{OnStart: sh("test -e $1/ok || { echo no server; exit 3; }", folder), Required: true}}))
	servicetest.Wants(t, d.Start(t.Context()), service.ErrFailed, "exit status 3: no server")
	if s := servicetest.Observed(t, d); s.Run != plan.RunFailed || !strings.Contains(s.Detail, "no server") {
		t.Errorf("%+v", s)
	}
	if err := os.WriteFile(filepath.Join(folder, "ok"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	orders(t, d.Start)
	if s := servicetest.Observed(t, d); s.Run != plan.Running {
		t.Errorf("%+v", s)
	}
}

func TestACommandThatSucceedsAtAFurtherTryIsWell(t *testing.T) {
	folder := t.TempDir()
	d := New(quick(Config{Run: spec.RunService{OnStart: sh(note("start")+`; test "$(wc -l <"$1/log")" -ge 3`, folder)}}))
	orders(t, d.Start)
	if s := servicetest.Observed(t, d); s.Run != plan.Running || s.Unhealthy != "" || noted(t, folder) != "start start start" {
		t.Errorf("%+v, ran %q", s, noted(t, folder))
	}
}

// A program that is not there does not come by trying again.
func TestAProgramThatIsNotThereIsTriedOnce(t *testing.T) {
	d := New(Config{Run: spec.RunService{OnStart: []string{"/nonexistent/program"}, Required: true}})
	servicetest.Wants(t, d.Start(servicetest.Bounded(t)), service.ErrNotFound)
}
