package process

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

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
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	s := newStage(t, "behaves")
	d := s.driver()
	fake := exec.Command("/bin/sleep", "600")
	fake.Env = []string{d.marker, d.home}
	fake.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- fake.Wait() }()
	t.Cleanup(func() {
		_ = fake.Process.Kill()
		<-ended
	})
	if seen := servicetest.Observed(t, d); seen.Run == plan.Running {
		t.Errorf("it is believed: %+v", seen)
	}
	// Out of the agent's control group it is nobody of the service at all.
	d.group = "0::/system.slice/mainstay.service\n"
	if seen := servicetest.Observed(t, d); !seen.Run.Down() {
		t.Errorf("out of the agent's control group it counts: %+v", seen)
	}
	if err := d.Start(servicetest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	s.up()
	if seen := servicetest.Observed(t, d); seen.Run != plan.Running || seen.PID == fake.Process.Pid {
		t.Errorf("%+v", seen)
	}
}
