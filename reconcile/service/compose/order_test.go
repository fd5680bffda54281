package compose

import (
	"context"
	"strings"
	"testing"
	"time"

	api "github.com/moby/moby/api/types/container"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
	"mainstay/spec"
)

func TestAServiceWithoutContainersIsDownAndNeedsADirectory(t *testing.T) {
	f, e := newFakeEngine(t)
	if seen := servicetest.Observed(t, xuc(e)); seen.Run != plan.Stopped || seen.Detail != "it has no container" {
		t.Errorf("%+v", seen)
	}
	servicetest.Wants(t, xuc(e).Start(servicetest.Bounded(t)), service.ErrNotFound, "start xuc of project xivocc", "compose: directory")
	given := e.Service(spec.ComposeService{Project: project, Service: "xuc", Directory: "/opt/cc"}, "")
	if err := given.Start(servicetest.Bounded(t)); err != nil || f.count("up in /opt/cc") != 1 {
		t.Errorf("with a directory: %v", err)
	}
}

func TestContainersRemovedBehindTheDriversBackAreMadeAgain(t *testing.T) {
	f, e := newFakeEngine(t)
	f.add("xuc")
	servicetest.Observed(t, xuc(e))
	f.mu.Lock()
	f.containers = nil
	f.mu.Unlock()
	if err := xuc(e).Start(servicetest.Bounded(t)); err != nil || f.count("up in "+directory) != 1 {
		t.Errorf("%v", err)
	}
	if seen := servicetest.Observed(t, xuc(e)); seen.Run != plan.Running || seen.PID == 0 {
		t.Errorf("%+v", seen)
	}
}

func TestTheDocumentsDirectoryWinsOverTheContainers(t *testing.T) {
	f, e := newFakeEngine(t)
	f.add("xuc")
	moved := e.Service(spec.ComposeService{Project: project, Service: "xuc", Directory: "/opt/new"}, "")
	if at, err := moved.projectPlace(); err != nil || at.Directory != "/opt/new" {
		t.Errorf("%+v, %v", at, err)
	}
	servicetest.Observed(t, moved)
	if at, err := moved.projectPlace(); err != nil || at.Directory != "/opt/new" || len(at.Files) != 0 {
		t.Errorf("%+v, %v", at, err)
	}
}

func TestAScaledServiceStopsAsAWhole(t *testing.T) {
	f, e := newFakeEngine(t)
	first, second := f.add("xuc"), f.add("xuc")
	f.change(first, api.StateRunning, 0)
	f.change(second, api.StateRunning, 0)
	if seen := servicetest.Observed(t, xuc(e)); seen.Run != plan.Running || seen.PID != first.State.Pid {
		t.Errorf("%+v", seen)
	}
	if err := xuc(e).Stop(servicetest.Bounded(t)); err != nil || f.alive("xuc") {
		t.Errorf("stop: %v", err)
	}
}

func TestOnlyTheServicesOwnContainersAreStopped(t *testing.T) {
	f, e := newFakeEngine(t)
	db := f.add("db")
	f.change(db, api.StateRunning, 0)
	once := f.add("xuc")
	once.labels[labelOneOff] = "True"
	f.change(once, api.StateRunning, 0)
	f.change(f.add("xuc"), api.StateRunning, 0)
	if err := xuc(e).Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if !db.State.Running || !once.State.Running {
		t.Error("a container of another service, or one that was run once, was stopped")
	}
	if seen := servicetest.Observed(t, xuc(e)); !seen.Run.Down() {
		t.Errorf("%+v", seen)
	}
}

func TestAPausedContainerIsNotDownAndGoesOnOrStops(t *testing.T) {
	f, e := newFakeEngine(t)
	c := f.add("xuc")
	f.change(c, api.StatePaused, 0)
	if seen := servicetest.Observed(t, xuc(e)); seen.Run != plan.RunUnsure || !strings.Contains(seen.Detail, "paused") {
		t.Errorf("%+v", seen)
	}
	if err := xuc(e).Start(servicetest.Bounded(t)); err != nil || f.count("unpause") != 1 || f.count("up in "+directory) != 0 {
		t.Errorf("start: %v", err)
	}
	f.change(c, api.StatePaused, 0)
	if err := xuc(e).Stop(servicetest.Bounded(t)); err != nil || f.alive("xuc") || f.count("unpause") != 2 {
		t.Errorf("stop: %v", err)
	}
}

func TestAContainerInARestartLoopIsStartedNowAndNotWhenTheEngineMeansTo(t *testing.T) {
	f, e := newFakeEngine(t)
	f.change(f.add("xuc"), api.StateRestarting, 3)
	if seen := servicetest.Observed(t, xuc(e)); seen.Run != plan.Starting || !seen.Holdoff {
		t.Errorf("%+v", seen)
	}
	if err := xuc(e).Start(servicetest.Bounded(t)); err != nil || f.count("up in "+directory) != 1 || f.count("restart") != 1 || !f.alive("xuc") {
		t.Errorf("start: %v", err)
	}
	f.change(f.add("sick"), api.StateRestarting, 3)
	f.mu.Lock()
	f.fail["restart"] = "the disk is on fire"
	f.mu.Unlock()
	servicetest.Wants(t, e.Service(spec.ComposeService{Project: project, Service: "sick"}, "").Start(servicetest.Bounded(t)), nil, "the disk is on fire")
}

func TestAStopThatTheEngineRefusesIsTriedAgainAndSaid(t *testing.T) {
	f, e := newFakeEngine(t)
	f.change(f.add("xuc"), api.StateRunning, 0)
	f.mu.Lock()
	f.fail["stop"], f.fail["kill"] = "the disk is on fire", "the disk is on fire"
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	servicetest.Wants(t, xuc(e).Stop(ctx), service.ErrTimeout, "it is still running", "the disk is on fire")
	if n := f.count("stop"); n < 2 || n > 10 {
		t.Errorf("the stop was ordered %d times", n)
	}
}

func TestWithoutAnEngineNothingIsKnown(t *testing.T) {
	f, e := newFakeEngine(t)
	f.change(f.add("xuc"), api.StateRunning, 0)
	f.goDown()
	seen, err := xuc(e).Observe(servicetest.Bounded(t))
	servicetest.Wants(t, err, service.ErrUnavailable, "connect to the docker engine")
	if seen.Run != plan.RunUnsure {
		t.Errorf("%+v", seen)
	}
	servicetest.Wants(t, xuc(e).Stop(servicetest.Bounded(t)), service.ErrUnavailable)
	f.goUp(t)
	if err := xuc(e).Stop(servicetest.Bounded(t)); err != nil || f.alive("xuc") {
		t.Errorf("with the engine back: %v", err)
	}
}

func TestAnEngineThatRestartsCostsAWakeAndNothingElse(t *testing.T) {
	f, e := newFakeEngine(t)
	c := f.add("xuc")
	woken := servicetest.Watched(t, xuc(e))
	f.goDown()
	f.change(c, api.StateRunning, 0)
	f.goUp(t)
	servicetest.Await(t, "the wake after the engine came back", woken)
	if seen := servicetest.Observed(t, xuc(e)); seen.Run != plan.Running {
		t.Errorf("%+v", seen)
	}
	servicetest.Forget(woken)
	f.change(c, api.StateExited, 1)
	servicetest.Await(t, "the wake by a change after that", woken)
}

func TestOnlyTheStateOfAWatchedServiceIsReadAgain(t *testing.T) {
	f, e := newFakeEngine(t)
	c := f.add("xuc")
	f.change(c, api.StateRunning, 0)
	s := xuc(e)
	woken := servicetest.Watched(t, s)
	for range 3 {
		servicetest.Observed(t, s)
	}
	// "json" ends the paths of the list and of one container alike.
	if n := f.count("json"); n != 3+1 {
		t.Errorf("%d readings for three observations", n)
	}
	servicetest.Forget(woken)
	f.change(c, api.StateRunning, 0)
	servicetest.Await(t, "the wake", woken)
	if seen := servicetest.Observed(t, s); seen.PID != c.State.Pid {
		t.Errorf("after an event: %+v", seen)
	}
}

func TestAChangeWhoseEventWasLostIsSeenAllTheSame(t *testing.T) {
	f, e := newFakeEngine(t)
	c := f.add("xuc")
	f.change(c, api.StateRunning, 0)
	s := xuc(e)
	servicetest.Watched(t, s)
	servicetest.Observed(t, s)
	f.mu.Lock()
	c.State.Status, c.State.ExitCode, c.State.Running = api.StateExited, 3, false
	f.mu.Unlock()
	if seen := servicetest.Observed(t, s); seen.Run != plan.RunFailed {
		t.Errorf("%+v", seen)
	}
}

func TestWhatAPersonWouldTypeIsSafeForAShell(t *testing.T) {
	_, e := newFakeEngine(t)
	got := e.Service(spec.ComposeService{Project: "A.b", Service: "x'y"}, "").StopByHand()
	want := `docker ps --quiet --filter 'label=com.docker.compose.project=ab' --filter 'label=com.docker.compose.service=x'\''y' | xargs --no-run-if-empty docker kill`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
