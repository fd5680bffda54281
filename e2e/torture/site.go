package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"mainstay/e2e/gitserver"
)

const (
	mainSide    = "main"
	standbySide = "standby"
	witnessPort = 7007
)

// site is one deployment under torture.
type site struct {
	ctx     context.Context
	options options
	self    string
	dir     string
	git     *server
	// cluster holds the claims, nil where they are in the repository.
	cluster *cluster
	nodes   map[string]*machine
	// twin is the copy of a node, where a run makes one.
	twin *machine
	doc  document
	rand *rand.Rand
	log  *os.File
	// repos are the bare repositories that have held claims.
	repos []string
	// since is when the rules of an exclusive role began to hold, zero for always.
	since time.Time
	// found are violations that a recipe saw by itself, unplayed is why a run was not
	// played to its end.
	found, unplayed []string
	// slow is how much longer everything takes here than on an idle machine, one or
	// more: the times of the document and of a recipe are that many times as long.
	slow   int
	giveup context.CancelFunc
	// byHand says that a person starts a service behind the agent's back.
	byHand bool
}

// machine is one node: its folder, processes and address.
type machine struct {
	side, folder, address string
	agent, guard          *process
	// url and coordination are written into the agent's file; guarded starts a
	// guard beside it.
	url, coordination string
	allow             string
	guarded           bool
	// apart says that the node has processes and mounts of its own, as a container has;
	// at is then the folder that it sees in the place of its own.
	apart   bool
	at      string
	witness net.Listener
}

// process is a child of this one.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// ended reports whether there is no such process any more.
func (p *process) ended() bool {
	if p == nil {
		return true
	}
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// oneRun makes a run and says what became of it.
func oneRun(ctx context.Context, o options, n plannedRun) result {
	began := time.Now()
	name := strings.TrimPrefix(fmt.Sprintf("%s, run %d, seed %d", n.recipe.name, n.number, n.seed), ", ")
	limited, cancel := context.WithTimeout(ctx, longestRun)
	defer cancel()
	s, err := newSite(limited, o, n)
	if err != nil {
		return result{name: name, aborted: ctx.Err() != nil, unplayed: []string{err.Error()}}
	}
	s.giveup = cancel
	n.recipe.play(s)
	if errors.Is(limited.Err(), context.DeadlineExceeded) {
		s.unplayed = append(s.unplayed, "it took longer than "+longestRun.String())
	}
	r := s.verdict()
	r.name, r.recipe, r.took, r.aborted = name, n.recipe.name, time.Since(began), ctx.Err() != nil
	s.close(o.keep && len(r.violations) > 0)
	return r
}

func newSite(ctx context.Context, o options, n plannedRun) (*site, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program, err := filepath.Abs(o.program)
	if err != nil {
		return nil, err
	}
	o.program = program
	s := &site{ctx: ctx, options: o, self: self, dir: filepath.Join(o.dir, fmt.Sprintf("run-%d", n.number)),
		rand: rand.New(rand.NewPCG(n.seed, 1)), nodes: map[string]*machine{}}
	s.doc = plain(fmt.Sprintf("torture-%d-%d", os.Getpid(), n.number))
	if err := os.MkdirAll(filepath.Join(s.dir, "git"), 0o755); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return nil, err
	}
	if s.git, err = serveGit(ctx, filepath.Join(s.dir, "git"), []string{mainSide, standbySide}); err != nil {
		return nil, err
	}
	return s, s.lay(n)
}

// lay makes the folders, the repository and the first commit.
func (s *site) lay(n plannedRun) error {
	for i, side := range []string{mainSide, standbySide} {
		m := &machine{side: side, folder: filepath.Join(s.dir, "xivo-"+side), url: s.url(side, "deployment"),
			address: fmt.Sprintf("127.%d.%d.%d", 10+os.Getpid()%200, 1+n.number%250, 11+i)}
		s.nodes[side] = m
		if err := os.MkdirAll(filepath.Join(m.folder, "beats"), 0o755); err != nil {
			return err
		}
	}
	if err := s.bare("deployment"); err != nil {
		return err
	}
	work := s.work()
	if err := s.run("", "git", "init", "--quiet", "--initial-branch=main", work); err != nil {
		return err
	}
	if err := s.run(work, "git", "remote", "add", "origin", s.repo("deployment")); err != nil {
		return err
	}
	for _, m := range s.nodes {
		m.answer(true)
	}
	if err := s.keep(); err != nil {
		return err
	}
	return s.measure()
}

func (s *site) url(side, name string) string {
	return "http://" + s.git.address + "/" + side + "/" + name + ".git"
}
func (s *site) repo(name string) string { return filepath.Join(s.dir, "git", name+".git") }
func (s *site) work() string            { return filepath.Join(s.dir, "work") }

// bare makes a bare repository.
func (s *site) bare(name string) error {
	s.repos = append(s.repos, s.repo(name))
	return s.run("", "git", "init", "--quiet", "--bare", "--initial-branch=main", s.repo(name))
}

// run runs a command and logs it.
func (s *site) run(dir string, argv ...string) error {
	c := exec.CommandContext(s.ctx, argv[0], argv[1:]...)
	c.Dir, c.Env = dir, append(gitserver.Env(), "HOME="+s.dir)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return nil
}

// say notes what a run did, for a person who reads its folder.
func (s *site) say(format string, args ...any) {
	fmt.Fprintf(s.log, "%s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// commit publishes the document as it is now.
func (s *site) commit() error {
	s.say("commit: active %s fenced %q lease %s unconfirmed %s absent %s", s.doc.active, s.doc.fenced, s.doc.lease, s.doc.unconfirmed, s.doc.absent)
	if err := os.WriteFile(filepath.Join(s.work(), "deployment.yaml"), []byte(s.doc.text(s)), 0o644); err != nil {
		return err
	}
	if err := s.run(s.work(), "git", "add", "--all"); err != nil {
		return err
	}
	if err := s.run(s.work(), "git", "commit", "--quiet", "--allow-empty", "-m", "Change the document"); err != nil {
		return err
	}
	return s.run(s.work(), "git", "push", "--quiet", "origin", "main")
}

// must ends a run whose stage fails: nothing was learnt then.
func (s *site) must(err error) {
	if err != nil {
		s.giveUp("the run itself failed: " + err.Error())
	}
}

// declare commits a side.
func (s *site) declare(side string, changes ...func(*document)) {
	s.doc.active = side
	for _, c := range changes {
		c(&s.doc)
	}
	s.must(s.commit())
}

// start runs the agent of a side, and its guard when it has one.
func (s *site) start(side string) {
	m := s.nodes[side]
	if m.guarded && m.guard.ended() {
		s.writeConfig(m)
		m.guard = s.spawn(m, "guard")
	}
	if m.agent.ended() {
		s.say("start the agent of %s", side)
		s.writeConfig(m)
		m.agent = s.spawn(m, "agent")
	}
}

func (s *site) both() { s.start(mainSide); s.start(standbySide) }

func (s *site) writeConfig(m *machine) {
	coordination := "{}"
	if m.coordination != "" {
		coordination = m.coordination
	}
	allow := m.allow
	if allow == "" {
		allow = fmt.Sprintf("[[%q, \"*\"], [sh, \"*\"]]", s.self)
	}
	text := fmt.Sprintf("node: xivo-%s\nrepository: { url: %q, branch: main }\ncoordination: %s\nallow: { commands: %s }\nlisten: \"off\"\n"+
		"state: %s/state\nsocket: %s/s\nselfFence: [%q, fence, %q]\n", m.side, m.url, coordination, allow, m.folder, m.folder, s.self, m.folder)
	s.must(os.WriteFile(m.config(), []byte(text), 0o600))
}

func (m *machine) config() string { return filepath.Join(m.folder, "agent.yaml") }

func (s *site) spawn(m *machine, what string) *process {
	argv := append(m.wall(), s.options.program, what, "--config", m.config())
	c := exec.Command(argv[0], argv[1:]...)
	log, err := os.OpenFile(filepath.Join(m.folder, what+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		c.Stdout, c.Stderr = log, log
		defer log.Close()
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{cmd: c, done: make(chan struct{})}
	if err := c.Start(); err != nil {
		s.must(err)
		close(p.done)
		return p
	}
	go func() { _ = c.Wait(); close(p.done) }()
	return p
}

// signal sends a signal to the agent of a side.
func (s *site) signal(side string, sig syscall.Signal) {
	s.say("%v to the agent of %s", sig, side)
	if p := s.nodes[side].agent; p != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(sig)
	}
}

// end ends the agent of a side by a signal and waits for that.
func (s *site) end(side string, sig syscall.Signal) {
	p := s.nodes[side].agent
	if p == nil {
		return
	}
	s.signal(side, sig)
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // one that is frozen must hear it
	select {
	case <-p.done:
	case <-s.ctx.Done():
	}
	s.nodes[side].agent = nil
}

// answer makes the witness of a node answer, or not.
func (m *machine) answer(yes bool) {
	switch {
	case yes && m.witness == nil:
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", m.address, witnessPort))
		if err != nil {
			return
		}
		m.witness = l
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
			}
		}()
	case !yes && m.witness != nil:
		_ = m.witness.Close()
		m.witness = nil
	}
}

// ask runs a command of the product on a node and returns its exit code.
func (s *site) ask(side string, args ...string) int {
	ctx, cancel := context.WithTimeout(s.ctx, s.slowed(10*time.Second))
	defer cancel()
	c := exec.CommandContext(ctx, s.options.program, append(args, "--config", s.nodes[side].config())...)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		s.must(err)
		return -1
	}
	s.say("%s on %s: %d %s", strings.Join(args, " "), side, c.ProcessState.ExitCode(), out)
	return c.ProcessState.ExitCode()
}

// wipe makes a node a new machine.
func (s *site) wipe(side string) {
	s.say("%s is replaced by a new machine", side)
	s.must(os.RemoveAll(filepath.Join(s.nodes[side].folder, "state")))
	_ = os.Remove(filepath.Join(s.nodes[side].folder, "s.lease"))
}

// close ends everything of the run and removes its folder.
func (s *site) close(keep bool) {
	for _, l := range s.git.links {
		l.fault(nil)
	}
	for _, m := range s.nodes {
		m.answer(false)
	}
	endAll(s.dir + "/")
	for _, m := range append(slices.Collect(maps.Values(s.nodes)), s.twin) {
		if m == nil {
			continue
		}
		for _, p := range []*process{m.agent, m.guard} {
			if p != nil {
				<-p.done
			}
		}
	}
	_ = s.git.http.Close()
	_ = s.log.Close()
	if keep {
		kept := filepath.Join(os.TempDir(), filepath.Base(s.options.dir)+"-"+filepath.Base(s.dir))
		if os.Rename(s.dir, kept) == nil {
			fmt.Println("kept:", kept)
		}
	}
	_ = os.RemoveAll(s.dir)
}

// copy copies a folder in which others may be at work.
func (s *site) copy(from, to string) {
	var err error
	if !s.until("a copy of "+from, soon, func() bool { err = copyTree(from, to); return err == nil }) {
		s.must(err)
	}
}

// copyTree makes a folder a copy of another one.
func copyTree(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(from))
}
