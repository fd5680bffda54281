// Package probe asks a service whether it answers: over TCP, HTTP, SIP, or by
// a command. A probe is one function; nil means an answer came.
//
// It knows nothing of what an answer is used for (readiness, a witness, the
// detection of a dead side), of the node's limits on commands, or of git. It
// keeps nothing between two tries.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"mainstay/spec"
)

// Func asks once. It returns nil when the target answered as wanted, and
// otherwise an error that says what was asked and what came back. It returns
// within the probe's timeout, earlier when ctx ends, and leaves no goroutine,
// socket or process behind.
type Func func(ctx context.Context) error

// The values of a probe's fields that are zero.
const (
	defaultTimeout = 2 * time.Second
	defaultEvery   = time.Second
	defaultFail    = 3
	defaultWithin  = 60 * time.Second
)

// Defaults returns p with its times and counts filled in where they are zero. A
// loaded document has none such, so that its probes are returned as they are.
func Defaults(p spec.Probe) spec.Probe {
	if p.Timeout <= 0 {
		p.Timeout = spec.Duration(defaultTimeout)
	}
	if p.Every <= 0 {
		p.Every = spec.Duration(defaultEvery)
	}
	if p.Fail <= 0 {
		p.Fail = defaultFail
	}
	if p.Within <= 0 {
		p.Within = spec.Duration(defaultWithin)
	}
	return p
}

// New makes the function of a probe. It is an error unless exactly one kind is
// set and its target can be understood; nothing is sent yet.
func New(p spec.Probe) (Func, error) {
	p = Defaults(p)
	kind, err := kindOf(p)
	if err != nil {
		return nil, err
	}
	ask, err := kind(p)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		try, cancel := context.WithTimeoutCause(ctx, p.Timeout.D(), errNoTimeLeft)
		defer cancel()
		return ask(try)
	}, nil
}

func kindOf(p spec.Probe) (func(spec.Probe) (Func, error), error) {
	var kinds []func(spec.Probe) (Func, error)
	if p.SIP != "" {
		kinds = append(kinds, newSIP)
	}
	if p.HTTP != "" {
		kinds = append(kinds, newHTTP)
	}
	if p.TCP != "" {
		kinds = append(kinds, newTCP)
	}
	if len(p.Command) > 0 {
		kinds = append(kinds, newCommand)
	}
	if len(kinds) != 1 {
		return nil, fmt.Errorf("a probe needs exactly one of sip, http, tcp and command, and has %d", len(kinds))
	}
	return kinds[0], nil
}

// errNoTimeLeft is the cause of a try that ran into its own timeout, as opposed
// to one that the caller ended.
var errNoTimeLeft = errors.New("no time was left to ask")

// ended reports why ctx is over in words that fit behind "no answer ", or ""
// while it is not.
func ended(ctx context.Context, timeout spec.Duration) string {
	switch {
	case ctx.Err() == nil:
		return ""
	case context.Cause(ctx) == errNoTimeLeft:
		return fmt.Sprintf("within %s", timeout)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "in the time that was left"
	}
	return "before the probe was called off"
}

// target checks host:port; without a port it takes the default one, and an
// empty default makes the port mandatory.
func target(address, defaultPort string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	var wrong *net.AddrError
	if errors.As(err, &wrong) && wrong.Err == "missing port in address" && defaultPort != "" {
		return target(net.JoinHostPort(trimBrackets(address), defaultPort), "")
	}
	if err != nil {
		return "", fmt.Errorf("address %q: want host:port: %w", address, err)
	}
	if host == "" || port == "" {
		return "", fmt.Errorf("address %q: want host:port, both given", address)
	}
	return net.JoinHostPort(host, port), nil
}

func trimBrackets(host string) string {
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
