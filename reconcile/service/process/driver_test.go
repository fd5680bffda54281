package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

// pollOfTests makes what causes no event be seen soon. stopBound is that of a stop
// which must force: a quarter of it is for forcing, on a busy machine.
const (
	pollOfTests = 50 * time.Millisecond
	stopBound   = 6 * time.Second
)

func TestDriver(t *testing.T) {
	t.Parallel()
	servicetest.Run(t, servicetest.Fixture{Forces: true, Outside: true, Parallel: true, New: subject, StopBound: stopBound})
}

func subject(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
	s := newStage(t, string(b))
	if b == servicetest.FailsToStart {
		s.run.Command = []string{filepath.Join(s.folder, "absent")}
	}
	d := s.driver()
	return servicetest.Subject{
		Driver:       d,
		Alive:        s.alive,
		Settled:      func(*testing.T) { s.up() },
		Crash:        func(*testing.T) { s.signal(d, syscall.SIGKILL) },
		StartOutside: func(*testing.T) { s.startByHand() },
	}
}

// signal sends to the main process as the driver sees it.
func (s *stage) signal(d *Driver, sig syscall.Signal) {
	s.t.Helper()
	state, err := d.Observe(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Kill(state.PID, sig); err != nil {
		s.t.Fatal(err)
	}
}

// startByHand starts the service as a person would who knows of the marker.
func (s *stage) startByHand() {
	s.t.Helper()
	cmd := exec.Command(s.run.Command[0])
	cmd.Env = append(os.Environ(), MarkerVariable+"="+s.marker)
	for name, value := range s.run.Environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = cmd.Wait() }()
}

// await observes after every wake until the state is as wanted.
func await(t *testing.T, d *Driver, what string, is func(service.State) bool) service.State {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	woken := make(chan struct{}, 1)
	go func() {
		_ = d.Watch(ctx, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
	}()
	for {
		s, err := d.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is(s) {
			return s
		}
		select {
		case <-woken:
		case <-ctx.Done():
			t.Fatalf("not seen %s: %+v", what, s)
		}
	}
}

func observed(t *testing.T, d *Driver) service.State {
	t.Helper()
	s, err := d.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, call func(context.Context) error) {
	t.Helper()
	if err := call(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func isDown(s service.State) bool { return s.Run.Down() }

func TestAnAgentKilledAtAnyStepOfAStartLosesNoProcessAndStartsNone(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"recorded that it starts", "forked", "recorded"} {
		t.Run(step, func(t *testing.T) {
			s := newStage(t, "behaves")
			s.killedAgent(step, "")
			forked := step != "recorded that it starts"
			next := s.driver()
			before := observed(t, next)
			if up := before.Run == plan.Running; up != forked {
				t.Errorf("the next agent sees %+v", before)
			}
			must(t, next.Start)
			after := observed(t, next)
			if after.Run != plan.Running || (forked && after.PID != before.PID) {
				t.Errorf("first %+v, after the start %+v", before, after)
			}
			s.up()
			must(t, next.Stop)
			if s.alive() {
				t.Error("the process outlives its stop")
			}
		})
	}
}

func TestAnAgentKilledAtAnyStepOfAStopLeavesAStopThatIsFinishedOrReversed(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"recorded that it stops", "asked to end"} {
		for _, reversed := range []bool{false, true} {
			t.Run(step, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, "hangs")
				must(t, s.driver().Start)
				s.up()
				s.killedAgent(step, "yes")
				next := s.driver()
				before := observed(t, next)
				if before.Run != plan.Stopping {
					t.Errorf("the next agent sees %+v", before)
				}
				if !reversed {
					stopHung(t, next)
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), stopBound)
				defer cancel()
				if err := next.Start(ctx); err != nil {
					t.Fatal(err)
				}
				if after := observed(t, next); after.Run != plan.Running || after.PID == before.PID {
					t.Errorf("after the start %+v, before %+v", after, before)
				}
				stopHung(t, next)
			})
		}
	}
}

func stopHung(t *testing.T, d *Driver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stopBound)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if s := observed(t, d); !s.Run.Down() {
		t.Errorf("after the stop: %+v", s)
	}
}

func TestTheEndOfAnAdoptedProcessIsSeen(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.poll = time.Hour // so that only the event shows it
	s.killedAgent("recorded", "")
	next := s.driver()
	s.up()
	s.signal(next, syscall.SIGKILL)
	if got := await(t, next, "down", isDown); got.Run != plan.RunFailed || !strings.Contains(got.Detail, "not known") {
		t.Errorf("an adopted process that was killed is seen as %+v", got)
	}
}

func TestTheReasonOfAFailureHasTheExitStatusAndTheLastOutput(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.run.Command = []string{"/bin/sh", "-c", "echo cannot bind >&2; exit 7"}
	d := s.driver()
	must(t, d.Start)
	got := await(t, d, "down", isDown)
	if got.Run != plan.RunFailed || got.Detail != "exit status 7; last output: cannot bind" {
		t.Errorf("seen as %+v", got)
	}
	if next := observed(t, s.driver()); next.Detail != got.Detail {
		t.Errorf("the next agent sees %+v", next)
	}
}

func TestAProcessThatEndsWellIsStopped(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.run.Command = []string{"/bin/true"}
	d := s.driver()
	must(t, d.Start)
	if got := await(t, d, "down", isDown); got.Run != plan.Stopped {
		t.Errorf("seen as %+v", got)
	}
}

func TestWhatTheMainProcessLeavesBehindIsNotDownAndIsEndedByTheNextStart(t *testing.T) {
	t.Parallel()
	s := newStage(t, "parent")
	d := s.driver()
	must(t, d.Start)
	s.up()
	s.signal(d, syscall.SIGKILL)
	await(t, d, "stopping", func(s service.State) bool { return s.Run == plan.Stopping })
	if !s.alive() {
		t.Fatal("the child ended with its parent: nothing is shown")
	}
	s.run.Environment[roleVariable] = "behaves"
	next := s.driver()
	ctx, cancel := context.WithTimeout(t.Context(), stopBound)
	defer cancel()
	if err := next.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.up()
	must(t, next.Stop)
	if s.alive() {
		t.Error("something still runs")
	}
}

func TestAChildThatLeavesTheSessionIsStoppedToo(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.run.Command = []string{"/bin/sh", "-c", "setsid " + os.Args[0] + " & exec sleep 600"}
	d := s.driver()
	must(t, d.Start)
	s.up()
	must(t, d.Stop)
	if s.alive() {
		t.Error("the child outlives the stop")
	}
}

func TestASuspendedProcessIsAskedAndNotJustKilled(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.run.Command = []string{"/bin/sh", "-c", `trap 'echo asked; exit 0' TERM; printf up > "$TEST_FIFO"; while :; do sleep 600 & wait; done`}
	d := s.driver()
	must(t, d.Start)
	s.up()
	s.signal(d, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), stopBound)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if out, err := os.ReadFile(filepath.Join(s.folder, logFile)); err != nil || !strings.HasSuffix(string(out), "asked\n") {
		t.Errorf("the output is %q, %v", out, err)
	}
}

func TestWhoeverHoldsTheLockIsTheService(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	// The child drops the marker and the session, as one between fork and exec
	// would, and keeps what it inherited.
	s.run.Command = []string{"/bin/sh", "-c", "env -u MAINSTAY_SERVICE setsid " + os.Args[0] + " & sleep 600"}
	d := s.driver()
	must(t, d.Start)
	s.up()
	if err := os.Remove(filepath.Join(s.folder, recordFile)); err != nil {
		t.Fatal(err)
	}
	next := s.driver()
	must(t, next.Stop)
	if s.alive() {
		t.Error("the holder of the lock outlives the stop")
	}
}

func TestAProcessThatHidesIsFoundByItsSession(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	// Neither marker nor lock are left to the child.
	s.run.Command = []string{"/bin/sh", "-c", "env -u MAINSTAY_SERVICE " + os.Args[0] + " 3>&- & exec sleep 600"}
	d := s.driver()
	must(t, d.Start)
	s.up()
	s.signal(d, syscall.SIGKILL)
	await(t, d, "stopping", func(s service.State) bool { return s.Run == plan.Stopping })
	must(t, d.Stop)
	if s.alive() {
		t.Error("the hidden child outlives the stop")
	}
}

func TestASessionOfSomebodyElseWithTheSameNumberIsNotTouched(t *testing.T) {
	t.Parallel()
	other := exec.Command("/bin/sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	leader, err := readProc(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, "behaves")
	d := s.driver()
	d.saveRecord(record{PID: leader.pid, Start: leader.start - 1})
	if got := observed(t, d); !got.Run.Down() {
		t.Errorf("seen as %+v", got)
	}
	must(t, d.Stop)
	if now, err := readProc(leader.pid); err != nil || !now.alive() {
		t.Errorf("the stop ended it: %+v, %v", now, err)
	}
}

func TestAStopLeavesNoZombie(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	d := s.driver()
	must(t, d.Start)
	pid := observed(t, d).PID
	must(t, d.Stop)
	if left, err := readProc(pid); err == nil {
		t.Errorf("left: %+v", left)
	}
}

func TestErrorsOfAStartSayWhatKind(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		command string
		want    error
	}{
		"no such program":      {"/nonexistent/program", service.ErrNotFound},
		"no such name in PATH": {"no-such-program-anywhere", service.ErrNotFound},
		"not executable":       {text, service.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "behaves")
			s.run.Command = []string{c.command}
			if err := s.driver().Start(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%v is not %v", err, c.want)
			}
		})
	}
}

func TestTheServiceGetsItsOwnEnvironmentAndNotTheAgents(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/agent")
	s := newStage(t, "behaves")
	s.run.Command = []string{"/bin/sh", "-c", "echo $NOTIFY_SOCKET,$OWN,$MAINSTAY_SERVICE; pwd; exit 1"}
	s.run.Environment["OWN"] = "value"
	d := s.driver()
	must(t, d.Start)
	want := "exit status 1; last output: ,value," + s.marker + " | /"
	if got := await(t, d, "down", isDown); got.Detail != want {
		t.Errorf("got %q, want %q", got.Detail, want)
	}
}

func TestTheOutputIsBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.run.Command = []string{"/bin/sh", "-c", `head -c 3000000 /dev/zero; printf up > "$TEST_FIFO"; echo later; exec sleep 600`}
	d := s.driver()
	must(t, d.Start)
	s.up()
	observed(t, d)
	for name, most := range map[string]int64{logFile: 100, oldLogFile: MaxLog} {
		info, err := os.Stat(filepath.Join(s.folder, name))
		if err != nil || info.Size() > most {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestStopByHandIsACommandThatEndsTheProcesses(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	d := s.driver()
	must(t, d.Start)
	if out, err := exec.Command("/bin/sh", "-c", d.StopByHand()).CombinedOutput(); err != nil {
		t.Errorf("%s: %v, %s", d.StopByHand(), err, out)
	}
	await(t, d, "down", isDown)
}

func FuzzStat(f *testing.F) {
	f.Add("1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 42 0 0")
	f.Fuzz(func(t *testing.T, stat string) {
		attack.Cheap(t, func() {
			if p, err := parseStat(1, stat); err == nil && p.pid != 1 {
				t.Errorf("%+v", p)
			}
		})
	})
}

// R2: on a side that must not serve, what a person starts by hand is found at once, not
// with the next round of looking.
func TestWhatAPersonStartsIsFoundBeforeTheNextPoll(t *testing.T) {
	t.Parallel()
	s := newStage(t, string(servicetest.Behaves))
	s.poll = time.Hour
	d := s.driver()
	woken := make(chan struct{}, 1)
	go func() {
		_ = d.Watch(t.Context(), func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
	}()
	<-woken
	s.startByHand()
	select {
	case <-woken:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody is woken")
	}
	if state, err := d.Observe(t.Context()); err != nil || state.Run != plan.Running {
		t.Errorf("seen %+v, %v", state, err)
	}
}
