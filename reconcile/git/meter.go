package git

import (
	"bufio"
	"fmt"
	"io"
)

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
	// agent is what servers log. Some route by the "git/" in front.
	agent = "git/mainstay"
	// maxAnswer bounds what one connection may send, in bytes.
	maxAnswer = 64 << 20
)

// meter fails with ErrTooLarge once a server has sent more than allowed.
type meter struct {
	r    io.Reader
	left int64
}

func newMeter(r io.Reader) *bufio.Reader {
	return bufio.NewReader(&meter{r: r, left: maxAnswer})
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("%w: the server sent more than %d MiB", ErrTooLarge, maxAnswer>>20)
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	return n, err
}
