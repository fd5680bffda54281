package file

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openRoot opens a folder whose way holds no symbolic link any more.
func openRoot(folder string) (*os.Root, error) {
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, folder, how)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return os.OpenRoot(folder) // an old kernel, or a sandbox that knows no openat2
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", folder, err)
	}
	defer func() { _ = unix.Close(fd) }()
	return os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", fd))
}
