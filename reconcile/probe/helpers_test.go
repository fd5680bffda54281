package probe

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"mainstay/spec"
)

// short is the bound of tries that are meant to run into it.
const short = spec.Duration(200 * time.Millisecond)

// long is the bound of tries that are meant to end before it.
const long = spec.Duration(10 * time.Second)

// boundFor is short only where the error to come speaks of it, so that a busy
// machine does not turn another error into that one.
func boundFor(says string) spec.Duration {
	if strings.Contains(says, short.String()) {
		return short
	}
	return long
}

func ask(t *testing.T, p spec.Probe) error {
	t.Helper()
	f, err := New(p)
	if err != nil {
		t.Fatalf("New(%+v): %v", p, err)
	}
	return f(context.Background())
}

func wantAnswer(t *testing.T, p spec.Probe) {
	t.Helper()
	if err := ask(t, p); err != nil {
		t.Errorf("want an answer, got: %v", err)
	}
}

// wantError checks that the error says all of the given parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("want an error that says %q, got an answer", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// serveTCP hands every connection to handle and closes it afterwards.
func serveTCP(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

// silent reads all that comes and says nothing.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// nobody returns an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// leavesNothing runs tries and waits until no more goroutines and files are
// there than before.
func leavesNothing(t *testing.T, tries func()) {
	t.Helper()
	tries() // The first run starts what the runtime keeps, such as its poller.
	goroutines, files := settled(t)
	tries()
	clean := until(func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files })
	if !clean {
		stacks := make([]byte, 1<<16)
		t.Fatalf("%d goroutines and %d files before, %d and %d after\n%s", goroutines, files,
			runtime.NumGoroutine(), openFiles(t), stacks[:runtime.Stack(stacks, true)])
	}
}

// until waits for a state that nothing tells of.
func until(is func() bool) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	bound := time.After(5 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-bound:
			return false
		}
	}
	return true
}

// settled waits until the counts stay the same for a while: the servers of the
// test notice the end of a connection a little later than the probe.
func settled(t *testing.T) (goroutines, files int) {
	t.Helper()
	same := 0
	until(func() bool {
		g, f := runtime.NumGoroutine(), openFiles(t)
		if same++; g != goroutines || f != files {
			goroutines, files, same = g, f, 0
		}
		return same >= 20
	})
	return goroutines, files
}
