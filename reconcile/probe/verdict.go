package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"

	"mainstay/spec/endpoint"
)

// Verdict is what one try says of the target. Failing to ask is not silence: only
// Silent and Refused say that a question was put and no service answered.
type Verdict int

const (
	// Unasked: the question was not put. The name is unknown here, there is no way
	// from this machine, the program cannot be run. Nothing is known.
	Unasked Verdict = iota
	// Answered: the answer is the wanted one.
	Answered
	// Otherwise: something came back that is not the wanted answer, such as another
	// HTTP status, a TLS alert or a connection that was closed. What answers is
	// alive.
	Otherwise
	// Refused: the machine's own system said that nothing listens on that port. The
	// machine is alive, and this service of it is not.
	Refused
	// Silent: the question was put, and nothing came back in time.
	Silent
)

// judged is an error with its verdict.
type judged struct {
	error
	verdict Verdict
}

func (j judged) Unwrap() error { return j.error }

func judge(v Verdict, err error) error { return judged{err, v} }

// VerdictOf returns what a try says that ended with err. An error that nothing is
// known of means that the target was not asked.
func VerdictOf(err error) Verdict {
	if err == nil {
		return Answered
	}
	var j judged
	if errors.As(err, &j) {
		return j.verdict
	}
	return Unasked
}

// dialed is one connection: whether it was asked for, whether it was made, and
// whether an answer sent this probe elsewhere.
type dialed struct {
	to         atomic.Pointer[string] // where it goes, once a name was looked up
	talking    atomic.Bool
	redirected bool
}

// dialer is a dialer that notes when a name was looked up and the connection is
// about to be asked for.
func (d *dialed) dialer() *net.Dialer {
	return &net.Dialer{KeepAlive: -1, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if host, _, err := net.SplitHostPort(address); err != nil || endpoint.LinkLocal(host) {
			return errLinkLocal
		}
		d.to.Store(&address)
		return nil
	}}
}

// errLinkLocal is what a name leads to that only looked harmless.
var errLinkLocal = errors.New("the address is link-local, and no probe asks there")

// verdict judges an error of the network: what it proves of the target.
func (d *dialed) verdict(err error, late bool) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns), d.to.Load() == nil:
		return judge(Unasked, err)
	case late, errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH):
		if down := ownNetwork(*d.to.Load()); down != nil {
			return judge(Unasked, fmt.Errorf("%w: %w", down, err))
		}
		return judge(Silent, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return judge(Refused, err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return judge(Otherwise, err)
	}
	return judge(Unasked, err)
}

// ownNetwork returns why this machine's own network could not have carried a
// question to an address, and nil when it could. Without that, a node whose cable
// is pulled would take everybody else for dead.
func ownNetwork(address string) error {
	conn, err := net.Dial("udp", address) // sends nothing: it asks for the way
	if err != nil {
		return fmt.Errorf("this machine has no route there: %w", err)
	}
	defer conn.Close()
	local, is := conn.LocalAddr().(*net.UDPAddr)
	if !is {
		return nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		if has(i, local.IP) && i.Flags&net.FlagRunning == 0 {
			return fmt.Errorf("this machine's own interface %s is down", i.Name)
		}
	}
	return nil
}

func has(i net.Interface, ip net.IP) bool {
	addresses, err := i.Addrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if n, is := a.(*net.IPNet); is && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
