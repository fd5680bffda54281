// Package packet frames what git's protocol sends, as its pkt-line format asks, and
// makes what a server says fit for a log.
package packet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Flush is the packet that ends a list of packets.
const Flush = "0000"

// MaxMessage bounds what is kept of what a server says to people, in bytes.
const MaxMessage = 512

// ErrForeign says that something else came where git's protocol has a packet.
var ErrForeign = errors.New("not a git packet")

func notPacket(r *bufio.Reader) error {
	said, _ := r.Peek(min(r.Buffered(), MaxMessage))
	first, _, _ := bytes.Cut(said, []byte("\n"))
	return fmt.Errorf("%w: %q", ErrForeign, Message(first))
}

// Read returns the payload of the next packet, and nil for a flush. The bytes are valid until the next read.
func Read(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, unexpected(err)
	}
	n := 0
	for _, c := range head {
		d := HexDigit(c)
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

// HexDigit is what a hexadecimal digit of either case stands for, or -1.
func HexDigit(c byte) int {
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

// Line is Read for text: the line feed is taken off.
func Line(r *bufio.Reader) ([]byte, error) {
	b, err := Read(r)
	if b != nil {
		b = bytes.TrimSuffix(b, []byte("\n"))
	}
	return b, err
}

// Format frames a line.
func Format(format string, args ...any) []byte {
	text := fmt.Sprintf(format, args...)
	return fmt.Appendf(nil, "%04x%s", len(text)+4, text)
}

// maxGathered bounds what Sideband gathers, in bytes: a server's word on a few refs.
const maxGathered = 1 << 20

// Sideband gathers what a server sends on the data channel until it ends.
func Sideband(r *bufio.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(&Data{In: r}, maxGathered+1))
	if err == nil && len(b) > maxGathered {
		err = fmt.Errorf("the server's answer has more than %d bytes", maxGathered)
	}
	return b, err
}

// Data reads the data channel of an answer as it arrives.
type Data struct {
	In *bufio.Reader
	// Err is why it ended, io.EOF when the server ended it.
	Err  error
	rest []byte
}

// Read is part of io.Reader.
func (d *Data) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.Err != nil {
			return 0, d.Err
		}
		if d.rest, d.Err = d.next(); d.Err != nil {
			d.rest = nil
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *Data) next() ([]byte, error) {
	b, err := Read(d.In)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return nil, io.EOF
	case len(b) == 0 || b[0] == 2: // nothing, or progress for people
		return nil, nil
	case b[0] == 1:
		return b[1:], nil
	case b[0] == 3:
		return nil, fmt.Errorf("the server says: %s", Message(b[1:]))
	}
	return nil, fmt.Errorf("unknown channel %d", b[0])
}

// Message makes what a server said fit for one line of a log.
func Message(b []byte) string {
	return OneLine(string(b[:min(len(b), MaxMessage)]))
}

// OneLine takes line breaks and control characters out of a text.
func OneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.Join(strings.Fields(clean), " ")
}

// IsHash reports whether text is a full object name in lower case.
func IsHash(text string) bool {
	if len(text) != 40 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; HexDigit(c) < 0 || c >= 'A' && c <= 'F' {
			return false
		}
	}
	return true
}
