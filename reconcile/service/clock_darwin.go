package service

import "golang.org/x/sys/unix"

// bootClock counts while a laptop sleeps, as this kernel's monotonic clock does.
const bootClock = unix.CLOCK_MONOTONIC
