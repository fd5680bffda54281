//go:build onhost

package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

// These tests run on a host with a systemd of its own, as root. They are built
// as a program with -tags onhost and carried there by the e2e tests.

const (
	unitFolder = "/run/systemd/system"
	sleeper    = "ExecStart=/bin/sleep infinity"
	stubborn   = "TimeoutStopSec=infinity\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'"
)

func realBus(t *testing.T) *Bus {
	b := NewBus(slog.New(slog.DiscardHandler))
	t.Cleanup(b.Close)
	return b
}

func systemctl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("systemctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// install writes a unit, whose sections are given as text, and removes it with
// the test. A body without a section is that of a service.
func install(t *testing.T, name, body string) {
	t.Helper()
	if !strings.HasPrefix(body, "[") {
		body = "[Service]\n" + body
	}
	path := filepath.Join(unitFolder, name)
	if err := os.WriteFile(path, []byte(body+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	systemctl(t, "daemon-reload")
	t.Cleanup(func() {
		_ = exec.Command("systemctl", "kill", "--signal=SIGKILL", name).Run()
		_ = exec.Command("systemctl", "stop", name).Run()
		_ = exec.Command("systemctl", "reset-failed", name).Run()
		_ = os.Remove(path)
		systemctl(t, "daemon-reload")
	})
}

// populated asks the kernel whether a unit has processes.
func populated(unit string) bool {
	events, err := os.ReadFile("/sys/fs/cgroup/system.slice/" + unit + "/cgroup.events")
	return err == nil && strings.Contains(string(events), "populated 1")
}

func TestOnHostConformance(t *testing.T) {
	bodies := map[servicetest.Behaviour]string{
		servicetest.Behaves:      sleeper,
		servicetest.Hangs:        stubborn,
		servicetest.FailsToStart: "Type=exec\nExecStart=/nonexistent",
	}
	number := 0
	servicetest.Run(t, servicetest.Fixture{
		StopBound: 3 * time.Second, // a real systemd on a busy machine
		New: func(t *testing.T, b servicetest.Behaviour) servicetest.Subject {
			number++
			name := fmt.Sprintf("conforming-%d.service", number)
			install(t, name, bodies[b])
			return servicetest.Subject{
				Driver:       realBus(t).Unit(name),
				Alive:        func() bool { return populated(name) },
				Crash:        func(t *testing.T) { systemctl(t, "kill", "--signal=SIGKILL", name) },
				StartOutside: func(t *testing.T) { systemctl(t, "start", name) },
			}
		},
		Forces:  true,
		Outside: true,
	})
}

func TestOnHostUnstartable(t *testing.T) {
	bus := realBus(t)
	install(t, "cond.service", "[Unit]\nConditionPathExists=/never/there\n[Service]\n"+sleeper)
	servicetest.Wants(t, bus.Unit("cond").Start(servicetest.Bounded(t)), service.ErrRefused, "ConditionPathExists=/never/there")
	install(t, "asserted.service", "[Unit]\nAssertPathExists=/never/there\n[Service]\n"+sleeper)
	servicetest.Wants(t, bus.Unit("asserted").Start(servicetest.Bounded(t)), service.ErrRefused, "AssertPathExists=/never/there")
	install(t, "bad.service", "Type=nonsense\nUser=root")
	servicetest.Wants(t, bus.Unit("bad").Start(servicetest.Bounded(t)), service.ErrRefused, "unit file cannot be used")
	servicetest.Wants(t, bus.Unit("nobody-knows-it").Start(servicetest.Bounded(t)), service.ErrNotFound)
	servicetest.Wants(t, bus.Unit("template@").Start(servicetest.Bounded(t)), service.ErrRefused, "template@.service")
	systemctl(t, "mask", "--runtime", "hidden.service")
	t.Cleanup(func() { systemctl(t, "unmask", "--runtime", "hidden.service") })
	servicetest.Wants(t, bus.Unit("hidden").Start(servicetest.Bounded(t)), service.ErrMasked, "systemctl unmask")
	install(t, "broken-need.service", "Type=oneshot\nExecStart=/bin/false")
	install(t, "needy.service", "[Unit]\nRequires=broken-need.service\nAfter=broken-need.service\n[Service]\n"+sleeper)
	servicetest.Wants(t, bus.Unit("needy").Start(servicetest.Bounded(t)), service.ErrFailed, "depends on")
	install(t, "manual.service", "[Unit]\nRefuseManualStart=yes\n[Service]\n"+sleeper)
	servicetest.Wants(t, bus.Unit("manual").Start(servicetest.Bounded(t)), service.ErrRefused)
	install(t, "slow.service", "Type=notify\nTimeoutStartSec=300ms\n"+sleeper)
	servicetest.Wants(t, bus.Unit("slow").Start(servicetest.Bounded(t)), service.ErrFailed, "in the time its unit allows")
}

func TestOnHostFlappingUnitStartsAsOftenAsAsked(t *testing.T) {
	install(t, "flap.service", "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n[Service]\n"+sleeper)
	unit := realBus(t).Unit("flap")
	for range 4 {
		if err := unit.Start(servicetest.Bounded(t)); err != nil {
			t.Fatal(err)
		}
		systemctl(t, "kill", "--signal=SIGKILL", "flap.service")
		woken := servicetest.Watched(t, unit)
		for seen := servicetest.Observed(t, unit); !seen.Run.Down(); seen = servicetest.Observed(t, unit) {
			servicetest.Await(t, "the end", woken)
		}
	}
}

func TestOnHostAUnitThatSystemdRestartsIsNotDownUntilStopped(t *testing.T) {
	install(t, "again.service", "Restart=always\nRestartSec=1h\n"+sleeper)
	unit := realBus(t).Unit("again")
	if err := unit.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	woken := servicetest.Watched(t, unit)
	systemctl(t, "kill", "--signal=SIGKILL", "again.service")
	for seen := servicetest.Observed(t, unit); seen.Run != plan.Starting; seen = servicetest.Observed(t, unit) {
		servicetest.Await(t, "auto-restart", woken)
	}
	if seen := servicetest.Observed(t, unit); !strings.Contains(seen.Detail, "by itself: its process was ended by signal 9") {
		t.Errorf("%+v", seen)
	}
	if err := unit.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, unit); seen.Run != plan.Running {
		t.Errorf("an order does not wait for the hour to pass: %+v", seen)
	}
	systemctl(t, "kill", "--signal=SIGKILL", "again.service")
	for seen := servicetest.Observed(t, unit); seen.Run != plan.Starting; seen = servicetest.Observed(t, unit) {
		servicetest.Await(t, "auto-restart again", woken)
	}
	if err := unit.Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, unit); seen.Run != plan.Stopped {
		t.Errorf("%+v", seen)
	}
}

func TestOnHostProcessesThatOutliveTheirUnitAreSeenAndKilled(t *testing.T) {
	install(t, "leaver.service", "KillMode=process\nExecStart=/bin/sh -c 'sleep 1000 & exec sleep 2000'")
	unit := realBus(t).Unit("leaver")
	if err := unit.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	servicetest.Until(t, "the child", func() bool {
		procs, _ := os.ReadFile("/sys/fs/cgroup/system.slice/leaver.service/cgroup.procs")
		return strings.Count(string(procs), "\n") == 2
	})
	systemctl(t, "stop", "leaver.service")
	if seen := servicetest.Observed(t, unit); seen.Run != plan.Stopping || !strings.Contains(seen.Detail, "sleep 1000") {
		t.Errorf("%+v", seen)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := unit.Stop(ctx); err != nil {
		t.Error(err)
	}
	if populated("leaver.service") {
		t.Error("a process is left")
	}
}

func TestOnHostTargetsAndInstances(t *testing.T) {
	install(t, "pbx@.service", "[Unit]\nPartOf=voice.target\n[Service]\n"+sleeper)
	install(t, "voice.target", "[Unit]\nWants=pbx@paris.service\nAfter=pbx@paris.service")
	bus := realBus(t)
	target, instance := bus.Unit("voice.target"), bus.Unit("pbx@paris")
	if err := target.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	seen := servicetest.Observed(t, instance)
	if seen.Run != plan.Running || seen.PID == 0 || seen.Enabled != "wanted by voice.target" {
		t.Errorf("%+v", seen)
	}
	if err := target.Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := instance.Stop(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	if servicetest.Observed(t, target).Run != plan.Stopped || populated("pbx@paris.service") {
		t.Error("the target or its service is still up")
	}
}

func TestOnHostAnEnabledUnitIsReported(t *testing.T) {
	install(t, "boot.service", sleeper+"\n[Install]\nWantedBy=multi-user.target")
	unit := realBus(t).Unit("boot")
	woken := servicetest.Watched(t, unit)
	systemctl(t, "enable", "--runtime", "boot.service")
	servicetest.Await(t, "the wake by the unit's enabling", woken)
	servicetest.Until(t, "enabled", func() bool { return servicetest.Observed(t, unit).Enabled == "enabled-runtime" })
	systemctl(t, "disable", "--runtime", "boot.service")
}

func TestOnHostABusThatRestartsIsSurvived(t *testing.T) {
	install(t, "bus.service", sleeper)
	unit := realBus(t).Unit("bus")
	woken := servicetest.Watched(t, unit)
	for _, how := range [][]string{{"restart", "dbus.service"}, {"kill", "--signal=SIGKILL", "dbus.service"}, {"daemon-reexec"}} {
		systemctl(t, how...)
		servicetest.Until(t, fmt.Sprintf("%v: a start", how), func() bool { return unit.Start(servicetest.Bounded(t)) == nil })
		if !populated("bus.service") {
			t.Fatalf("%v: not started", how)
		}
		servicetest.Forget(woken)
		systemctl(t, "kill", "--signal=SIGKILL", "bus.service")
		for seen := servicetest.Observed(t, unit); !seen.Run.Down(); seen = servicetest.Observed(t, unit) {
			servicetest.Await(t, fmt.Sprintf("%v: the wake by a crash", how), woken)
		}
	}
}

func TestOnHostWithoutAMessageBus(t *testing.T) {
	install(t, "alone.service", sleeper)
	systemctl(t, "stop", "dbus.socket", "dbus.service")
	t.Cleanup(func() { systemctl(t, "start", "dbus.socket", "dbus.service") })
	unit := realBus(t).Unit("alone")
	woken := servicetest.Watched(t, unit)
	if err := unit.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	servicetest.Forget(woken)
	pid := servicetest.Observed(t, unit).PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for seen := servicetest.Observed(t, unit); !seen.Run.Down(); seen = servicetest.Observed(t, unit) {
		servicetest.Await(t, "the wake by a crash", woken)
	}
}

func TestOnHostMeasureHealing(t *testing.T) {
	install(t, "heal.service", sleeper)
	unit := realBus(t).Unit("heal")
	woken := servicetest.Watched(t, unit)
	if err := unit.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	var order, whole []time.Duration
	for range 50 {
		pid := servicetest.Observed(t, unit).PID
		servicetest.Forget(woken)
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for !servicetest.Observed(t, unit).Run.Down() {
			servicetest.Await(t, "the crash", woken)
		}
		order = append(order, time.Since(began))
		if err := unit.Start(servicetest.Bounded(t)); err != nil {
			t.Fatal(err)
		}
		whole = append(whole, time.Since(began))
	}
	slices.Sort(order)
	slices.Sort(whole)
	t.Logf("killed to start order: median %v, worst %v; to running: median %v, worst %v", order[25], order[49], whole[25], whole[49])
}

func TestOnHostMeasureObserving(t *testing.T) {
	bus := realBus(t)
	var units []*Unit
	for i := range 30 {
		name := fmt.Sprintf("idle-%d.service", i)
		install(t, name, sleeper)
		units = append(units, bus.Unit(name))
		if err := units[i].Start(servicetest.Bounded(t)); err != nil {
			t.Fatal(err)
		}
		servicetest.Watched(t, units[i])
	}
	const rounds = 20
	own, other := cpu(t, os.Getpid()), cpu(t, 1)
	began := time.Now()
	for range rounds {
		for _, u := range units {
			servicetest.Observed(t, u)
		}
	}
	n := time.Duration(rounds * len(units))
	t.Logf("one observation: %v, CPU of the agent %v, of systemd %v",
		time.Since(began)/n, (cpu(t, os.Getpid())-own)/n, (cpu(t, 1)-other)/n)
}

// cpu is the time a process has used, in steps of 10 ms.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system int
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * 10 * time.Millisecond
}
