package task

import "syscall"

// ownGroup makes a command the head of a process group of its own, which ends
// with the thread that made it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
