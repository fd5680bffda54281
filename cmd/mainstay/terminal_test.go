package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminal is a program on a terminal of some size, and what a person sees there.
type terminal struct {
	ts     *testscript.TestScript
	rows   int
	master *os.File
	cmd    *exec.Cmd

	mu    sync.Mutex
	lines []string
	y     int
}

// cmdTerminal runs a command on a terminal until a text is seen, and keeps what
// is then seen as stdout: terminal 80x24 TEXT COMMAND…. Lines are cut as a
// terminal does that does not wrap: nothing may be wider.
func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal 80x24 TEXT COMMAND…")
	}
	t := &terminal{ts: ts, lines: []string{""}}
	t.start(args[0], args[2:])
	seen := regexp.MustCompile(args[1])
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !seen.MatchString(t.screen()) {
		select {
		case <-tick.C:
		case <-limit.C:
			t.end()
			ts.Fatalf("%q was never seen:\n%s", args[1], t.screen())
		}
	}
	t.end()
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(t.screen()), 0o644))
}

// start opens a terminal and starts a command on it.
func (t *terminal) start(size string, args []string) {
	var cols int
	if _, err := fmt.Sscanf(size, "%dx%d", &cols, &t.rows); err != nil {
		t.ts.Fatalf("size %q", size)
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	t.ts.Check(err)
	t.master = master
	fd := int(master.Fd())
	t.ts.Check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	t.ts.Check(err)
	t.ts.Check(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(t.rows), Col: uint16(cols)}))
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	t.ts.Check(err)
	defer slave.Close()
	t.cmd = exec.Command(args[0], args[1:]...)
	t.cmd.Dir = t.ts.MkAbs(".")
	t.cmd.Env = append(os.Environ(), "PATH="+t.ts.Getenv("PATH"), "HOME="+t.ts.Getenv("HOME"), "TERM=xterm", "NO_COLOR="+t.ts.Getenv("NO_COLOR"),
		"GIT_AUTHOR_NAME=ops", "GIT_AUTHOR_EMAIL=ops@example.org", "GIT_COMMITTER_NAME=ops", "GIT_COMMITTER_EMAIL=ops@example.org")
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = slave, slave, slave
	t.ts.Check(t.cmd.Start())
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			t.take(string(buf[:n]))
			if err != nil {
				return
			}
		}
	}()
}

func (t *terminal) end() {
	_ = t.cmd.Process.Signal(syscall.SIGINT)
	_ = t.cmd.Wait()
	_ = t.master.Close()
}

// screen is what is on the screen: the last lines of what was written.
func (t *terminal) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines[max(0, len(t.lines)-t.rows):]
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

var escape = regexp.MustCompile(`^\x1b\[([0-9;]*)([A-Za-z])`)

// take carries out what a program wrote: text, line ends, and the few escapes
// that are used here.
func (t *terminal) take(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for text != "" {
		if m := escape.FindStringSubmatch(text); m != nil {
			t.move(m[2], m[1])
			text = text[len(m[0]):]
			continue
		}
		switch c := text[0]; c {
		case '\r':
		case '\n':
			t.y++
			if t.y == len(t.lines) {
				t.lines = append(t.lines, "")
			}
		default:
			t.write(c)
		}
		text = text[1:]
	}
}

// write puts a byte at the end of the present line; a line that is begun anew was
// cleared by the move before.
func (t *terminal) write(c byte) { t.lines[t.y] += string([]byte{c}) }

func (t *terminal) move(what, by string) {
	switch what {
	case "H":
		t.lines, t.y = []string{""}, 0
	case "A":
		n, _ := strconv.Atoi(by)
		t.y = max(0, t.y-n)
		t.lines = append(t.lines[:t.y], "")
	}
}
