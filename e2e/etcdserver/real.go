package etcdserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Cluster is a real one on loopback.
type Cluster struct {
	t       testing.TB
	Members []*Member
	// Token makes the ID of a cluster that begins anew another one.
	token string
	more  []string
}

// Member is one process of it.
type Member struct {
	// At is host:port where it is asked.
	At        string
	name, dir string
	peer      string
	process   *exec.Cmd
	ended     chan struct{}
	out       *bytes.Buffer
}

// New starts a cluster of so many members, which ends with the test. More are flags for
// each of them.
func New(t testing.TB, members int, more ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, token: filepath.Base(t.TempDir()) + fmt.Sprint(time.Now().UnixNano()), more: more}
	for i := range members {
		c.Members = append(c.Members, &Member{
			At: free(t), peer: "http://" + free(t), name: fmt.Sprintf("m%d", i), dir: filepath.Join(t.TempDir(), "data"),
		})
	}
	for _, m := range c.Members {
		c.Start(m)
	}
	t.Cleanup(c.stop)
	c.Ready()
	return c
}

func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Start starts a member that does not run.
func (c *Cluster) Start(m *Member) {
	c.t.Helper()
	var initial []string
	for _, other := range c.Members {
		initial = append(initial, other.name+"="+other.peer)
	}
	m.process = exec.Command("etcd", append([]string{"--name", m.name, "--data-dir", m.dir,
		"--listen-client-urls", "http://" + m.At, "--advertise-client-urls", "http://" + m.At,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer,
		"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-token", c.token,
		"--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error", "--logger", "zap"}, c.more...)...)
	m.out, m.ended = &bytes.Buffer{}, make(chan struct{})
	m.process.Stdout, m.process.Stderr = m.out, m.out
	if err := m.process.Start(); err != nil {
		c.t.Fatalf("etcd-server is needed (e2e/install.sh): %v", err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(m.process, m.ended)
}

// Kill ends a member as a loss of power does, and Pause and Go on stop it and let it
// run again.
func (c *Cluster) Kill(m *Member) {
	_ = m.process.Process.Kill()
	<-m.ended
}

// Pause stops a member where it is.
func (c *Cluster) Pause(m *Member) { _ = m.process.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused member go on.
func (c *Cluster) Resume(m *Member) { _ = m.process.Process.Signal(syscall.SIGCONT) }

func (c *Cluster) stop() {
	for _, m := range c.Members {
		select {
		case <-m.ended:
		default:
			c.Kill(m)
		}
	}
}

// URL lists the members under a prefix.
func (c *Cluster) URL(prefix string) string {
	var at []string
	for _, m := range c.Members {
		at = append(at, m.At)
	}
	return "etcd://" + strings.Join(at, ",") + "/" + prefix
}

// Ready waits until every member that runs answers for the majority.
func (c *Cluster) Ready() {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, m := range c.Members {
		for running(m) && m.Ask("/v3/kv/range", `{"key":"AA=="}`, nil) != nil {
			if time.Now().After(deadline) {
				c.t.Fatalf("etcd %s does not answer:\n%s", m.name, m.out)
			}
			select {
			case <-m.ended:
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

func running(m *Member) bool {
	select {
	case <-m.ended:
		return false
	default:
		return true
	}
}

// Leader is the member that leads.
func (c *Cluster) Leader() *Member {
	c.t.Helper()
	for _, m := range c.Members {
		var s struct {
			Header struct {
				ID string `json:"member_id"`
			} `json:"header"`
			Leader string `json:"leader"`
		}
		if running(m) && m.Ask("/v3/maintenance/status", "{}", &s) == nil && s.Leader == s.Header.ID {
			return m
		}
	}
	c.t.Fatal("etcd has no leader")
	return nil
}

// Ask sends a request to a member's gateway.
func (m *Member) Ask(path, body string, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.At+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(string(b))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

// Control runs etcdctl on the members, or on what env says, and returns what it prints.
func (c *Cluster) Control(args ...string) string {
	c.t.Helper()
	var at []string
	for _, m := range c.Members {
		at = append(at, m.At)
	}
	cmd := exec.Command("etcdctl", append([]string{"--endpoints", strings.Join(at, ",")}, args...)...)
	cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("etcdctl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Save keeps a snapshot in a file.
func (c *Cluster) Save(file string) {
	c.t.Helper()
	cmd := exec.Command("etcdctl", "--endpoints", c.Members[0].At, "snapshot", "save", file)
	cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("snapshot: %v\n%s", err, out)
	}
}

// Restore begins the cluster anew from a snapshot, as another cluster on the same
// addresses.
func (c *Cluster) Restore(file string) {
	c.t.Helper()
	c.stop()
	c.token += "+"
	var initial []string
	for _, m := range c.Members {
		initial = append(initial, m.name+"="+m.peer)
	}
	for _, m := range c.Members {
		m.dir = filepath.Join(c.t.TempDir(), "data")
		cmd := exec.Command("etcdctl", "snapshot", "restore", file, "--name", m.name, "--data-dir", m.dir,
			"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-token", c.token, "--initial-advertise-peer-urls", m.peer)
		cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
		if out, err := cmd.CombinedOutput(); err != nil {
			c.t.Fatalf("restore: %v\n%s", err, out)
		}
	}
	for _, m := range c.Members {
		c.Start(m)
	}
	c.Ready()
}
