//go:build e2e

package browser

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The people of the page, each named by the role that the file of users gives.
const (
	switcher = "switcher"
	second   = "second"
	reader   = "reader"
	leaver   = "leaver"
	keyboard = "keyboard"
	password = "correct horse"
)

// site is a demo deployment with real agents and real git, and a console of it where
// people sign in: processes of the program that ships. All tests share one, and each
// leaves it in order.
type site struct {
	dir     string
	program string
	// demo is the demo's folder, git the repository as the console knows it: a link, so
	// that it can be taken away from the console alone.
	demo, git, bare string
	page            string
	demoRun, served *process
	browser         *Browser
}

// shared is the site of this process.
var shared *site

func TestMain(m *testing.M) {
	code, err := play(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// play makes the site, runs the tests, and takes the site away.
func play(m *testing.M) (code int, err error) {
	runtime.LockOSThread() // what was started ends with the thread that started it
	shared = &site{}
	if shared.dir, err = os.MkdirTemp("", "mainstay-page-"); err != nil {
		return 1, err
	}
	defer func() {
		err = errors.Join(err, shared.end(code != 0 || err != nil))
	}()
	for _, step := range []func() error{shared.build, shared.startDemo, shared.addUsers, shared.serve, shared.browse} {
		if err := step(); err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}

func (s *site) build() error {
	s.program = filepath.Join(s.dir, "mainstay")
	c := exec.Command("go", "build", "-o", s.program, "./cmd/mainstay")
	c.Dir, c.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// startDemo starts the demo, and waits until main serves.
func (s *site) startDemo() (err error) {
	stays := regexp.MustCompile(`^ +cd (\S+)/checkout$`)
	s.demoRun, err = start(stays, s.program, "demo", "--stay", "--switches", "0", "--poll", "2s", "--within", "5m")
	if err != nil {
		return err
	}
	s.demo = s.demoRun.said
	s.bare, s.git = filepath.Join(s.demo, "deployment.git"), filepath.Join(s.dir, "deployment.git")
	return os.Symlink(s.bare, s.git)
}

func (s *site) addUsers() error {
	for name, role := range map[string]string{switcher: "switch", second: "switch", leaver: "switch", keyboard: "switch", reader: "read"} {
		if err := s.addUser(name, role, password); err != nil {
			return err
		}
	}
	return nil
}

// addUser writes a user, or changes one, which ends the sessions before.
func (s *site) addUser(name, role, password string) error {
	c := exec.Command(s.program, "console", "user", "add", name, "--role", role, "--email", name+"@example.org", "--users", filepath.Join(s.dir, "users.json"))
	c.Stdin = strings.NewReader(password + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("add a user: %w\n%s", err, out)
	}
	return nil
}

func (s *site) serve() (err error) {
	s.served, err = start(regexp.MustCompile(`^console: (http://\S+)/$`), s.program, "console", "--repo", s.git, "--listen", "127.0.0.1:0", "--every", "1s",
		"--allow-commits", "--users", filepath.Join(s.dir, "users.json"), "--audit", filepath.Join(s.dir, "audit.json"), "--state", filepath.Join(s.dir, "state"))
	if err == nil {
		s.page = s.served.said
	}
	return err
}

func (s *site) browse() (err error) {
	s.browser, err = Start()
	return err
}

// end ends what was started. After a failure it prints what the console said.
func (s *site) end(failed bool) error {
	if s.browser != nil {
		s.browser.Close()
	}
	if failed && s.served != nil {
		fmt.Fprintf(os.Stderr, "the console said:\n%s", s.served.text())
	}
	return errors.Join(s.served.stop(), s.demoRun.stop(), os.RemoveAll(s.dir))
}

// process is a program that runs until it is stopped.
type process struct {
	cmd   *exec.Cmd
	said  string
	ended chan error
	log   *os.File
}

// start starts a program, and waits until it writes a line of a form. said is what the
// form's group matched.
func start(form *regexp.Regexp, name string, args ...string) (*process, error) {
	log, err := os.CreateTemp("", "mainstay-page-log-")
	if err != nil {
		return nil, err
	}
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(name, args...), ended: make(chan error, 1), log: log}
	p.cmd.Stdout, p.cmd.Stderr = out, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	_ = out.Close()
	go func() { p.ended <- p.cmd.Wait() }()
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(in); lines.Scan(); {
			fmt.Fprintln(log, lines.Text())
			if m := form.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, in)
	}()
	select {
	case p.said = <-found:
		return p, nil
	case err := <-p.ended:
		p.ended <- err
		return p, fmt.Errorf("%s ended: %w\n%s", args[0], err, p.text())
	case <-time.After(6 * time.Minute):
		return p, fmt.Errorf("%s never came up\n%s", args[0], p.text())
	}
}

func (p *process) text() string {
	data, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(bytes.ToValidUTF8(data, nil))
}

// stop asks a program to end, and waits for it.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	defer os.Remove(p.log.Name())
	defer p.log.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not end by itself", p.cmd.Args[1])
	}
}
