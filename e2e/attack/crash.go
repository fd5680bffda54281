package attack

import "errors"

// ErrPower is what a program is told by a disk whose machine has ended.
var ErrPower = errors.New("the power is gone")

// The instants of a crash at one change of a disk.
const (
	CrashBefore = iota
	CrashTorn
	CrashAfter
)

// Crash ends a machine at one change of its disk: from then on nothing reaches it.
type Crash struct {
	// At is the number of that change, from 1, and Instant when in it.
	At, Instant int
	// Never names a change that this disk cannot do at all.
	Never string
	// Gone says that the machine has ended, and Tore that a half was written.
	Gone, Tore bool
	seen       int
}

// Change does what a program wants to do to the disk, as far as the machine gets.
func (c *Crash) Change(point string, data []byte, do func([]byte) error) error {
	if c.Gone || c.Never != "" && point == c.Never {
		return ErrPower
	}
	if c.seen++; c.seen != c.At {
		return do(data)
	}
	c.Gone = true
	switch {
	case c.Instant == CrashBefore:
		return ErrPower
	case c.Instant == CrashTorn && len(data) > 1:
		c.Tore = true
		return errors.Join(do(data[:len(data)/2]), ErrPower)
	}
	return errors.Join(do(data), ErrPower)
}
