package service

import "golang.org/x/sys/unix"

// bootClock counts while the machine is suspended, as a lease must (R7).
const bootClock = unix.CLOCK_BOOTTIME
