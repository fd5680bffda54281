package task

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mainstay/reconcile/run"
)

func TestExecRunsACommandToItsEnd(t *testing.T) {
	for name, c := range map[string]struct{ script, output, err string }{
		"good":         {"echo one; echo two >&2", "one\ntwo", ""},
		"bad":          {"echo why; exit 3", "why", "exit code 3"},
		"signal":       {"kill -9 $$", "", "ended by signal: killed"},
		"long":         {"yes x | head -c 100000", "… " + strings.TrimSpace(strings.Repeat("x\n", run.MaxOutput/2)), ""},
		"not UTF-8":    {`printf 'a\377b'`, "a?b", ""},
		"leaves a job": {"sleep 600 & echo left", "left", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Exec{Grace: 50 * time.Millisecond}.Run(t.Context(), []string{"/bin/sh", "-c", c.script})
			if out != c.output || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("%q, %v; want %q, %q", out, err, c.output, c.err)
			}
		})
	}
	if _, err := (Exec{}).Run(t.Context(), []string{"/no/such/program"}); err == nil || !strings.Contains(err.Error(), "no such program") {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestExecEndsTheWholeGroup(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "alive")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	up, err := os.OpenFile(pipe, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	alive, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		// Both hold the pipe open; the child ignores the request to end.
		script := `exec 3>"$1"; (trap '' TERM; echo up >&3; sleep 600) & wait`
		_, err := Exec{Grace: 50 * time.Millisecond}.Run(ctx, []string{"/bin/sh", "-c", script, "sh", pipe})
		done <- err
	}()
	b := make([]byte, 3)
	_ = up.SetReadDeadline(time.Now().Add(testBound))
	if _, err := up.Read(b); err != nil {
		t.Fatalf("the child never came up: %v", err)
	}
	_ = up.Close()
	cancel(errors.New("the node is Inactive"))
	if err := <-done; err == nil || err.Error() != "the node is Inactive" {
		t.Errorf("got %v, want why it was ended", err)
	}
	_ = alive.SetReadDeadline(time.Now().Add(testBound))
	if n, err := alive.Read(b); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("somebody of the group is still alive: %d, %v", n, err)
	}
}
