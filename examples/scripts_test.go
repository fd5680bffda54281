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

// What a XiVO's own files say is shown and never run, and nothing in it reaches a terminal
// as it came; what cannot be looked at is said to be not known.
func TestTheScriptsOfAXivoTrustNoFile(t *testing.T) {
	attack.Row(t, "services", "control characters in a cron line, and a list of units that a shell would run", "shown as text, or refused; nothing is run")
	root, trap := t.TempDir(), filepath.Join(t.TempDir(), "trap")
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("etc/cron.d/xivo-ha-slave", "# xivo-sync\n* * * * * root xivo-check-master-status \x1b[2J$(touch "+trap+") "+strings.Repeat("x", 1000)+"\n")
	put("etc/cron.weekly/copy", "sh -c \"x=#; xivo-sync\"\n")
	put("etc/systemd/system/copy.service", "[Service]\nExecStart=/usr/bin/xivo-sync\n")
	put("etc/cron.daily/comment", "  # xivo-sync\n")
	put("etc/xivo/ha.conf", `{"mode": "Automatic"}`)
	put("usr/share/xivo/XIVO-VERSION", "1\x1b[2J\n")
	put("var/lib/mainstay-replication/peer-version", "2\n")
	list := put("etc/mainstay/xivo-units", "a.service;touch "+trap+"\n$(touch "+trap+").service\n--all\n")
	out, err := exec.Command("/bin/sh", "scripts/xivo-conflicts", "--root", root).CombinedOutput()
	if err == nil || strings.ContainsAny(string(out), "\x1b") || len(out) > 2000 {
		t.Errorf("%v: %q", err, out)
	}
	for _, want := range []string{"/etc/cron.d/xivo-ha-slave starts services", "/etc/cron.weekly/copy copies", "/etc/systemd/system/copy.service copies", "/etc/xivo/ha.conf has XiVO fail over by itself", "names what is no unit", "this side has version 1[2J and the other one has 2"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q: %q", want, out)
		}
	}
	if strings.Contains(string(out), "cron.daily") {
		t.Errorf("a comment fights: %s", out)
	}
	for text, want := range map[string]string{"a.service;touch " + trap: "names what is no unit", "--all": "names what is no unit", "# nothing": "names no unit"} {
		put("etc/mainstay/xivo-units", text+"\n")
		for _, order := range []string{"start", "status"} {
			c := exec.Command("/bin/sh", "scripts/xivo-services", order)
			c.Env = append(c.Environ(), "XIVO_UNITS="+list, "XIVO_GATE="+trap)
			out, err := c.CombinedOutput()
			if c.ProcessState.ExitCode() != 4 || !strings.Contains(string(out), want) {
				t.Errorf("%s of %q: %v: %q", order, text, err, out)
			}
		}
	}
	if _, err := os.Stat(trap); err == nil {
		t.Error("a file was run")
	}
}

// A list that names a unit which is not there any more stops nobody from stopping the rest.
func TestWhatCannotBeSeenIsStoppedAllTheSame(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bin/systemctl": `#!/bin/sh
echo "$*" >>"$LOG"
case $* in
"show"*gone*) printf 'LoadState=not-found\nActiveState=inactive\nControlGroup=\n' ;;
"show"*) printf 'LoadState=loaded\nActiveState=active\nControlGroup=\n' ;;
esac
`,
		"bin/xivo-manage-slave-services": "#!/bin/sh\necho manage \"$1\" >>\"$LOG\"\n",
		"units":                          "asterisk.service\ngone.service\nmonit.service\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "log")
	c := exec.Command("/bin/sh", "scripts/xivo-services", "stop")
	c.Env = append(c.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "LOG="+log, "XIVO_UNITS="+filepath.Join(dir, "units"), "XIVO_GATE="+filepath.Join(dir, "gate"))
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 4 || !strings.Contains(string(out), "there is no unit gone.service") {
		t.Errorf("%v: %s", err, out)
	}
	did, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if want := "manage stop\nstop -- monit.service\nstop -- gone.service\nstop -- asterisk.service\n"; !strings.HasPrefix(string(did), want) {
		t.Errorf("it did\n%s", did)
	}
}
