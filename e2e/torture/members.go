package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// cluster is the three members of etcd of a run.
type cluster struct {
	folder  string
	members []*member
	// past are changes of claims that a cluster before this one held.
	past []change
}

// member is one of them: its process, and the way of everybody to it.
type member struct {
	name, dir, peer string
	// at is where it is asked. Another cluster may take its address over.
	at   atomic.Pointer[string]
	link *link

	mu      sync.Mutex
	process *process
	frozen  bool
}

// electsWithin bounds how long a cluster takes until it answers.
const electsWithin = 30 * time.Second

// startCluster starts an empty cluster, whose members end with everything else that names
// the folder.
func startCluster(ctx context.Context, folder string) (*cluster, error) {
	c := &cluster{folder: folder}
	for i := range 3 {
		m := &member{name: fmt.Sprintf("m%d", i), link: &link{}, dir: filepath.Join(folder, fmt.Sprintf("m%d", i))}
		at, err := free()
		if err == nil {
			m.peer, err = free()
		}
		if err != nil {
			return nil, err
		}
		m.at.Store(&at)
		c.members = append(c.members, m)
	}
	return c, c.startAll(ctx)
}

// free is an address of this machine that nobody listens at now.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startAll starts every member that does not run, and waits until they answer.
func (c *cluster) startAll(ctx context.Context) error {
	for _, m := range c.members {
		if err := c.start(m); err != nil {
			return err
		}
	}
	for end := time.Now().Add(electsWithin); ; {
		_, err := c.under("x")
		switch {
		case err == nil:
			return nil
		case time.Now().After(end) || !pause(ctx, 100*time.Millisecond):
			return err
		}
	}
}

// initial names the members and where they hear each other.
func (c *cluster) initial() string {
	var all []string
	for _, m := range c.members {
		all = append(all, m.name+"=http://"+m.peer)
	}
	return strings.Join(all, ",")
}

// token keeps the members of one cluster from those of another.
func (c *cluster) token() string {
	return filepath.Base(filepath.Dir(c.folder)) + filepath.Base(c.folder)
}

// start starts a member, if it does not run, on the disk that it has.
func (c *cluster) start(m *member) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.process.ended() {
		return nil
	}
	at := "http://" + *m.at.Load()
	cmd := exec.Command("etcd", "--name", m.name, "--data-dir", m.dir, "--listen-client-urls", at, "--advertise-client-urls", at,
		"--listen-peer-urls", "http://"+m.peer, "--initial-advertise-peer-urls", "http://"+m.peer,
		"--initial-cluster", c.initial(), "--initial-cluster-token", c.token(),
		"--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error", "--logger", "zap")
	m.process = &process{cmd: cmd, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		m.process = nil
		return fmt.Errorf("etcd-server is needed: %w", err)
	}
	go func(p *process) { _ = p.cmd.Wait(); close(p.done) }(m.process)
	return nil
}

// kill ends a member as a loss of power does.
func (m *member) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.process; p != nil {
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	m.process, m.frozen = nil, false
}

// freeze stops a member where it is, or lets it go on: a leader that was frozen may believe
// for a moment that it still leads.
func (m *member) freeze(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sig := syscall.SIGCONT
	if yes {
		sig = syscall.SIGSTOP
	}
	if m.process != nil {
		_ = m.process.cmd.Process.Signal(sig)
		m.frozen = yes
	}
}

// state says whether a member runs, and whether it is frozen.
func (m *member) state() (runs, frozen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.process.ended(), m.frozen
}

// leader is the member that says that it leads, or any if none does.
func (c *cluster) leader() *member {
	for _, m := range c.members {
		var s struct {
			Header struct {
				ID string `json:"member_id"`
			} `json:"header"`
			Leader string `json:"leader"`
		}
		if runs, frozen := m.state(); runs && !frozen && m.ask("/v3/maintenance/status", "{}", &s) == nil && s.Leader == s.Header.ID {
			return m
		}
	}
	return c.members[0]
}

// mend lets every member run and everybody reach it.
func (c *cluster) mend(ctx context.Context) error {
	for _, m := range c.members {
		m.link.fault(nil)
		m.freeze(false)
	}
	return c.startAll(ctx)
}

// save keeps a snapshot in a file, and restore begins the cluster anew from one, as another
// cluster at the same addresses.
func (c *cluster) save(file string) error {
	return control("snapshot", "save", file, "--endpoints", *c.leader().at.Load())
}

func (c *cluster) restore(ctx context.Context, file string) error {
	c.past = append(c.past, c.changes()...)
	for _, m := range c.members {
		m.kill()
		m.dir += "-restored"
		if err := control("snapshot", "restore", file, "--name", m.name, "--data-dir", m.dir, "--initial-cluster", c.initial(),
			"--initial-cluster-token", "restored-"+c.token(), "--initial-advertise-peer-urls", "http://"+m.peer); err != nil {
			return err
		}
	}
	return c.startAll(ctx)
}

func control(args ...string) error {
	cmd := exec.Command("etcdctl", args...)
	cmd.Env = append(cmd.Environ(), "ETCDCTL_API=3")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("etcdctl %s: %w: %s", args[:2], err, out)
	}
	return nil
}

// burn ends a cluster for good, and lets another one have its addresses.
func (c *cluster) burn(to *cluster) {
	to.past = append(to.past, append(c.past, c.changes()...)...)
	for i, m := range c.members {
		m.kill()
		m.at.Store(to.members[i].at.Load())
	}
}
