package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
)

// sshServer is an SSH server in this process that runs git's two services.
type sshServer struct {
	t       testing.TB
	config  *ssh.ServerConfig
	address string
	hostKey ssh.PublicKey
	// run replaces git when it is set.
	run func(ssh.Channel)
	// made counts connections.
	made   atomic.Int32
	newest atomic.Pointer[net.Conn]
}

func newSigner(t testing.TB) (ssh.Signer, []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

// serveSSH starts a server that lets one key in, and returns the options that
// reach it. Each change is made to its configuration before it listens.
func serveSSH(t testing.TB, bare string, changes ...func(*ssh.ServerConfig)) (*sshServer, git.Options) {
	t.Helper()
	host, _ := newSigner(t)
	client, clientPEM := newSigner(t)
	s := &sshServer{t: t, hostKey: host.PublicKey()}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.PublicKey().Marshal()) {
			return nil, fmt.Errorf("who are you?")
		}
		return nil, nil
	}}
	s.config.AddHostKey(host)
	for _, change := range changes {
		change(s.config)
	}
	listen(t, &s.address, s.serve)
	dir := t.TempDir()
	o := git.Options{
		URL:    "ssh://git@" + s.address + bare,
		SSHKey: filepath.Join(dir, "id"), KnownHosts: filepath.Join(dir, "known_hosts"),
	}
	save(t, o.SSHKey, clientPEM)
	save(t, o.KnownHosts, []byte(knownhosts.Line([]string{knownhosts.Normalize(s.address)}, s.hostKey)+"\n"))
	return s, o
}

func save(t testing.TB, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// listen serves every connection on a loopback port until the test ends.
func listen(t testing.TB, address *string, serve func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	*address = l.Addr().String()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			}()
		}
	}()
}

// cut ends the newest connection.
func (s *sshServer) cut() { _ = (*s.newest.Load()).Close() }

func (s *sshServer) serve(conn net.Conn) {
	s.made.Add(1)
	s.newest.Store(&conn)
	c, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		for req := range requests {
			if req.Type != "exec" {
				_ = req.Reply(false, nil)
				continue
			}
			_ = req.Reply(true, nil)
			status := s.exec(channel, string(req.Payload[4:]))
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
			_ = channel.Close()
		}
	}
}

var gitCommand = regexp.MustCompile(`^(git-upload-pack|git-receive-pack) '([^']*)'$`)

func (s *sshServer) exec(channel ssh.Channel, command string) int {
	if s.run != nil {
		s.run(channel)
		return 0
	}
	m := gitCommand.FindStringSubmatch(command)
	if m == nil {
		_, _ = fmt.Fprintf(channel.Stderr(), "no such command: %s", command)
		return 1
	}
	cmd := exec.Command(m[1], m[2])
	cmd.Env = gitserver.Env()
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 1
	}
	go func() {
		_, _ = copyTo(stdin, channel)
		_ = stdin.Close()
	}()
	if err := cmd.Run(); err != nil {
		return 128
	}
	return 0
}
