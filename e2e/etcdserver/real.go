package etcdserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	// secure is how clients are let in, nil without TLS.
	secure *Secure
}

// Secure are the files by which members and clients know each other, all in PEM. The
// certificate is the members' own.
type Secure struct{ CA, Cert, Key string }

// Member is one process of it.
type Member struct {
	// At is host:port where it is asked.
	At        string
	name, dir string
	peer      string
	process   *exec.Cmd
	// slowed is how long each write to its disk takes longer, and joins says that it comes to
	// a cluster that runs.
	slowed time.Duration
	joins  bool
	scheme string
	client *http.Client
	ended  chan struct{}
	out    *bytes.Buffer
}

// New starts a cluster of so many members, which ends with the test. More are flags for
// each of them.
func New(t testing.TB, members int, more ...string) *Cluster {
	t.Helper()
	return begin(t, members, nil, more)
}

// NewSecure starts one that lets nobody in without a certificate of its authority.
func NewSecure(t testing.TB, members int, s Secure) *Cluster {
	t.Helper()
	return begin(t, members, &s, []string{"--client-cert-auth", "--trusted-ca-file", s.CA, "--cert-file", s.Cert, "--key-file", s.Key})
}

func begin(t testing.TB, members int, s *Secure, more []string) *Cluster {
	t.Helper()
	scheme, client := s.way(t)
	c := &Cluster{t: t, secure: s, token: filepath.Base(t.TempDir()) + fmt.Sprint(time.Now().UnixNano()), more: more}
	for i := range members {
		c.Members = append(c.Members, &Member{
			At: free(t), scheme: scheme, client: client, peer: "http://" + free(t), name: fmt.Sprintf("m%d", i), dir: filepath.Join(t.TempDir(), "data"),
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
	program, state := []string{"etcd"}, "new"
	if m.slowed > 0 {
		program = []string{"strace", "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=fdatasync,fsync",
			"-e", fmt.Sprintf("inject=fdatasync,fsync:delay_exit=%d", m.slowed.Microseconds()), "etcd"}
	}
	if m.joins {
		state = "existing"
	}
	m.process = exec.Command(program[0], append(append(program[1:], "--name", m.name, "--data-dir", m.dir, "--initial-cluster-state", state,
		"--listen-client-urls", m.scheme+"://"+m.At, "--advertise-client-urls", m.scheme+"://"+m.At,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer,
		"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-token", c.token,
		"--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error", "--logger", "zap"), c.more...)...)
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
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.scheme+"://"+m.At+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := m.client.Do(r)
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

// way is how the members are asked.
func (s *Secure) way(t testing.TB) (scheme string, client *http.Client) {
	t.Helper()
	if s == nil {
		return "http", http.DefaultClient
	}
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return "https", &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}}}
}

// Slow makes every write to a member's disk take so much longer, from its next start on,
// which it does now. It needs strace.
func (c *Cluster) Slow(m *Member, d time.Duration) {
	c.t.Helper()
	c.Kill(m)
	m.slowed = d
	c.Start(m)
	c.Ready()
}

// Replace puts a new machine with an empty disk into the place of a member that was lost,
// at the same address, as etcd's own procedure says.
func (c *Cluster) Replace(m *Member) {
	c.t.Helper()
	var list struct {
		Members []struct {
			ID   json.Number `json:"ID"`
			Name string      `json:"name"`
		} `json:"members"`
	}
	if err := json.Unmarshal([]byte(c.Control("member", "list", "-w", "json")), &list); err != nil {
		c.t.Fatal(err)
	}
	for _, one := range list.Members {
		if id, err := strconv.ParseUint(one.ID.String(), 10, 64); err == nil && one.Name == m.name {
			c.Control("member", "remove", strconv.FormatUint(id, 16))
		}
	}
	for end := time.Now().Add(time.Minute); ; { // the others must have heard each other for a while
		out, err := c.control("member", "add", m.name, "--peer-urls="+m.peer)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			c.t.Fatalf("etcdctl member add: %v\n%s", err, out)
		}
	}
	m.dir, m.joins = filepath.Join(c.t.TempDir(), "data"), true
	c.Start(m)
	c.Ready()
}

// Control runs etcdctl on the members, or on what env says, and returns what it prints.
func (c *Cluster) Control(args ...string) string {
	c.t.Helper()
	out, err := c.control(args...)
	if err != nil {
		c.t.Fatalf("etcdctl %v: %v\n%s", args, err, out)
	}
	return out
}

func (c *Cluster) control(args ...string) (string, error) {
	var at []string
	for _, m := range c.Members {
		if running(m) {
			at = append(at, m.At)
		}
	}
	cmd := exec.Command("etcdctl", append([]string{"--endpoints", strings.Join(at, ",")}, args...)...)
	cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
	out, err := cmd.CombinedOutput()
	return string(out), err
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

// Size is the bytes that a member's file has.
func (c *Cluster) Size(t testing.TB) int64 {
	t.Helper()
	var s struct {
		Size string `json:"dbSize"`
	}
	if err := c.Members[0].Ask("/v3/maintenance/status", "{}", &s); err != nil {
		t.Fatal(err)
	}
	size, err := strconv.ParseInt(s.Size, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// Resident is the memory that a member has resident, in kB.
func (c *Cluster) Resident(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Members[0].process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

// Compact forgets what values were before, and gives what that needed back to the disk.
func (c *Cluster) Compact(t testing.TB) {
	t.Helper()
	var now struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	if err := c.Members[0].Ask("/v3/maintenance/status", "{}", &now); err != nil {
		t.Fatal(err)
	}
	c.Control("compaction", "--physical", now.Header.Revision)
	c.Control("defrag")
}
