package run

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// MaxOutput is how many bytes of output are kept: the last ones, because the end of
// an output says why.
const MaxOutput = 4 << 10

// Tail keeps the last MaxOutput bytes written to it. The zero value is ready, and
// may be used by several goroutines.
type Tail struct {
	mu   sync.Mutex
	kept []byte
	cut  bool
}

// Write never fails, so that a talkative program is not stopped by its output.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	if n > MaxOutput {
		b, t.cut = b[n-MaxOutput:], true
	}
	if over := len(t.kept) + len(b) - MaxOutput; over > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	t.kept = append(t.kept, b...)
	return n, nil
}

// String is what was kept as text, trimmed. It begins with "… " when there was more.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "?"))
	if t.cut {
		text = "… " + text
	}
	return text
}

// output drains a pipe for as long as anyone writes to it and keeps the end.
type output struct {
	read, write *os.File
	done        chan struct{}
	tail        Tail
}

func newOutput() (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{read: read, write: write, done: make(chan struct{})}, nil
}

// begin is called once the child has its own copy of the pipe, or there is none.
func (o *output) begin() {
	_ = o.write.Close()
	go func() {
		defer close(o.done)
		defer o.read.Close()
		_, _ = io.Copy(&o.tail, o.read)
	}()
}

// wait waits until nobody writes any more, but no longer than this.
func (o *output) wait(most time.Duration) {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-o.done:
	case <-late.C:
	}
}
