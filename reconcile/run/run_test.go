package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
	"mainstay/reconcile/service"
)

func sh(script string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", script, "sh"}, args...)
}

func TestTheResultIsExitCodeAndTheEndOfBothOutputs(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   Result
		reason string
	}{
		"success":   {"true", Result{}, "exit status 0"},
		"failure":   {"echo one; echo two >&2; exit 3", Result{Code: 3, Output: "one\ntwo"}, "exit status 3: one\ntwo"},
		"signal":    {"kill -9 $$", Result{Code: -1, Signal: "signal: killed"}, "ended by signal: killed"},
		"not UTF-8": {`printf 'a\377b'`, Result{Output: "a?b"}, "exit status 0: a?b"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Command(t.Context(), sh(c.script))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Reason() != c.reason {
				t.Errorf("reason %q, want %q", got.Reason(), c.reason)
			}
		})
	}
}

func TestOnlyTheEndOfALongOutputIsKept(t *testing.T) {
	got, err := Command(t.Context(), sh("head -c 200000 /dev/zero | tr '\\0' x; echo end"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Output) > MaxOutput+len("… ") || !strings.HasSuffix(got.Output, "xend") {
		t.Errorf("%d bytes, ending in %q", len(got.Output), got.Output[len(got.Output)-10:])
	}
}

func TestTheWholeGroupIsKilledAtTheBound(t *testing.T) {
	attack.Row(t, "services", "a command leaves children that hang", "killed with it at its bound")
	lock := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(lock, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := Command(ctx, sh(`sleep 600 > "$1" & sleep 600`, lock))
		ended <- err
	}()
	// Opening waits for the grandchild; its end is the end of the file.
	f, err := os.Open(lock)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled command: %v", err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the grandchild still holds the file: %d, %v", n, err)
	}
}

func TestABoundThatPassesIsATimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Command(ctx, sh("echo working; sleep 600")); !errors.Is(err, service.ErrTimeout) {
		t.Errorf("got %v", err)
	}
}

func TestADaemonLeftBehindDoesNotHoldTheResultUp(t *testing.T) {
	got, err := Command(t.Context(), sh("sleep 600 & echo $!"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Command(t.Context(), []string{"kill", got.Output}); err != nil {
		t.Error(err)
	}
}

func TestErrorsSayWhatKind(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]error{
		"/nonexistent/program": service.ErrNotFound,
		"no-such-program-here": service.ErrNotFound,
		text:                   service.ErrRefused,
	} {
		if _, err := Command(t.Context(), []string{program}); !errors.Is(err, want) {
			t.Errorf("%s: %v is not %v", program, err, want)
		}
	}
	if _, err := Command(t.Context(), nil); err == nil {
		t.Error("an empty command was run")
	}
}

func TestTheServiceManagersVariablesAreTheAgentsAlone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/agent")
	t.Setenv("OTHER", "kept")
	got, err := Command(t.Context(), sh("echo $NOTIFY_SOCKET-$OTHER"))
	if err != nil || got.Output != "-kept" {
		t.Errorf("%+v, %v", got, err)
	}
}

// The agent may have been started in a checkout of the repository by hand.
func TestACommandRunsInTheRootFolder(t *testing.T) {
	attack.Row(t, "services", "a program that loads what lies in its folder, under an agent that runs in a checkout", "it runs in /")
	got, err := Command(t.Context(), sh("pwd"))
	if err != nil || got.Output != "/" {
		t.Errorf("%q, %v", got.Output, err)
	}
}
