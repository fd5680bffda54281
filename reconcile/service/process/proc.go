package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is one process as the kernel shows it. pid and start together name it
// for as long as the machine runs.
type proc struct {
	pid     int
	start   uint64 // clock ticks since boot
	state   byte
	parent  int
	group   int
	session int
	threads int
}

// alive is false for a zombie, unless it is only the main thread that ended.
func (p proc) alive() bool {
	return (p.state != 'Z' && p.state != 'X') || p.threads > 1
}

// is reports whether two observations show the same process.
func (p proc) is(other proc) bool { return p.pid == other.pid && p.start == other.start }

// readProc reads /proc/<pid>/stat.
func readProc(pid int) (proc, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return proc{}, err
	}
	return parseStat(pid, string(b))
}

// parseStat reads the fields after the name, which may itself contain blanks
// and parentheses.
func parseStat(pid int, stat string) (proc, error) {
	const threads, start = 17, 19
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(f) <= start {
		return proc{}, fmt.Errorf("stat of process %d: %d fields", pid, len(f))
	}
	p := proc{pid: pid, state: f[0][0]}
	for _, field := range []struct {
		at   int
		into *int
	}{{1, &p.parent}, {2, &p.group}, {3, &p.session}, {threads, &p.threads}} {
		n, err := strconv.Atoi(f[field.at])
		if err != nil {
			return proc{}, fmt.Errorf("stat of process %d: field %d: %w", pid, field.at, err)
		}
		*field.into = n
	}
	var err error
	if p.start, err = strconv.ParseUint(f[start], 10, 64); err != nil {
		return proc{}, fmt.Errorf("stat of process %d: start time: %w", pid, err)
	}
	return p, nil
}

// scan lists the living processes, other than the agent itself, that belong. It
// is handed numbers and reads about a process only what it must: on an idle node
// this is most of what the agent does. One that ends meanwhile is left out; one that
// cannot be looked at is an error, for it may belong.
func scan(ctx context.Context, belongs func(pid int) (bool, error)) ([]proc, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	self := os.Getpid()
	var found []proc
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		pid, err := strconv.Atoi(name)
		if err != nil || pid == self {
			continue
		}
		is, err := belongs(pid)
		if err != nil {
			return nil, err
		}
		if !is {
			continue
		}
		switch p, err := readProc(pid); {
		case err == nil && p.alive():
			found = append(found, p)
		case err != nil && !gone(err):
			return nil, err
		}
	}
	return found, nil
}

// gone reports whether an error says that a process is not there, or is none of this
// user's. Any other, such as of too many open files, says nothing of the process.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || errors.Is(err, fs.ErrPermission)
}

// environs reads environments into one buffer.
type environs struct{ buffer []byte }

// read returns a whole file. What may not be read belongs to somebody else.
func (e *environs) read(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for used := 0; ; {
		if used == len(e.buffer) {
			e.buffer = append(e.buffer, make([]byte, max(len(e.buffer), 4096))...)
		}
		n, err := unix.Read(fd, e.buffer[used:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return e.buffer[:used], err
		}
		used += n
	}
}

// holds reports whether the process has the file open.
func holds(pid int, file os.FileInfo) (bool, error) {
	folder := "/proc/" + strconv.Itoa(pid) + "/fd"
	fds, err := os.ReadDir(folder)
	if err != nil && !gone(err) {
		return false, err
	}
	for _, fd := range fds {
		// Only what has the right name is looked at: a look can block.
		path := filepath.Join(folder, fd.Name())
		link, err := os.Readlink(path)
		if err != nil || filepath.Base(link) != file.Name() {
			continue
		}
		if open, err := os.Stat(path); err == nil && os.SameFile(open, file) {
			return true, nil
		}
	}
	return false, nil
}

// bootID names this boot of the machine; pids mean nothing across two.
func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

// pidfd is a handle of one process that no reuse of its pid can redirect.
type pidfd struct {
	fd   int
	file *os.File
}

// openPidfd returns unix.ESRCH when the process has ended.
func openPidfd(p proc) (*pidfd, error) {
	fd, err := unix.PidfdOpen(p.pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	handle := &pidfd{fd, os.NewFile(uintptr(fd), "pidfd")}
	now, err := readProc(p.pid)
	if err != nil && !gone(err) {
		handle.close()
		return nil, err
	}
	if err != nil || !now.is(p) {
		handle.close()
		return nil, unix.ESRCH
	}
	return handle, nil
}

func (h *pidfd) close() { _ = h.file.Close() }

// signal sends to exactly this process.
func (h *pidfd) signal(sig unix.Signal) error {
	return unix.PidfdSendSignal(h.fd, sig, nil, 0)
}

// wait returns nil once the process has ended, be it a child or not. No thread
// is blocked meanwhile.
func (h *pidfd) wait(ctx context.Context) error {
	conn, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, h.close)
	defer stop()
	err = conn.Read(func(fd uintptr) bool {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(polled, 0)
		return err == nil && n > 0
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// waitAll returns nil once all the processes have ended.
func waitAll(ctx context.Context, procs []proc) error {
	for _, p := range procs {
		handle, err := openPidfd(p)
		if err == unix.ESRCH {
			continue
		}
		if err != nil {
			return fmt.Errorf("watch process %d: %w", p.pid, err)
		}
		err = handle.wait(ctx)
		handle.close()
		if err != nil {
			return err
		}
	}
	return nil
}
