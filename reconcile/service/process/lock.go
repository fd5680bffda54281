package process

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// wholeFile is the range of a lock. Locks of open file descriptions are used:
// they pass to children with the descriptor, and can be tested without being
// taken.
func wholeFile(kind int16) *unix.Flock_t {
	return &unix.Flock_t{Type: kind, Whence: io.SeekStart}
}

// takeLock returns the open, locked file, for a child to inherit. The error is
// unix.EAGAIN while another process has it.
func (d *Driver) takeLock() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(d.folder, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile(unix.F_WRLCK)); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// lockHeld reports whether anyone has the lock, and the file by which holders
// are found.
func (d *Driver) lockHeld() (bool, os.FileInfo, error) {
	f, err := os.OpenFile(filepath.Join(d.folder, lockFile), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, nil, err
	}
	lock := wholeFile(unix.F_WRLCK)
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, lock); err != nil {
		return false, nil, err
	}
	return lock.Type != unix.F_UNLCK, info, nil
}
