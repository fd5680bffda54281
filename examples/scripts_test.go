package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mainstay/e2e/attack"
)

// A shell that is bash runs what stands in brackets in a number, and takes a number with a
// zero before it for another one.
func TestReplicationAgeTakesADurationOnly(t *testing.T) {
	attack.Row(t, "services", "an argument of replication-age that a shell would run", "refused, nothing is run")
	shells := []string{"/bin/sh"}
	if bash, err := exec.LookPath("bash"); err == nil {
		shells = append(shells, bash)
	}
	trap := filepath.Join(t.TempDir(), "trap")
	for _, shell := range shells {
		for age, fine := range map[string]bool{
			"2h": true, "90": true, "30m": true, "1d": true, "45s": true,
			"PATH[$(touch " + trap + ")]h": false, "$(touch " + trap + ")h": false, "2h;touch " + trap: false, "-1h": false, "08h": false, "0x10h": false,
			"": false, "h": false, "1 h": false, "1\nh": false, "99999999999h": false, "2h2": false,
		} {
			out, _ := exec.Command(shell, "scripts/replication-age", "--max", age).CombinedOutput()
			if refused := strings.HasSuffix(string(out), "is not a number with s, m, h or d behind it\n"); refused == fine {
				t.Errorf("%s %q: %s", shell, age, out)
			}
		}
	}
	if _, err := os.Stat(trap); err == nil {
		t.Error("an argument was run")
	}
}
