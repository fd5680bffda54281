package process

import (
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
)

// R2: a process that cannot be looked at is not down. A program that may open no more
// files sees nobody.
func TestAProcessIsNotDownForWantOfOpenFiles(t *testing.T) {
	attack.Row(t, "accident", "too many open files while a process runs", "not known whether it runs; the record stays where it is")
	for name, without := range map[string][]string{"recorded": {lockFile}, "found by its marker": {lockFile, recordFile}} {
		s := newStage(t, "behaves")
		d := s.driver()
		must(t, d.Start)
		s.up()
		for _, file := range without {
			if err := os.Remove(filepath.Join(s.folder, file)); err != nil {
				t.Fatal(err)
			}
		}
		for free := range 8 {
			enough := attack.FewFiles(t, free)
			if got, err := d.Observe(t.Context()); got.Run.Down() {
				t.Errorf("%s, with %d more files it is %s: %v", name, free, got.Run, err)
			}
			if free <= 1 { // too few to stop it
				if err := d.Stop(t.Context()); err == nil {
					t.Errorf("%s, with %d more files it counts as stopped", name, free)
				}
			}
			enough()
			if name == "recorded" && free == 0 {
				if _, err := os.Stat(filepath.Join(s.folder, recordFile)); err != nil {
					t.Error(err)
				}
			}
		}
		must(t, d.Stop)
	}
}
