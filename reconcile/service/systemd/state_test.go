package systemd

import (
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/servicetest"
)

func TestEveryStateOfAUnitReadsAsAPersonWouldSayIt(t *testing.T) {
	for _, c := range []struct {
		seen   unitState
		run    plan.Run
		detail string // contained in the detail; empty means no detail at all
	}{
		{unitState{active: "active", sub: "running"}, plan.Running, ""},
		{unitState{active: "active", sub: "active"}, plan.Running, ""},
		{unitState{active: "active", sub: "exited"}, plan.Running, "without a process"},
		{unitState{active: "active", sub: "start-post"}, plan.Running, "start-post"},
		{unitState{active: "reloading", sub: "reload"}, plan.Running, "reloading"},
		{unitState{active: "refreshing", sub: "refresh"}, plan.Running, "refreshing"},
		{unitState{active: "activating", sub: "start-pre"}, plan.Starting, "start-pre"},
		{unitState{active: "activating", sub: "auto-restart", result: "exit-code", status: 1}, plan.Starting, "systemd starts it again by itself: its process ended with exit code 1"},
		{unitState{active: "activating", sub: "auto-restart-queued", result: "signal", status: 9}, plan.Starting, "signal 9 (killed)"},
		{unitState{active: "deactivating", sub: "stop-sigterm"}, plan.Stopping, "stop-sigterm"},
		{unitState{active: "deactivating", sub: "final-sigkill"}, plan.Stopping, "final-sigkill"},
		{unitState{active: "inactive", sub: "dead", load: "loaded"}, plan.Stopped, ""},
		{unitState{active: "inactive", load: "not-found"}, plan.Stopped, "no such unit on this machine"},
		{unitState{active: "inactive", load: "masked"}, plan.Stopped, "masked"},
		{unitState{active: "inactive", load: "bad-setting", loadError: "line 3"}, plan.Stopped, "cannot be used: line 3"},
		{unitState{active: "inactive", unmet: []string{"ConditionHost=a"}}, plan.Stopped, "not met: ConditionHost=a"},
		{unitState{active: "inactive", job: 7}, plan.Starting, "a start is queued"},
		{unitState{active: "inactive", left: []process{{1, "x"}}}, plan.Stopping, "processes of it are left: 1 (x)"},
		{unitState{active: "failed", left: []process{{1, "x"}}}, plan.Stopping, "processes of it are left"},
		{unitState{active: "failed", job: 7}, plan.Starting, "a start is queued"},
		{unitState{active: "failed", result: "exit-code", status: 217}, plan.RunFailed, "217 (its user does not exist)"},
		{unitState{active: "failed", result: "exit-code", status: 2}, plan.RunFailed, "exit code 2"},
		{unitState{active: "failed", result: "core-dump", status: 11}, plan.RunFailed, "signal 11 (segmentation fault)"},
		{unitState{active: "failed", result: "timeout"}, plan.RunFailed, "in the time its unit allows"},
		{unitState{active: "failed", result: "start-limit-hit"}, plan.RunFailed, "too often"},
		{unitState{active: "failed", result: "oom-kill"}, plan.RunFailed, "memory ran out"},
		{unitState{active: "failed", sub: "failed", result: "later"}, plan.RunFailed, "failed, later"},
		{unitState{active: "maintenance", sub: "cleaning"}, plan.RunUnsure, "maintenance (cleaning)"},
		{unitState{}, plan.RunUnsure, "systemd says"},
	} {
		run, detail := c.seen.run()
		if run != c.run || !strings.Contains(detail, c.detail) || (c.detail == "") != (detail == "") {
			t.Errorf("%+v\nreads %q %q\nwant  %q %q", c.seen, run, detail, c.run, c.detail)
		}
	}
}

func TestWhatElseStartsAUnitIsReported(t *testing.T) {
	for _, c := range []struct {
		seen unitState
		want string
	}{
		{unitState{fileState: "disabled"}, ""},
		{unitState{fileState: "static"}, ""},
		{unitState{fileState: "enabled", wantedBy: []string{"multi-user.target"}}, "enabled"},
		{unitState{fileState: "enabled-runtime"}, "enabled-runtime"},
		{unitState{fileState: "static", wantedBy: []string{"voice.target"}}, "wanted by voice.target"},
		{unitState{fileState: "disabled", triggeredBy: []string{"pbx.socket"}}, "triggered by pbx.socket"},
	} {
		if got := c.seen.enabled(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.seen, got, c.want)
		}
	}
}

func TestALongListOfProcessesIsCut(t *testing.T) {
	got := names(make([]process, 500))
	if !strings.HasSuffix(got, "and 495 more") || len(got) > 200 {
		t.Error(got)
	}
}

func TestAnObservationCarriesWhatSystemdKnows(t *testing.T) {
	s, bus := newFakeSystemd(t)
	u := s.add("pbx.service")
	u.enter("active", "running", 4711)()
	u.fileState = "enabled"
	got, err := bus.Unit("pbx").Observe(servicetest.Bounded(t))
	if err != nil || got.Run != plan.Running || got.PID != 4711 || got.Enabled != "enabled" || !got.Since.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAUnitThatDoesNotExistIsSeenDownAndSaysSo(t *testing.T) {
	_, bus := newFakeSystemd(t)
	got, err := bus.Unit("nobody").Observe(servicetest.Bounded(t))
	if err != nil || got.Run != plan.Stopped || got.Detail != "there is no such unit on this machine" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := bus.Unit("nobody").Stop(servicetest.Bounded(t)); err != nil {
		t.Errorf("stop: %v", err)
	}
}
