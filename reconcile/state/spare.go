package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

// spare is a folder in memory that outlives the process and not the machine's boot. It
// holds what the disk refused, so that an agent that is started again knows what the one
// before it knew. A value that is here is newer than the disk's, or equal to it.
type spare struct {
	dir string
	bad error // why the folder is not used
}

// Beside is the spare folder of the agent with this control socket in this boot. A
// socket lies where a boot begins with nothing, and in a container, where that need not
// be so, the boot tells.
func Beside(socket, boot string) string { return spares(socket) + escape(boot) }

func spares(socket string) string { return socket + ".kept-" }

// OpenWithSpare is Open with a spare folder, which Beside names. What the disk refuses
// is kept there, and Load returns it until the disk has taken a newer value. Spare
// folders of earlier boots are cleared away.
func OpenWithSpare(dir, socket, boot string) (*Folder, error) {
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	s.spare = &spare{dir: Beside(socket, boot)}
	s.spare.bad = s.spare.own()
	folder, prefix := filepath.Split(spares(socket))
	beside, _ := os.ReadDir(folder) // what cannot be cleared away now, the next start tries again
	for _, e := range beside {
		if path := folder + e.Name(); strings.HasPrefix(e.Name(), prefix) && path != s.spare.dir {
			_ = os.RemoveAll(path)
		}
	}
	return s, nil
}

// has reports whether a value of this name is newer than the disk's.
func (p *spare) has(name string) bool {
	if p == nil || p.bad != nil {
		return false
	}
	_, err := os.Lstat(File(p.dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// read is the value of a name, or fs.ErrNotExist. One that is there and cannot be read is
// empty, which is damaged, unless the machine was short of what reading takes.
func (p *spare) read(name string) ([]byte, error) {
	if !p.has(name) {
		return nil, fs.ErrNotExist
	}
	whole, err := readBounded(File(p.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !short(err) {
		return nil, nil
	}
	return whole, err
}

// decode reads a value. A damaged one stays where it is until it is saved anew: the value
// on disk is older, and is not the newest for that.
func (p *spare) decode(name string, whole []byte, v any) error {
	if err := decode(name, whole, v); err != nil {
		return &damage{file: File(p.dir, name), cause: err, hint: "it ends with the next value, or when the machine starts again"}
	}
	return nil
}

// keep puts a whole file into the folder, which it makes.
func (p *spare) keep(name string, whole []byte) error {
	if p.bad != nil {
		return p.bad
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(File(p.dir, name), whole, 0o600, renameio.WithTempDir(p.dir))
}

// drop ends what is kept of a name.
func (p *spare) drop(name string) error {
	if p == nil || p.bad != nil {
		return nil
	}
	if err := os.Remove(File(p.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// own refuses a folder that somebody else made. One that is not there is fine.
func (p *spare) own() error {
	info, err := os.Lstat(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder of this user alone", p.dir)
	}
	return nil
}
