package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrStateInUse means that another agent uses the state folder: two would undo
// what the other one decided.
var ErrStateInUse = errors.New("another agent uses this state folder")

// lockState keeps every other agent from a state folder until the lock is
// closed, or the process ends. The error is ErrStateInUse, or says why there is
// no lock to be had.
func lockState(dir string) (*os.File, error) {
	path := filepath.Join(dir, "agent.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the state folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("%s: %w: end it, or tell it what to do (mainstay sync)", dir, ErrStateInUse)
	default:
		err = fmt.Errorf("lock the state folder: %w", err)
	}
	return nil, errors.Join(err, f.Close())
}

// alone makes this agent the only one of its state folder until release is
// called. A disk that gives no lock is loud and stops nothing.
func (n *Node) alone() (release func(), err error) {
	f, err := lockState(n.disk.Dir())
	switch {
	case errors.Is(err, ErrStateInUse):
		return nil, err
	case err != nil:
		n.log.Error("whether another agent runs here is not known", "error", err)
		return func() {}, nil
	}
	return func() { _ = f.Close() }, nil
}
