package failure

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
)

// said is an error in other words.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// Plainly says in plain words why another machine was not reached. An error of any other
// kind stays as it is, without the address, which whoever tells of it has said.
func Plainly(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return &said{fmt.Sprintf("the host name %q does not exist", name.Name), err}
	case errors.As(err, &name):
		return &said{fmt.Sprintf("the host name %q cannot be looked up: %s", name.Name, name.Err), err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &said{"nothing listens there (connection refused)", err}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return &said{"there is no way from here to that machine (no route)", err}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &said{"the other end broke the connection", err}
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return &said{"the connection ended before the answer was complete", err}
	}
	return err
}
