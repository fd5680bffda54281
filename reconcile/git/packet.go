package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
	// agent is what servers log. Some route by the "git/" in front.
	agent = "git/mainstay"
	// maxAnswer bounds what one connection may send, in bytes.
	maxAnswer = 64 << 20
	// maxMessage bounds what is kept of what a server says to people.
	maxMessage = 512

	flushPacket = "0000"
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

// errNotPacket says that something else came where git's protocol has a packet.
var errNotPacket = errors.New("not a git packet")

func notPacket(r *bufio.Reader) error {
	said, _ := r.Peek(min(r.Buffered(), maxMessage))
	first, _, _ := bytes.Cut(said, []byte("\n"))
	return fmt.Errorf("%w: %q", errNotPacket, message(first))
}

// readPacket returns the payload of the next packet, and nil for a flush. The bytes are valid until the next read.
func readPacket(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, unexpected(err)
	}
	n := 0
	for _, c := range head {
		d := hexDigit(c)
		if d < 0 {
			return nil, notPacket(r)
		}
		n = n<<4 | d
	}
	switch {
	case n > 4:
		return payload(r, n)
	case n == 4:
		_, err = r.Discard(n)
		return []byte{}, err
	case n == 0:
		_, err = r.Discard(4)
		return nil, err
	}
	return nil, notPacket(r)
}

func payload(r *bufio.Reader, n int) ([]byte, error) {
	if n > r.Size() {
		whole := make([]byte, n)
		if _, err := io.ReadFull(r, whole); err != nil {
			return nil, unexpected(err)
		}
		return whole[4:], nil
	}
	whole, err := r.Peek(n)
	if err != nil {
		return nil, unexpected(err)
	}
	_, err = r.Discard(n)
	return whole[4:], err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// line is readPacket for text: the line feed is taken off.
func line(r *bufio.Reader) ([]byte, error) {
	b, err := readPacket(r)
	if b != nil {
		b = bytes.TrimSuffix(b, []byte("\n"))
	}
	return b, err
}

// packet frames a line.
func packet(format string, args ...any) []byte {
	text := fmt.Sprintf(format, args...)
	return fmt.Appendf(nil, "%04x%s", len(text)+4, text)
}

// sideband gathers what a server sends on the data channel until it ends.
func sideband(r *bufio.Reader) ([]byte, error) {
	var data bytes.Buffer
	for {
		b, err := readPacket(r)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return data.Bytes(), nil
		}
		if len(b) == 0 {
			continue
		}
		switch b[0] {
		case 1:
			data.Write(b[1:])
		case 2: // progress, for people
		case 3:
			return nil, fmt.Errorf("the server says: %s", message(b[1:]))
		default:
			return nil, fmt.Errorf("unknown channel %d", b[0])
		}
	}
}

// message makes what a server said fit for one line of a log.
func message(b []byte) string {
	return oneLine(string(b[:min(len(b), maxMessage)]))
}

// oneLine takes line breaks and control characters out of a text.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.Join(strings.Fields(clean), " ")
}
