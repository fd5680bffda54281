package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/servicetest"
)

// Two agents of one node name on one machine never take each other's services for
// their own.
func TestAServiceOfAnotherStateFolderIsSomebodyElses(t *testing.T) {
	s := newStage(t, "behaves")
	first := s.driver()
	if err := first.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	s.up()
	twin := *s
	twin.folder = t.TempDir()
	second := twin.driver()
	if seen := servicetest.Observed(t, second); !seen.Run.Down() {
		t.Errorf("the other agent sees %+v", seen)
	}
	if err := second.Stop(servicetest.Bounded(t)); err != nil || !s.alive() {
		t.Errorf("the other agent's stop: %v, the service lives: %v", err, s.alive())
	}
	if out, err := exec.Command("/bin/sh", "-c", second.StopByHand()).CombinedOutput(); err != nil || !s.alive() {
		t.Errorf("the other agent's command: %v, %s, the service lives: %v", err, out, s.alive())
	}
	// The next agent of the first folder finds it without a record.
	if err := os.Remove(s.folder + "/" + recordFile); err != nil {
		t.Fatal(err)
	}
	if seen := servicetest.Observed(t, s.driver()); seen.Run != plan.Running {
		t.Errorf("the next agent sees %+v", seen)
	}
}

// Anybody can set a variable: a marker is no proof that the service runs.
func TestAMarkerSetByAnotherUserProvesNothing(t *testing.T) {
	attack.Row(t, "local user", "a process of another user with the marker of a service", "not taken for the service")
	s := newStage(t, "behaves")
	d := s.driver()
	fake := exec.Command("/bin/sleep", "600")
	fake.Env = []string{d.marker, d.home}
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- fake.Wait() }()
	t.Cleanup(func() {
		_ = fake.Process.Kill()
		<-ended
	})
	if seen := servicetest.Observed(t, d); seen.Run != plan.Running {
		t.Errorf("one of the agent's own user: %+v", seen)
	}
	// To an agent of another user in another control group it is nobody.
	d.user, d.group = "somebody else", "0::/system.slice/mainstay.service\n"
	if seen := servicetest.Observed(t, d); !seen.Run.Down() {
		t.Errorf("one of another user: %+v", seen)
	}
	if err := d.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	s.up()
	if seen := servicetest.Observed(t, d); seen.Run != plan.Running || seen.PID == fake.Process.Pid {
		t.Errorf("the service itself: %+v", seen)
	}
}

// su waits for a password with the variables of whoever ran it, and root's rights.
func TestAMarkerOfAProgramThatLendsItsRightsProvesNothing(t *testing.T) {
	attack.Row(t, "local user", "su or sudo, kept waiting with the marker of a service", "not taken for the service")
	s := newStage(t, "behaves")
	d := s.driver()
	d.group = "0::/system.slice/mainstay.service\n"
	lends := filepath.Join(t.TempDir(), "su")
	b, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lends, b, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(lends, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	fake := exec.Command(lends, "600")
	fake.Env = []string{d.marker}
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = fake.Process.Kill()
		_ = fake.Wait()
	})
	if seen := servicetest.Observed(t, d); !seen.Run.Down() {
		t.Errorf("%+v", seen)
	}
	for status, want := range map[string]bool{
		"Name:\tx\nUid:\t7\t7\t7\t7\nGid:\t1\n": true, "Name:\tx\nUid:\t65534\t7\t7\t7\n": false, "Name:\tx\nUid:\t7\t8\t8\t8\n": false,
		"Name:\tx\n": false, "Name:\tx\nUid:\n": false, "": false,
	} {
		if got := actsOnlyAs([]byte(status), "7"); got != want {
			t.Errorf("%q: %v", status, got)
		}
	}
}

// A machine without control groups tells nothing of who started what: such a process
// may be left of the service, and is no proof that it runs.
func TestOnlyAControlGroupThatIsNotTheRootTellsApart(t *testing.T) {
	for groups, want := range map[string]bool{
		"0::/\n": false, "": false, "0::/system.slice/mainstay.service\n": true,
		"12:pids:/a\n0::/\n": false,
	} {
		if got := meaningful(groups); got != want {
			t.Errorf("%q: %v", groups, got)
		}
	}
	d := &Driver{user: "somebody else"}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	d.group = string(b)
	want := map[bool]standing{true: own, false: doubtful}[meaningful(d.group)]
	if got := d.standingOf(os.Getpid()); got != want {
		t.Errorf("in the agent's group: %d, want %d", got, want)
	}
}
