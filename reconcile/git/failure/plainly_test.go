package failure

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

// Why another machine was not reached is said once, without what a library calls it, and
// what has ended stays known.
func TestANetworkThatFailsIsToldInPlainWords(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://git.example.org/x", Err: &net.OpError{Op: "dial", Net: "tcp", Err: err}}
	}
	refused := dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	for want, err := range map[string]error{
		"cannot reach git at X: nothing listens there (connection refused)":            refused,
		"cannot reach git at X: there is no way from here to that machine (no route)":  dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)),
		`cannot reach git at X: the host name "g.invalid" does not exist`:              dial(&net.DNSError{Name: "g.invalid", IsNotFound: true}),
		`cannot reach git at X: the host name "g.org" cannot be looked up: misbehaves`: dial(&net.DNSError{Name: "g.org", Err: "misbehaves"}),
		"cannot reach git at X: the connection ended before the answer was complete":   &url.Error{Err: io.EOF},
		"cannot reach git at X: the other end broke the connection":                    dial(syscall.ECONNRESET),
		"cannot reach git at X: a word of its own":                                     errors.New("a word of its own"),
	} {
		if got := Complete(t.Context(), err, "list", "X").Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := Scrub(Plainly(dial(context.DeadlineExceeded))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no deadline any more", err)
	}
}
