package attack

import (
	"os"
	"sync"
	"syscall"
	"testing"
)

// FewFiles lets this program open only so many files more, until enough is called or
// the test ends.
func FewFiles(t testing.TB, free int) (enough func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	enough = sync.OnceFunc(func() {
		for _, f := range taken {
			_ = f.Close()
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(enough)
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	for _, f := range taken[len(taken)-free:] {
		_ = f.Close()
	}
	taken = taken[:len(taken)-free]
	return enough
}
