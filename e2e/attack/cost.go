package attack

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// What one input of a fuzz target may cost: time of the processor, not of the
// clock, and bytes that are allocated, kept or not.
const (
	MostTime   = 5 * time.Second
	MostMemory = 256 << 20
)

// Cheap runs what parses a foreign input, and fails the test when that costs more
// than MostTime or MostMemory.
func Cheap(t testing.TB, parse func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := Worked()
	parse()
	took := Worked() - began
	runtime.ReadMemStats(&after)
	if memory := after.TotalAlloc - before.TotalAlloc; took > MostTime || memory > MostMemory {
		t.Errorf("it takes %s and %d bytes", took, memory)
	}
}

// Worked is how long the processors have worked for this process.
func Worked() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
