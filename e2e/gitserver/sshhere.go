package gitserver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHHere is an SSH server in this process, in front of git's two services. It
// needs no daemon, so it serves tests that must run anywhere.
type SSHHere struct {
	URL        string // ssh://…, with user and port
	KeyFile    string // private key that may read and push
	KnownHosts string // pins the server's key
	Stranger   string // private key that the server does not know
	// HostLine is the line of KnownHosts, and OtherLine one that pins another
	// server's key for this address.
	HostLine, OtherLine string

	config *ssh.ServerConfig
}

// NewSSHHere serves the bare repositories of this machine on loopback, with keys
// made for this test, until the test ends. The URL is of the one in dir.
func NewSSHHere(t testing.TB, dir string) *SSHHere {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := &SSHHere{URL: fmt.Sprintf("ssh://git@%s%s", listener.Addr(), dir)}
	if err := s.configure(t.TempDir(), listener.Addr().String()); err != nil {
		t.Fatalf("configure the ssh server: %v", err)
	}
	go s.accept(listener)
	return s
}

// configure makes the keys and writes them into a folder.
func (s *SSHHere) configure(folder, address string) error {
	keys := make([]ssh.Signer, 4)
	for i, name := range []string{"host", "client", "stranger", "other"} {
		var err error
		if keys[i], err = makeKey(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	s.KeyFile, s.Stranger = filepath.Join(folder, "client"), filepath.Join(folder, "stranger")
	s.KnownHosts = filepath.Join(folder, "known_hosts")
	s.HostLine = knownhosts.Line([]string{knownhosts.Normalize(address)}, keys[0].PublicKey())
	s.OtherLine = knownhosts.Line([]string{knownhosts.Normalize(address)}, keys[3].PublicKey())
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), keys[1].PublicKey().Marshal()) {
			return nil, errors.New("who are you?")
		}
		return nil, nil
	}}
	s.config.AddHostKey(keys[0])
	return os.WriteFile(s.KnownHosts, []byte(s.HostLine+"\n"), 0o600)
}

func makeKey(file string) (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

func (s *SSHHere) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			s.serve(conn)
		}()
	}
}

func (s *SSHHere) serve(conn net.Conn) {
	c, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	defer c.Close()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		for req := range requests {
			if req.Type != "exec" {
				req.Reply(false, nil)
				continue
			}
			req.Reply(true, nil)
			status := runGit(channel, string(req.Payload[4:]))
			channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			channel.Close()
		}
	}
}

var gitService = regexp.MustCompile(`^(git-upload-pack|git-receive-pack) '([^']*)'$`)

// runGit runs one of git's services on a channel and returns its exit code.
func runGit(channel ssh.Channel, command string) uint32 {
	m := gitService.FindStringSubmatch(command)
	if m == nil {
		fmt.Fprintf(channel.Stderr(), "no such command: %s", command)
		return 1
	}
	cmd := exec.Command("git", m[1][len("git-"):], m[2])
	cmd.Env = Env()
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 1
	}
	go func() {
		io.Copy(stdin, channel)
		stdin.Close()
	}()
	if err := cmd.Run(); err != nil {
		return 128
	}
	return 0
}
