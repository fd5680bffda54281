package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// socketMode lets the owner and the group give orders.
	socketMode = 0o660
	// socketProbe is how long an agent that already has the socket may take to
	// accept a connection.
	socketProbe = time.Second
	// socketPath is how long the path of a Unix socket may be, in bytes.
	socketPath = 107
)

// ErrInUse means that another agent answers on the control socket.
var ErrInUse = errors.New("another agent answers on this socket")

// ListenSocket listens on the control socket, with mode 0660 from the first
// moment. A socket that an agent left behind is replaced; one on which an agent
// answers is ErrInUse.
func ListenSocket(path string) (net.Listener, error) {
	fresh := path + ".new"
	if len(fresh) > socketPath {
		return nil, fmt.Errorf("control socket %s: a socket's path has at most %d bytes", path, socketPath-len(".new"))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := replaceable(path); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	_ = os.Remove(fresh)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(fresh, socketMode), os.Rename(fresh, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), l.Close(), os.Remove(fresh))
	}
	return l, nil
}

// replaceable returns an error unless path is free, or a socket on which nobody
// answers.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return errors.New("there is a file that is not a socket")
	}
	conn, err := net.DialTimeout("unix", path, socketProbe)
	if err != nil {
		return nil
	}
	_ = conn.Close()
	return ErrInUse
}
