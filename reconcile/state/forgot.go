package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Forgot reports whether what was saved under a name was damaged, and nothing was saved under
// it since: whoever loaded it then may have ended before anything was done about that.
func (s *Folder) Forgot(name string) (bool, error) {
	file, err := s.file(name)
	if err != nil {
		return false, err
	}
	if s.spare.has(name) {
		return false, nil
	}
	return access(s, func() (bool, error) {
		if _, err := os.Lstat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		for _, aside := range asideNames(file) {
			if _, err := os.Lstat(aside); err == nil || !errors.Is(err, fs.ErrNotExist) {
				return err == nil, err
			}
		}
		return false, nil
	})
}

// Missing is an ErrDamaged where one of these values was damaged and nothing was saved under its
// name since, and nil where none ever was.
func (s *Folder) Missing(names ...string) error {
	for _, name := range names {
		switch lost, err := s.Forgot(name); {
		case err != nil:
			return err
		case lost:
			return fmt.Errorf("%s: %w, and nothing was saved since", name, ErrDamaged)
		}
	}
	return nil
}
