package run

import "syscall"

// attributes make a command the head of a process group of its own. One that is
// tied ends with the thread that made it.
func attributes(tied bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if tied {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}
