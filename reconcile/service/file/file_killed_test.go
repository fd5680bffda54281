package file

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

// killed runs an agent until it is killed at a step of putting the new content
// in place.
func (s *stage) killed(step string) {
	s.t.Helper()
	agent := s.agent("killed")
	agent.Env = append(agent.Env, "TEST_STEP="+step)
	out, err := agent.CombinedOutput()
	if err == nil || err.Error() != "signal: killed" {
		s.t.Fatalf("the agent was not killed at %q: %v\n%s", step, err, out)
	}
}

func (s *stage) agent(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_ROLE="+role, "TEST_FOLDER="+s.folder)
	if s.file().inPlace {
		cmd.Env = append(cmd.Env, "TEST_IN_PLACE=yes")
	}
	return cmd
}

func agentFile() *File {
	f, err := New(specIn(os.Getenv("TEST_FOLDER"), os.Getenv("TEST_IN_PLACE") == ""), nil, []string{os.Getenv("TEST_FOLDER") + "/"})
	if err != nil {
		panic(err)
	}
	return f
}

func killedMain() {
	f := agentFile()
	f.at = func(step string) {
		if step == os.Getenv("TEST_STEP") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if err := f.Apply(context.Background(), []byte(newContent)); err != nil {
		panic(err)
	}
}

func TestAnAgentKilledAtAnyStepLeavesAWholeFileAndTheNextOneFinishes(t *testing.T) {
	for _, step := range []string{"candidate written", "old kept", "replaced", "checked", "reloaded"} {
		t.Run(step, func(t *testing.T) {
			eachCheck(t, func(t *testing.T, s *stage) {
				if step == "checked" && !s.file().inPlace {
					return // there is no such step
				}
				s.killed(step)
				if got := s.read("upstream.conf"); got != oldContent && got != newContent {
					t.Errorf("the file is %q", got)
				}
				s.same(newContent, false)
				check(t, s.apply(newContent))
				s.is(newContent, newContent)
				s.same(newContent, true)
			})
		})
	}
}

// fullMain is an agent that can write no file of more than a few bytes.
func fullMain() {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4, Max: 4}); err != nil {
		panic(err)
	}
	if err := agentFile().Apply(context.Background(), []byte(newContent)); err != nil {
		os.Exit(9)
	}
}

func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	eachCheck(t, func(t *testing.T, s *stage) {
		out, err := s.agent("full").CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 9 {
			t.Errorf("got %v\n%s", err, out)
		}
		s.is(oldContent, oldContent)
		s.same(oldContent, true)
	})
}
