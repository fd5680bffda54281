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

// What a switch leaves behind is counted, said with its place, and nothing is said of
// nothing. What cannot be looked at is not nothing.
func TestWhatStaysBehindIsCounted(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(want string, fine bool, script string, args ...string) {
		t.Helper()
		out, err := exec.Command("/bin/sh", append([]string{"scripts/" + script}, args...)...).CombinedOutput()
		if strings.TrimSpace(string(out)) != want || (err == nil) != fine {
			t.Errorf("%s %q: %q, %v", script, args, out, err)
		}
	}
	mail := filepath.Join(dir, "mail")
	run("there is no folder "+mail, false, "left-voicemail", mail)
	put("mail/default/100/INBOX/greet.wav", "")
	run("", true, "left-voicemail", mail)
	put("mail/default/100/INBOX/msg0000.txt", "")
	put("mail/default/100/INBOX/msg0000.wav", "")
	put("mail/default/1 0/Old/msg0001.txt", "")
	run("2 in "+mail, true, "left-voicemail", mail)
	run("2 in "+mail, true, "left-voicemail", "--since", filepath.Join(dir, "never"), mail)
	run("", true, "left-voicemail", "--since", put("copied", ""), mail)
	records := filepath.Join(dir, "Master.csv")
	run("", true, "left-cdr", records)
	put("Master.csv", "\"a\"\n\"b\"\n")
	run("2 in "+records, true, "left-cdr", records)
	run("", true, "left-cdr", "--since", put("copied2", ""), records)
}
