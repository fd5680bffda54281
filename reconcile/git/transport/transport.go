// Package transport reaches a repository over HTTP, SSH or on this machine, and lets a
// caller read the refs and send one request. go-git has transports too; git/doc.go says
// why these are not used.
//
// Every link is bounded by its context in time and by NewMeter in bytes, and no error
// holds a credential. It must not know what is asked: refs, packs and pushes are package
// git's.
package transport

import (
	"bufio"
	"context"
	"errors"
	"log/slog"

	"mainstay/reconcile/git/failure"
)

// Options say how to be let in. Package git's Options say the same at length.
type Options struct {
	// URL is the repository that TokenFile is for. The address that is opened may be a
	// mirror of it, which gets the token only on the same host.
	URL string
	// SSHKey, TokenFile, KnownHosts and CAFile are files, read for every connection.
	SSHKey, TokenFile, KnownHosts, CAFile string
	// Mirror says that an old answer is as good as any: what is read here is no claim,
	// and a commit says itself which one it is.
	Mirror bool
	// Log is told about what is odd but no error. Nil means nothing is said.
	Log *slog.Logger
}

// Dialer reaches one repository.
type Dialer interface {
	// Shown is the address without credentials.
	Shown() string
	// Dial starts a service. Everything the link does ends with ctx.
	Dial(ctx context.Context, service string) (Link, error)
	// Forget drops idle connections.
	Forget()
}

// Link is a running service: first the refs are read from it, then at most one
// request is sent and its answer read.
type Link interface {
	// Refs is where the advertisement of refs is read.
	Refs() *bufio.Reader
	// Send carries a whole request and returns where its answer is read.
	Send(ctx context.Context, request []byte) (*bufio.Reader, error)
	// Explain turns an error of reading or sending into one that says what the
	// server said, of a class of package failure.
	Explain(err error) *failure.Error
	// Close ends the service. It waits for no one longer than a moment.
	Close()
}

// ErrNotOffered says that a server does not speak protocol version 2.
var ErrNotOffered = errors.New("protocol version 2 is not offered")

// Asker is a Dialer that can send one request of protocol version 2 without the
// request that would first ask whether it is spoken.
type Asker interface {
	// Ask sends a request to upload-pack and has its answer read. ErrNotOffered says
	// that the server has to be asked the old way.
	Ask(ctx context.Context, request []byte, read func(*bufio.Reader) error) error
}

// Reopener is a Dialer whose services answer a request without the advertisement that
// comes before it elsewhere: whoever has read one knows what the server can.
type Reopener interface {
	// Reopen returns a link to a service, of which no refs can be read. It is nil
	// until the service was dialled once. It does not touch the network.
	Reopen(service string) Link
}

// New checks the address. It does not touch the network, and reads no file but CAFile.
func New(address string, o Options) (Dialer, error) {
	e, err := parseEndpoint(address)
	if err != nil {
		return nil, err
	}
	switch e.scheme {
	case overHTTP:
		return newHTTPDialer(e, o)
	case overSSH:
		return newSSHDialer(e, o)
	default:
		return localDialer{e}, nil
	}
}
