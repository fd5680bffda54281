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

// target is the file to be replaced, found behind any symbolic links, beneath a
// folder that the node's own file allows. Close it.
type target struct {
	root   *os.Root
	rel    string      // below root
	path   string      // the whole of it, for people and for checks
	info   fs.FileInfo // nil when there is none
	change writes
}

// writes carries out one write to the disk, called point. A write of bytes is
// given them. Tests end the agent before, in the middle of and after each.
type writes func(point string, data []byte, do func(data []byte) error) error

// straight just does it.
func straight(_ string, data []byte, do func([]byte) error) error { return do(data) }

// target looks where the path leads.
func (f *File) target() (target, error) {
	path, err := filepath.EvalSymlinks(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		path, err = f.absent()
	}
	if err != nil {
		return target{}, err
	}
	root, rel, err := beneath(path, f.allowed)
	if err != nil {
		return target{}, err
	}
	t := target{root: root, rel: rel, path: path, change: f.change}
	t.info, err = root.Lstat(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.info, err = nil, nil
	case err == nil && !t.info.Mode().IsRegular():
		err = fmt.Errorf("%w: %s is not a regular file", service.ErrRefused, path)
	}
	if err != nil {
		t.close()
		return target{}, err
	}
	return t, nil
}

// absent is where a file is to be made. Its folder must be there.
func (f *File) absent() (string, error) {
	if _, err := os.Lstat(f.path); err == nil {
		return "", fmt.Errorf("%w: the symbolic link leads nowhere", service.ErrRefused)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(f.path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: there is no folder %s", service.ErrNotFound, filepath.Dir(f.path))
	}
	return filepath.Join(folder, filepath.Base(f.path)), err
}

func (t target) close() { _ = t.root.Close() }

// named is the name of a file beside the target.
func (t target) named(format string) string {
	return filepath.Join(filepath.Dir(t.rel), fmt.Sprintf(format, filepath.Base(t.rel)))
}

// candidate keeps the extension, by which some checks go; old and none lose it,
// so that nothing reads them by it.
func (t target) candidate() string { return t.named(".mainstay-new.%s") }
func (t target) old() string       { return t.named(".%s.mainstay-old") }
func (t target) none() string      { return t.named(".%s.mainstay-none") }
func (t target) partial() string   { return t.old() + ".partial" }

// candidatePath is where a check finds the candidate.
func (t target) candidatePath() string {
	return filepath.Join(filepath.Dir(t.path), filepath.Base(t.candidate()))
}

// unconfirmed reports whether an earlier run replaced the file, or was about to,
// and did not live to see the reload.
func (t target) unconfirmed() bool { return t.exists(t.old()) || t.exists(t.none()) }

func (t target) exists(name string) bool {
	_, err := t.root.Lstat(name)
	return err == nil
}

// do is a write that has no bytes.
func (t target) do(point string, do func() error) error {
	return t.change(point, nil, func([]byte) error { return do() })
}

// writeCandidate puts the content on the disk, beside the target and with what
// will be its owner and mode.
func (t target) writeCandidate(content []byte, mode *fs.FileMode) error {
	t.removeCandidate()
	err := t.writeFile(t.candidate(), os.O_EXCL, func(out *os.File) error {
		if err := t.change("write the candidate", content, func(b []byte) error { _, err := out.Write(b); return err }); err != nil {
			return err
		}
		return t.dress(out, mode)
	})
	if err != nil {
		t.removeCandidate()
	}
	return err
}

// writeFile makes a file beside the target, has it filled, and puts it on the
// disk.
func (t target) writeFile(name string, flag int, fill func(*os.File) error) error {
	var out *os.File
	err := t.do("make "+filepath.Base(name), func() (err error) {
		out, err = t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag, 0o600)
		return err
	})
	if out == nil {
		return err
	}
	if err == nil {
		err = fill(out)
	}
	if err == nil {
		err = t.do("sync "+filepath.Base(name), out.Sync)
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// dress gives the candidate the owner first, since that may clear mode bits.
func (t target) dress(out *os.File, mode *fs.FileMode) error {
	perm := defaultMode
	if t.info != nil {
		perm = t.info.Mode().Perm()
		if err := t.do("give it its owner", func() error { return sameOwner(out, t.info) }); err != nil {
			return err
		}
	}
	if mode != nil {
		perm = *mode
	}
	return t.do("give it its mode", func() error { return out.Chmod(perm) })
}

// ownerOf returns the user and the group that own a file, where they are known.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
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

func (t target) removeCandidate() {
	_ = t.do("remove the candidate", func() error { return t.root.Remove(t.candidate()) })
}

// keepOld sets the old file aside without moving it. What an interrupted run kept
// is older and was confirmed, so it stays.
func (t target) keepOld() error {
	if t.unconfirmed() {
		return nil
	}
	if t.info == nil {
		if err := t.writeFile(t.none(), 0, func(*os.File) error { return nil }); err != nil {
			return err
		}
		return t.syncFolder()
	}
	if t.do("link the old file", func() error { return t.root.Link(t.rel, t.old()) }) == nil {
		return t.syncFolder()
	}
	return t.copyOld()
}

// copyOld is for file systems without hard links. It takes its space now, so
// that putting it back needs none.
func (t target) copyOld() error {
	in, err := t.root.Open(t.rel)
	if err != nil {
		return err
	}
	defer in.Close()
	err = t.writeFile(t.partial(), os.O_TRUNC, func(out *os.File) error {
		if err := t.do("copy the old file", func() error { _, err := io.Copy(out, in); return err }); err != nil {
			return err
		}
		return t.dress(out, nil)
	})
	if err == nil {
		err = t.rename(t.partial(), t.old())
	}
	if err != nil {
		_ = t.do("remove the copy", func() error { return t.root.Remove(t.partial()) })
		return err
	}
	return t.syncFolder()
}

func (t target) rename(from, to string) error {
	return t.do("rename to "+filepath.Base(to), func() error { return t.root.Rename(from, to) })
}

// install puts the candidate in place.
func (t target) install() error {
	if err := t.rename(t.candidate(), t.rel); err != nil {
		return err
	}
	return t.syncFolder()
}

// putBack undoes install, which needs no space on the disk.
func (t target) putBack() error {
	if t.exists(t.old()) {
		if err := t.rename(t.old(), t.rel); err != nil {
			return err
		}
		return t.syncFolder()
	}
	if err := t.remove(t.rel); err != nil {
		return err
	}
	return t.confirm()
}

// confirm forgets the old file: the present one is believed.
func (t target) confirm() error {
	for _, kept := range []string{t.partial(), t.old(), t.none()} {
		if err := t.remove(kept); err != nil {
			return err
		}
	}
	return t.syncFolder()
}

// remove removes a file that may not be there.
func (t target) remove(name string) error {
	if !t.exists(name) {
		return nil
	}
	return t.do("remove "+filepath.Base(name), func() error { return t.root.Remove(name) })
}

// syncFolder makes renames survive a power cut.
func (t target) syncFolder() error {
	folder, err := t.root.Open(filepath.Dir(t.rel))
	if err != nil {
		return err
	}
	defer folder.Close()
	return t.do("sync the folder", folder.Sync)
}
