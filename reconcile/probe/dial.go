package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"mainstay/spec"
)

// dial opens a connection; its error already reads as the end of a sentence
// that names the target, and has a verdict.
func dial(ctx context.Context, network, address string, timeout spec.Duration) (net.Conn, error) {
	var d dialed
	conn, err := d.dialer().DialContext(ctx, network, address)
	if err == nil {
		return conn, nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		<-ctx.Done() // the dialer's own clock may be a moment ahead
	}
	var dns *net.DNSError
	when := ended(ctx, timeout)
	if when != "" && !errors.As(err, &dns) {
		return nil, d.verdict(fmt.Errorf("no connection %s", when), true)
	}
	return nil, d.verdict(reason(err), when != "")
}

// reason turns the network errors that people meet at night into what they
// mean, and leaves the others as they are.
func reason(err error) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("the host name %q does not exist: %w", dns.Name, err)
	case errors.As(err, &dns):
		return fmt.Errorf("the host name %q cannot be looked up: %w", dns.Name, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens there: %w", err)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("no route to that machine: %w", err)
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the other end broke the connection: %w", err)
	}
	return err
}

// expire makes every wait on conn end as soon as ctx does. The returned
// function undoes it and must be called.
func expire(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
}
