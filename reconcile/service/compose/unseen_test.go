package compose

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	api "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
	"mainstay/spec"
)

// R2: an order that ended well and of which nothing is to be found is not known to
// have come to nothing.
func TestWhatWasStartedAndIsNotFoundIsUnknownUntilAPersonSaysOtherwise(t *testing.T) {
	_, e := newFakeEngine(t)
	e.compose = func(context.Context, place, ...string) error { return nil }
	folder := t.TempDir()
	made := func() *Service {
		s := e.Service(spec.ComposeService{Project: project, Service: "xuc", Directory: directory}, folder)
		s.settle = time.Millisecond
		return s
	}
	if err := made().Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	next := made() // the next agent knows as well
	if seen := servicetest.Observed(t, next); seen.Run != plan.RunUnsure {
		t.Errorf("nothing was found and it is seen %q", seen.Run)
	}
	mark := filepath.Join(folder, "started")
	servicetest.Wants(t, next.Stop(servicetest.Bounded(t)), nil, "has no container under this name", "rm '"+mark+"'")
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	if err := next.Stop(servicetest.Bounded(t)); err != nil {
		t.Error(err)
	}
	if seen := servicetest.Observed(t, next); !seen.Run.Down() {
		t.Errorf("seen %q although a person said that it is down", seen.Run)
	}
}

// An order that failed and left nothing is down after a stop.
func TestWhatComposeDidNotStartCanBeStopped(t *testing.T) {
	_, e := newFakeEngine(t)
	e.compose = func(context.Context, place, ...string) error { return service.ErrFailed }
	s := e.Service(spec.ComposeService{Project: project, Service: "xuc", Directory: directory}, "")
	s.settle = time.Millisecond
	servicetest.Wants(t, s.Start(servicetest.Bounded(t)), service.ErrFailed)
	if seen := servicetest.Observed(t, s); seen.Run != plan.Starting || !seen.Holdoff {
		t.Errorf("before a stop: %+v", seen)
	}
	if err := s.Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, s); !seen.Run.Down() {
		t.Errorf("after a stop: %+v", seen)
	}
}

// What is looked for is what Compose makes of a name, whatever the document says.
func TestAProjectIsLookedForUnderTheNameThatComposeMakesOfIt(t *testing.T) {
	f, e := newFakeEngine(t)
	f.change(f.add("xuc"), api.StateRunning, 0)
	s := e.Service(spec.ComposeService{Project: "Xivo.CC", Service: "xuc"}, "")
	if seen := servicetest.Observed(t, s); seen.Run != plan.Running {
		t.Errorf("%+v", seen)
	}
	if err := s.Stop(servicetest.Bounded(t)); err != nil || f.alive("xuc") {
		t.Errorf("stop: %v", err)
	}
}

func TestNamesThatComposeWouldReadOtherwiseAreNotGivenToIt(t *testing.T) {
	_, e := newFakeEngine(t)
	e.compose = func(context.Context, place, ...string) error {
		t.Error("compose ran")
		return nil
	}
	for _, s := range []spec.ComposeService{
		{Project: "-cc", Service: "xuc"}, {Project: "...", Service: "xuc"}, {Project: "--all", Service: "xuc"},
		{Project: project, Service: "--renew-anon-volumes"}, {Project: project, Service: "xuc*"}, {Project: project, Service: "a b"}, {Project: project},
	} {
		s.Directory = directory
		servicetest.Wants(t, e.Service(s, "").Start(servicetest.Bounded(t)), service.ErrRefused)
	}
}

// R2: what was stopped stays down when the engine starts anew, and has its restart
// policy back after the next start, also by another agent.
func TestAStoppedContainerIsNotRestartedByTheEngine(t *testing.T) {
	f, first := newFakeEngine(t)
	remember := filepath.Join(t.TempDir(), "compose.json")
	agent := func() *Service {
		e := newEngine(slog.New(slog.DiscardHandler), remember, client.WithHost("tcp://"+f.address))
		e.compose = first.compose
		t.Cleanup(e.Close)
		return xuc(e)
	}
	c := f.add("xuc")
	c.HostConfig.RestartPolicy = api.RestartPolicy{Name: api.RestartPolicyAlways}
	f.change(c, api.StateRunning, 0)
	if err := agent().Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	f.restart(t)
	s := agent()
	if seen := servicetest.Observed(t, s); !seen.Run.Down() || seen.Enabled != "" {
		t.Errorf("after the engine started anew: %+v", seen)
	}
	if err := s.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, s); seen.Run != plan.Running || seen.Enabled != "restart: always" {
		t.Errorf("after the next start: %+v", seen)
	}
}

// A container that is down already and that the engine would start is no reason to
// call the stop done.
func TestTheRestartPolicyOfWhatIsDownIsTakenAsWell(t *testing.T) {
	f, e := newFakeEngine(t)
	c := f.add("xuc")
	c.HostConfig.RestartPolicy = api.RestartPolicy{Name: api.RestartPolicyUnlessStopped}
	f.change(c, api.StateExited, 0)
	if err := xuc(e).Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if !c.HostConfig.RestartPolicy.IsNone() {
		t.Errorf("the policy is %q", c.HostConfig.RestartPolicy.Name)
	}
}
