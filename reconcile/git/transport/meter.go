package transport

import (
	"bufio"
	"fmt"
	"io"

	"mainstay/reconcile/git/failure"
)

const (
	// UploadPack is git's name of the service that a reader asks.
	UploadPack = "git-upload-pack"
	// ReceivePack is git's name of the service that takes a push.
	ReceivePack = "git-receive-pack"
	// Agent is what servers log. Some route by the "git/" in front.
	Agent = "git/mainstay"
	// maxAnswer bounds what one connection may send, in bytes.
	maxAnswer = 64 << 20
)

// meter fails with failure.ErrTooLarge once a server has sent more than allowed.
type meter struct {
	r    io.Reader
	left int64
}

// NewMeter reads what one connection sends, and no more than is allowed.
func NewMeter(r io.Reader) *bufio.Reader {
	return bufio.NewReader(&meter{r: r, left: maxAnswer})
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("%w: the server sent more than %d MiB", failure.ErrTooLarge, maxAnswer>>20)
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	return n, err
}
