//go:build e2e

package gitserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sshdPath is where Debian's openssh-server puts the daemon. It must be an
// absolute path: sshd starts itself again for each connection.
const sshdPath = "/usr/sbin/sshd"

// SSHServer is OpenSSH's own server in front of one bare repository.
type SSHServer struct {
	URL        string // ssh://…, with user and port
	KeyFile    string // private key that may read and push
	KnownHosts string // pins the server's key

	config     string
	authorized string
	listener   net.Listener
	mu         sync.Mutex
	closed     bool
	conns      map[*exec.Cmd]*net.TCPConn
	done       sync.WaitGroup
}

// SSH serves the bare repository in dir on loopback by sshd, with a host key
// and a client key made for this test, and returns the URL, the client's key
// file and the file that pins the host key.
func SSH(t testing.TB, dir string) (url, keyFile, knownHosts string) {
	t.Helper()
	server := NewSSH(t, dir)
	return server.URL, server.KeyFile, server.KnownHosts
}

// NewSSH is SSH for a test that wants to Cut the server's connections too.
//
// One sshd is run per connection, as under inetd, so that the port is never
// free for another process between choosing it and listening on it.
func NewSSH(t testing.TB, dir string) *SSHServer {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHServer{listener: listener, conns: map[*exec.Cmd]*net.TCPConn{}}
	if err := s.configure(t.TempDir(), dir); err != nil {
		listener.Close()
		t.Fatalf("configure sshd: %v", err)
	}
	s.done.Add(1)
	go s.accept()
	t.Cleanup(s.close)
	return s
}

// Know lets a key in under a name, as the README of the update hook says: what the
// client asks for does not decide it. The key is the file's, which ssh-keygen can read.
func (s *SSHServer) Know(t testing.TB, name, keyFile string) {
	t.Helper()
	public, err := exec.Command("ssh-keygen", "-y", "-f", keyFile).Output()
	if err != nil {
		t.Fatalf("read the key of %s: %v", name, err)
	}
	f, err := os.OpenFile(s.authorized, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "restrict,command=%q %s", "MAINSTAY_KEY="+name+" "+forcedCommand(), public)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// Cut ends every connection that is open now.
func (s *SSHServer) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cmd, conn := range s.conns {
		cmd.Process.Kill()
		// Closing would leave the copies that sshd's children hold open.
		conn.CloseRead()
		conn.CloseWrite()
	}
}

func (s *SSHServer) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.listener.Close()
	s.Cut()
	s.done.Wait()
}

func (s *SSHServer) accept() {
	defer s.done.Done()
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if err := s.serve(conn.(*net.TCPConn)); err != nil {
			conn.Close()
		}
	}
}

func (s *SSHServer) serve(conn *net.TCPConn) error {
	socket, err := conn.File()
	if err != nil {
		return fmt.Errorf("take the socket: %w", err)
	}
	defer socket.Close()
	cmd := exec.Command(sshdPath, "-i", "-f", s.config)
	cmd.Stdin, cmd.Stdout = socket, socket
	cmd.Env = Env()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start sshd: %w", err)
	}
	s.conns[cmd] = conn
	s.done.Add(1)
	go s.reap(cmd, conn)
	return nil
}

func (s *SSHServer) reap(cmd *exec.Cmd, conn *net.TCPConn) {
	defer s.done.Done()
	cmd.Wait()
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, cmd)
}

// configure makes the keys and writes the server's files into folder.
func (s *SSHServer) configure(folder, repository string) error {
	if err := privilegeSeparation(); err != nil {
		return err
	}
	for _, name := range []string{"host", "client"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", filepath.Join(folder, name)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("make the %s key: %w: %s", name, err, out)
		}
	}
	me, err := user.Current()
	if err != nil {
		return err
	}
	port := s.listener.Addr().(*net.TCPAddr).Port
	s.URL = fmt.Sprintf("ssh://%s@127.0.0.1:%d%s", me.Username, port, repository)
	s.KeyFile = filepath.Join(folder, "client")
	s.KnownHosts = filepath.Join(folder, "known_hosts")
	s.config = filepath.Join(folder, "sshd_config")
	return s.writeFiles(folder, port)
}

func (s *SSHServer) writeFiles(folder string, port int) error {
	host, err := os.ReadFile(filepath.Join(folder, "host.pub"))
	if err != nil {
		return err
	}
	client, err := os.ReadFile(filepath.Join(folder, "client.pub"))
	if err != nil {
		return err
	}
	s.authorized = filepath.Join(folder, "authorized_keys")
	files := map[string]string{
		s.KnownHosts: fmt.Sprintf("[127.0.0.1]:%d %s", port, host),
		s.authorized: fmt.Sprintf("restrict,command=%q %s", forcedCommand(), client),
		s.config: strings.Join([]string{
			"HostKey " + filepath.Join(folder, "host"),
			"AuthorizedKeysFile " + s.authorized,
			"AuthenticationMethods publickey",
			"PermitRootLogin prohibit-password",
			"StrictModes no",
			"UsePAM no",
			"PidFile none",
			"LogLevel QUIET",
		}, "\n") + "\n",
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// forcedCommand lets a client run git's two services and nothing else, without
// anybody's configuration.
func forcedCommand() string {
	return "GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 exec git-shell -c \"$SSH_ORIGINAL_COMMAND\""
}

// privilegeSeparation makes the empty folder that sshd insists on and that
// Debian's own service would make at boot.
func privilegeSeparation() error {
	if _, err := os.Stat(sshdPath); err != nil {
		return fmt.Errorf("openssh-server is needed: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return os.MkdirAll("/run/sshd", 0o755)
}
