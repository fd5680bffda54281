package process

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mainstay/spec"
)

const (
	roleVariable   = "TEST_ROLE"
	socketVariable = "TEST_SOCKET"
	fifoVariable   = "TEST_FIFO"
)

// TestMain lets the test binary be the service and the agent that is killed.
func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "agent":
		agentMain()
	default:
		serviceMain(role)
	}
}

// serviceMain is a service that answers on a socket for as long as it lives.
func serviceMain(role string) {
	if role == "hangs" {
		signal.Ignore(syscall.SIGTERM)
	}
	if role == "parent" {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), roleVariable+"=hangs")
		if err := child.Start(); err != nil {
			panic(err)
		}
		if err := child.Wait(); err != nil {
			panic(err)
		}
		return
	}
	listener, err := net.Listen("unix", os.Getenv(socketVariable))
	if err != nil {
		panic(err)
	}
	fmt.Println("service up")
	// The test reads this when it wants to know; opening waits for it.
	go func() { _ = os.WriteFile(os.Getenv(fifoVariable), []byte("up"), 0) }()
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		_ = conn.Close()
	}
}

// agentMain is an agent that is killed at a step of an operation.
func agentMain() {
	p := spec.ProcessService{Command: []string{os.Args[0]}, Environment: map[string]string{}}
	for _, name := range []string{roleVariable, socketVariable, fifoVariable} {
		p.Environment[name] = os.Getenv("SERVICE_" + name)
	}
	d, err := New(Config{
		Marker: os.Getenv("AGENT_MARKER"), Process: p, Folder: os.Getenv("AGENT_FOLDER"),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		panic(err)
	}
	d.at = func(step string) {
		if step == os.Getenv("AGENT_DIES") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	operation := d.Start
	if os.Getenv("AGENT_STOPS") != "" {
		operation = d.Stop
	}
	if err := operation(context.Background()); err != nil {
		panic(err)
	}
}

// stage is one service of the test binary.
type stage struct {
	t      *testing.T
	marker string
	folder string
	socket string
	fifo   string
	run    spec.ProcessService
	poll   time.Duration
}

func newStage(t *testing.T, role string) *stage {
	folder := t.TempDir()
	// Socket names are short, and the folder's is not.
	name := fmt.Sprintf("%d-%x", os.Getpid(), sha256.Sum256([]byte(folder)))[:40]
	s := &stage{
		t: t, folder: folder, marker: "test/" + name + "/" + role,
		socket: "@mainstay-test-" + name, fifo: filepath.Join(folder, "up"), poll: pollOfTests,
	}
	if err := syscall.Mkfifo(s.fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run = spec.ProcessService{Command: []string{os.Args[0]}, Environment: map[string]string{
		roleVariable: role, socketVariable: s.socket, fifoVariable: s.fifo,
	}}
	return s
}

// driver is what an agent makes at its start.
func (s *stage) driver() *Driver {
	s.t.Helper()
	d, err := New(Config{
		Marker: s.marker, Process: s.run, Folder: s.folder, Poll: s.poll,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopBound)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			s.t.Error(err)
		}
	})
	return d
}

// up waits until the service behaves as its role says.
func (s *stage) up() {
	s.t.Helper()
	// Open for writing too, so that opening waits for nobody.
	f, err := os.OpenFile(s.fifo, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if err := f.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.ReadFull(f, make([]byte, len("up"))); err != nil {
		s.t.Fatalf("the service did not come up: %v", err)
	}
}

// alive asks the service itself.
func (s *stage) alive() bool {
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// killedAgent runs an agent until it is killed at the step.
func (s *stage) killedAgent(dies, stops string) {
	s.t.Helper()
	agent := exec.Command(os.Args[0])
	agent.Env = append(os.Environ(), roleVariable+"=agent",
		"AGENT_MARKER="+s.marker, "AGENT_FOLDER="+s.folder, "AGENT_DIES="+dies, "AGENT_STOPS="+stops)
	for name, value := range s.run.Environment {
		agent.Env = append(agent.Env, "SERVICE_"+name+"="+value)
	}
	out, err := agent.CombinedOutput()
	if err == nil || err.Error() != "signal: killed" {
		s.t.Fatalf("the agent was not killed at %q: %v\n%s", dies, err, out)
	}
}
