package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"mainstay/reconcile/plan"
)

// maxFile bounds what is read of the file, in bytes.
const maxFile = 4096

// File is where an agent tells the guard of its lease, and where the guard says
// that it is there. One goroutine writes; any may read.
type File struct {
	path string // of the lease; the lock is beside it
	boot string
}

// Kept is what the file holds.
type Kept struct {
	plan.Watch
	// Agent is the process that wrote it.
	Agent int `json:"agent"`
}

// sealed is the file's form: a sum tells a damaged one from one that is whole.
type sealed struct {
	Kept json.RawMessage `json:"kept"`
	Sum  string          `json:"sum"`
}

// Beside returns the file of the agent with this control socket. Boot is the
// present boot id.
func Beside(socket, boot string) *File { return &File{path: socket + ".lease", boot: boot} }

// Tell replaces what the guard knows, in one step. That nothing runs under a lease
// is said, too: a file that is not there says nothing.
func (f *File) Tell(w plan.Watch) error {
	kept, err := json.Marshal(Kept{w, os.Getpid()})
	if err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	whole, err := json.Marshal(sealed{kept, sum(kept)})
	if err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	next := f.path + ".new"
	if err := os.WriteFile(next, whole, 0o600); err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	if err := os.Rename(next, f.path); err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	return nil
}

// Read returns what an agent said last; nothing when that was under another boot.
// The error is fs.ErrNotExist when no agent has said anything, or somebody removed
// the file.
func (f *File) Read() (Kept, error) {
	b, err := readBounded(f.path)
	if err != nil {
		return Kept{}, fmt.Errorf("read the lease: %w", err)
	}
	var s sealed
	var k Kept
	if err := json.Unmarshal(b, &s); err != nil || sum(s.Kept) != s.Sum {
		return Kept{}, fmt.Errorf("read the lease: %s is damaged", f.path)
	}
	if err := json.Unmarshal(s.Kept, &k); err != nil {
		return Kept{}, fmt.Errorf("read the lease: %w", err)
	}
	if k.Boot != f.boot {
		return Kept{}, nil
	}
	return k, nil
}

// Recall is Read for the agent: what its earlier run said. What cannot be read
// is not known.
func (f *File) Recall() plan.Watch {
	k, err := f.Read()
	if err != nil {
		return plan.Watch{}
	}
	return k.Watch
}

// ErrInUse means that another guard watches already.
var ErrInUse = errors.New("another guard watches this node")

// Lock makes this process the guard until release is called or it ends.
func (f *File) Lock() (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return nil, fmt.Errorf("lock the guard: %w", err)
	}
	lock, err := os.OpenFile(f.lockPath(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the guard: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%s: %w", f.lockPath(), ErrInUse)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return func() { _ = lock.Close() }, nil
}

// Guarded reports whether a guard watches.
func (f *File) Guarded() bool {
	lock, err := os.Open(f.lockPath())
	if err != nil {
		return false
	}
	defer lock.Close()
	// A shared lock, so that two who ask do not take each other for a guard.
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK)
}

func (f *File) lockPath() string { return f.path[:len(f.path)-len(".lease")] + ".guard" }

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, maxFile)
	n, err := f.Read(b)
	if n > 0 {
		err = nil
	}
	return b[:n], err
}
