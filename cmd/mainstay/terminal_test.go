package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminal is a program on a terminal of some size, and what a person sees and
// types there.
type terminal struct {
	*pane
	ts     *testscript.TestScript
	master *os.File
	cmd    *exec.Cmd
	ended  chan error
}

// openTerminal is the key of a script's terminal.
type openTerminal struct{}

// terminalBound is how long a text may take to appear.
const terminalBound = time.Minute

// cmdTerminal runs a command on a terminal until a text is seen, and keeps what
// is then seen in the file screen, and whether any of it had a colour in the file
// coloured: terminal 80x24 TEXT COMMAND….
func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal 80x24 TEXT COMMAND…")
	}
	t := newTerminal(ts, args[0], args[2:])
	t.await(args[1])
	t.end()
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(t.text()), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("coloured"), fmt.Appendln(nil, t.coloured), 0o644))
}

// cmdScreen opens a terminal and leaves the command running on it: screen 80x24
// COMMAND…. ! screen CODE waits until it has ended with this exit code.
func cmdScreen(ts *testscript.TestScript, neg bool, args []string) {
	open := ts.Value(openTerminal{}).(*terminal)
	switch {
	case !neg && len(args) > 1:
		*open = *newTerminal(ts, args[0], args[1:])
		ts.Defer(open.end)
	case neg && len(args) == 1:
		open.wait()
		if code := strconv.Itoa(open.cmd.ProcessState.ExitCode()); code != args[0] {
			ts.Fatalf("exit code %s, want %s:\n%s", code, args[0], open.text())
		}
	default:
		ts.Fatalf("usage: screen 80x24 COMMAND… or ! screen CODE")
	}
}

// cmdSees waits until a text is on the open terminal, and keeps what is then seen
// in a file: sees TEXT [FILE].
func cmdSees(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: sees TEXT [FILE]")
	}
	open := ts.Value(openTerminal{}).(*terminal)
	text := open.await(args[0])
	if len(args) == 2 {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
	}
}

// cmdTypes types a line on the open terminal, or Ctrl-C: types TEXT, or types ^C.
func cmdTypes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: types TEXT")
	}
	keys := args[0] + "\n"
	if args[0] == "^C" {
		keys = "\x03"
	}
	_, err := ts.Value(openTerminal{}).(*terminal).master.WriteString(keys)
	ts.Check(err)
}

// newTerminal opens a terminal and starts a command on it.
func newTerminal(ts *testscript.TestScript, size string, args []string) *terminal {
	var rows, cols int
	if _, err := fmt.Sscanf(size, "%dx%d", &cols, &rows); err != nil {
		ts.Fatalf("size %q", size)
	}
	t := &terminal{ts: ts, pane: newPane(rows, cols), ended: make(chan error, 1)}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	t.master = master
	fd := int(master.Fd())
	ts.Check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	ts.Check(err)
	ts.Check(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(cols)}))
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	defer slave.Close()
	t.start(slave, args)
	return t
}

func (t *terminal) start(slave *os.File, args []string) {
	t.cmd = exec.Command(args[0], args[1:]...)
	t.cmd.Dir = t.ts.MkAbs(".")
	t.cmd.Env = append(os.Environ(), "PATH="+t.ts.Getenv("PATH"), "HOME="+t.ts.Getenv("HOME"), "TERM=xterm", "NO_COLOR="+t.ts.Getenv("NO_COLOR"), "SUDO_USER="+t.ts.Getenv("SUDO_USER"),
		"GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=ops", "GIT_AUTHOR_EMAIL=ops@example.org", "GIT_COMMITTER_NAME=ops", "GIT_COMMITTER_EMAIL=ops@example.org")
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = slave, slave, slave
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	t.ts.Check(t.cmd.Start())
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		buf := make([]byte, 4096)
		for {
			n, err := t.master.Read(buf)
			t.take(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		err := t.cmd.Wait()
		<-drawn // the last reader of the other end is gone, so reading ends too
		t.ended <- err
	}()
}

// await waits until a text is on the screen and the screen has come to rest, and
// returns the screen.
func (t *terminal) await(text string) string {
	seen := regexp.MustCompile(text)
	limit := time.NewTimer(terminalBound)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	before := ""
	for {
		now := t.text()
		if now == before && seen.MatchString(now) {
			return now
		}
		before = now
		select {
		case <-tick.C:
		case <-limit.C:
			t.end()
			t.ts.Fatalf("%q was never seen:\n%s", text, now)
		}
	}
}

// end ends the command, if it has not ended by itself.
func (t *terminal) end() {
	if t.master == nil {
		return
	}
	_ = t.cmd.Process.Signal(syscall.SIGINT)
	t.wait()
}

// wait waits until the command has ended and all that it wrote is on the screen.
func (t *terminal) wait() {
	if t.master == nil {
		return
	}
	select {
	case <-t.ended:
	case <-time.After(terminalBound):
		_ = t.cmd.Process.Kill()
		<-t.ended
	}
	_ = t.master.Close()
	t.master = nil
}
