package transport

import (
	"crypto/sha256"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// sshIdle is how many connections may wait for their next session.
	sshIdle = 2
	// sshRest is how long one waits. A server has a process for each.
	sshRest = 30 * time.Second
	// sshLife is how long one is used at all: a key that a server takes back is good
	// for no longer.
	sshLife = 5 * time.Minute
	// sshReopen is how long a connection that waited may take over the beginning of a
	// session before it counts as dead.
	sshReopen = 3 * time.Second
	// sshFile is how much of each file is compared, in bytes.
	sshFile = 1 << 20
)

// sshConn is a connection that carries one session after the other.
type sshConn struct {
	conn    net.Conn
	client  *ssh.Client
	config  *ssh.ClientConfig
	address string
	// files tells the key and the pinned hosts by which it was made, and born when.
	files [sha256.Size]byte
	born  time.Time
	rest  *time.Timer
}

// connect makes the SSH connection, unless it is there.
func (c *sshConn) connect() error {
	if c.client != nil {
		return nil
	}
	conn, channels, requests, err := ssh.NewClientConn(c.conn, c.address, c.config)
	if err != nil {
		return err
	}
	c.client = ssh.NewClient(conn, channels, requests)
	return nil
}

// park lets the connection wait for its next session. It reports whether there was
// room for it.
func (c *sshConn) park(idle chan<- *sshConn) bool {
	if time.Since(c.born) > sshLife {
		return false
	}
	c.rest = time.AfterFunc(sshRest, c.end)
	select {
	case idle <- c:
		return true
	default:
		c.rest.Stop()
		return false
	}
}

func (c *sshConn) end() {
	if c.client != nil {
		_ = c.client.Close()
	}
	_ = c.conn.Close()
}

// take returns a connection that waits and was made by these files, or nil.
func (d sshDialer) take(files [sha256.Size]byte) *sshConn {
	for {
		select {
		case c := <-d.idle:
			if c.rest.Stop() && c.files == files {
				return c
			}
			c.end()
		default:
			return nil
		}
	}
}

// Forget ends what waits: no files are as these.
func (d sshDialer) Forget() { d.take([sha256.Size]byte{}) }

// files tells what the files of key and pinned hosts hold.
func (d sshDialer) files() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, name := range []string{d.keyFile, d.knownHosts} {
		if f, err := os.Open(name); err == nil {
			_, _ = io.Copy(h, io.LimitReader(f, sshFile))
			_ = f.Close()
		}
		_, _ = h.Write([]byte{0})
	}
	h.Sum(sum[:0])
	return sum
}
