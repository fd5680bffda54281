package run

import "syscall"

// attributes make a command the head of a process group of its own. No agent runs
// on a laptop, so nothing has to end with it.
func attributes(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
