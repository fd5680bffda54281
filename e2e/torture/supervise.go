package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// supervise runs the work in a session of its own and cleans up after it. The
// worker reads a pipe that ends with this process, however that ends, and then
// cleans up by itself.
func supervise(args []string) int {
	dir, err := os.MkdirTemp("", "mainstay-torture-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	c := exec.Command(self, append([]string{"work", "-dir", dir}, args...)...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() { <-signals; _ = pipe.Close() }()
	err = c.Wait()
	endAll(dir)
	_ = os.RemoveAll(dir)
	if err != nil {
		return 1
	}
	return 0
}

// untilParentEnds returns a context that ends with the supervisor, after which
// everything of the runs is cleaned up even if nobody waits for this process.
func untilParentEnds(ctx context.Context, dir string) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // it only ever ends
		cancel()
		pause(context.Background(), 2*time.Second)
		endAll(dir)
		_ = os.RemoveAll(dir)
		os.Exit(1)
	}()
	return ctx
}

// endAll kills every process whose command line names the folder, until none is
// left: agents, guards, services and what they started.
func endAll(dir string) {
	for range 50 {
		found := named(dir)
		if len(found) == 0 {
			return
		}
		for _, pid := range found {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		pause(context.Background(), 20*time.Millisecond)
	}
}

// named lists the processes whose command line names a folder, without this one
// and the worker.
func named(dir string) []int {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	var found []int
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(b, []byte(dir)) || bytes.Contains(b, []byte("\x00work\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() && pid != os.Getppid() && running(pid) {
			found = append(found, pid)
		}
	}
	return found
}

// running tells a process from a zombie.
func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := bytes.Cut(b[bytes.LastIndexByte(b, ')'):], []byte(" "))
	return len(after) > 0 && after[0] != 'Z' && after[0] != 'X'
}

// fence plays the reboot of a node: everything of it ends at once.
func fence(args []string) int {
	if len(args) != 1 {
		return 2
	}
	_ = os.WriteFile(filepath.Join(args[0], "fenced"), nil, 0o644)
	for _, pid := range named(args[0] + "/") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return 0
}

// pause waits, and returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
