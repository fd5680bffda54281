package process

import (
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
)

func TestAProcessOfAnotherServiceIsNotTouched(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, "behaves"), newStage(t, "behaves")
	other.marker = s.marker + "2"
	mine, theirs := s.driver(), other.driver()
	must(t, mine.Start)
	must(t, theirs.Start)
	other.up()
	must(t, mine.Stop)
	if got := observed(t, theirs); got.Run != plan.Running {
		t.Errorf("the other service is %+v", got)
	}
}

func TestARecordThatDoesNotFitTheMachineIsNotBelieved(t *testing.T) {
	t.Parallel()
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	me, err := readProc(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]record{
		"of another boot":         {Boot: "other", PID: me.pid, Start: me.start},
		"whose pid was reused":    {Boot: boot, PID: me.pid, Start: me.start + 1},
		"of an earlier, dead pid": {Boot: boot, PID: 1 << 22, Start: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "behaves")
			d := s.driver()
			r.Marker = s.marker
			d.writeRecord(r)
			if got := observed(t, d); !got.Run.Down() {
				t.Errorf("seen as %+v", got)
			}
			must(t, d.Stop)
			must(t, d.Start)
			if got := observed(t, d); got.Run != plan.Running || got.PID == me.pid {
				t.Errorf("after the start %+v", got)
			}
		})
	}
}

func TestADamagedRecordIsSetAsideAndTheProcessStillFound(t *testing.T) {
	attack.Row(t, "accident", "the record of a running process is damaged", "set aside, the process is found")
	t.Parallel()
	s := newStage(t, "behaves")
	d := s.driver()
	must(t, d.Start)
	before := observed(t, d)
	path := filepath.Join(s.folder, recordFile)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := observed(t, s.driver()); got.Run != plan.Running || got.PID != before.PID {
		t.Errorf("seen as %+v, was %+v", got, before)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
}

func TestAStateFolderThatIsGoneKeepsNothingFromRunning(t *testing.T) {
	t.Parallel()
	s := newStage(t, "behaves")
	s.folder = filepath.Join(s.folder, "gone")
	d := s.driver()
	if err := os.RemoveAll(s.folder); err != nil {
		t.Fatal(err)
	}
	must(t, d.Start)
	s.up()
	if got := observed(t, d); got.Run != plan.Running {
		t.Errorf("seen as %+v", got)
	}
	must(t, d.Stop)
	if s.alive() {
		t.Error("the process outlives its stop")
	}
}
