package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"mainstay/reconcile/service"
)

// target is the file to be replaced, found behind any symbolic links.
type target struct {
	path string
	info fs.FileInfo // nil when there is none
}

// target looks where the path leads.
func (f *File) target() (target, error) {
	path, err := filepath.EvalSymlinks(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.absent()
	}
	if err != nil {
		return target{}, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return target{}, err
	}
	if !info.Mode().IsRegular() {
		return target{}, fmt.Errorf("%w: %s is not a regular file", service.ErrRefused, path)
	}
	return target{path: path, info: info}, nil
}

// absent is a file to be made. Its folder must be there.
func (f *File) absent() (target, error) {
	if _, err := os.Lstat(f.path); err == nil {
		return target{}, fmt.Errorf("%w: the symbolic link leads nowhere", service.ErrRefused)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(f.path))
	if errors.Is(err, fs.ErrNotExist) {
		return target{}, fmt.Errorf("%w: there is no folder %s", service.ErrNotFound, filepath.Dir(f.path))
	}
	if err != nil {
		return target{}, err
	}
	return target{path: filepath.Join(folder, filepath.Base(f.path))}, nil
}

func (t target) beside(format string) string {
	return filepath.Join(filepath.Dir(t.path), fmt.Sprintf(format, filepath.Base(t.path)))
}

// candidate keeps the extension, by which some checks go; old and none lose it,
// so that nothing reads them by it.
func (t target) candidate() string { return t.beside(".mainstay-new.%s") }
func (t target) old() string       { return t.beside(".%s.mainstay-old") }
func (t target) none() string      { return t.beside(".%s.mainstay-none") }

// unconfirmed reports whether an earlier run replaced the file, or was about to,
// and did not live to see the reload.
func (t target) unconfirmed() bool { return exists(t.old()) || exists(t.none()) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeCandidate puts the content on the disk, beside the target and with what
// will be its owner and mode.
func (t target) writeCandidate(content []byte, mode *fs.FileMode) error {
	t.removeCandidate()
	out, err := os.OpenFile(t.candidate(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	if err == nil {
		err = t.dress(out, mode)
	}
	if err == nil {
		err = out.Sync()
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.removeCandidate()
	}
	return err
}

// dress gives the candidate the owner first, since that may clear mode bits.
func (t target) dress(out *os.File, mode *fs.FileMode) error {
	perm := defaultMode
	if t.info != nil {
		perm = t.info.Mode().Perm()
		if err := sameOwner(out, t.info); err != nil {
			return err
		}
	}
	if mode != nil {
		perm = *mode
	}
	return out.Chmod(perm)
}

func sameOwner(out *os.File, as fs.FileInfo) error {
	want, ok := as.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the owner cannot be read")
	}
	info, err := out.Stat()
	if err != nil {
		return err
	}
	if have, ok := info.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	return out.Chown(int(want.Uid), int(want.Gid))
}

func (t target) removeCandidate() { _ = os.Remove(t.candidate()) }

// keepOld sets the old file aside without moving it. What an interrupted run kept
// is older and was confirmed, so it stays.
func (t target) keepOld() error {
	if t.unconfirmed() {
		return nil
	}
	if t.info == nil {
		marker, err := os.OpenFile(t.none(), os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(marker.Close(), t.syncFolder())
	}
	if os.Link(t.path, t.old()) == nil {
		return t.syncFolder()
	}
	return t.copyOld()
}

// copyOld is for file systems without hard links. It takes its space now, so
// that putting it back needs none.
func (t target) copyOld() error {
	in, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer in.Close()
	partial := t.old() + ".partial"
	out, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = t.dress(out, nil)
	}
	if err == nil {
		err = out.Sync()
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(partial, t.old())
	}
	if err != nil {
		_ = os.Remove(partial)
		return err
	}
	return t.syncFolder()
}

// install puts the candidate in place.
func (t target) install() error {
	if err := os.Rename(t.candidate(), t.path); err != nil {
		return err
	}
	return t.syncFolder()
}

// putBack undoes install, which needs no space on the disk.
func (t target) putBack() error {
	if exists(t.old()) {
		if err := os.Rename(t.old(), t.path); err != nil {
			return err
		}
		return t.syncFolder()
	}
	if err := os.Remove(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.confirm()
}

// confirm forgets the old file: the present one is believed.
func (t target) confirm() error {
	for _, kept := range []string{t.old(), t.none()} {
		if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return t.syncFolder()
}

// syncFolder makes renames survive a power cut.
func (t target) syncFolder() error {
	folder, err := os.Open(filepath.Dir(t.path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
