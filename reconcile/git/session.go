package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"mainstay/reconcile/git/packet"
)

// dialer reaches one repository.
type dialer interface {
	// shown is the address without credentials.
	shown() string
	// dial starts a service. Everything the link does ends with ctx.
	dial(ctx context.Context, service string) (link, error)
	// forget drops idle connections.
	forget()
}

// link is a running service: first the refs are read from it, then at most one
// request is sent and its answer read.
type link interface {
	// refs is where the advertisement of refs is read.
	refs() *bufio.Reader
	// send carries a whole request and returns where its answer is read.
	send(ctx context.Context, request []byte) (*bufio.Reader, error)
	// explain turns an error of reading or sending into one that says what the
	// server said, of a class of this package.
	explain(err error) *Error
	// close ends the service. It waits for no one longer than a moment.
	close()
}

// session is a link whose refs were read.
type session struct {
	link link
	at   string
	step string
	refs Refs
	held int // the bytes of refs
	caps map[string]string
}

// openSession starts a service and reads its refs.
func openSession(ctx context.Context, d dialer, service, step string) (*session, error) {
	l, err := d.dial(ctx, service)
	if err != nil {
		return nil, place(ctx, err, step, d.shown())
	}
	s := &session{link: l, at: d.shown(), step: step}
	if err := s.readRefs(); err != nil {
		l.close()
		return nil, s.fail(ctx, err)
	}
	return s, nil
}

// place completes an error with the step and the address. An ended context is
// what happened, whatever it looked like from inside.
func place(ctx context.Context, err error, step, at string) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: ErrUnreachable, Err: scrub(err)}
	}
	if end := context.Cause(ctx); end != nil {
		e = &Error{Kind: ErrUnreachable, Err: ended(end)}
	}
	done := *e
	done.Step, done.At = step, at
	return &done
}

func ended(end error) error {
	if errors.Is(end, context.DeadlineExceeded) {
		return scrubbed{text: "no answer in time", end: context.DeadlineExceeded}
	}
	return scrub(end)
}

func (s *session) fail(ctx context.Context, err error) error {
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrDamaged) {
		var e *Error
		if errors.As(err, &e) {
			return err
		}
		return &Error{Kind: ErrTooLarge, Step: s.step, At: s.at, Err: scrub(err)}
	}
	return place(ctx, s.link.explain(err), s.step, s.at)
}

func (s *session) close() { s.link.close() }

// readRefs reads the advertisement. Only branches and this product's own refs
// are kept: a host may show thousands of others.
func (s *session) readRefs() error {
	s.refs, s.caps = Refs{}, map[string]string{}
	r := s.link.refs()
	first, err := firstLine(r)
	if err != nil || first == nil {
		return err
	}
	head, caps, ok := bytes.Cut(first, []byte{0})
	if !ok {
		return fmt.Errorf("not a list of refs: %q", packet.Message(first))
	}
	s.readCaps(string(caps))
	if format := s.caps["object-format"]; format != "" && format != "sha1" {
		return fmt.Errorf("the repository names its objects by %s, this program reads sha1", packet.Message([]byte(format)))
	}
	for l := head; l != nil; {
		if err := s.addRef(l); err != nil {
			return err
		}
		if l, err = packet.Line(r); err != nil {
			return err
		}
	}
	return nil
}

// firstLine skips what HTTP and newer servers put in front.
func firstLine(r *bufio.Reader) ([]byte, error) {
	first, err := packet.Line(r)
	if err == nil && bytes.HasPrefix(first, []byte("# service=")) {
		if _, err = packet.Line(r); err == nil {
			first, err = packet.Line(r)
		}
	}
	if err != nil {
		return nil, err
	}
	if text, is := bytes.CutPrefix(first, []byte("ERR ")); is {
		return nil, &Error{Kind: ErrAuth, Err: errors.New("the server says: " + packet.Message(text))}
	}
	return first, nil
}

func (s *session) readCaps(caps string) {
	for _, c := range strings.Fields(caps) {
		name, value, _ := strings.Cut(c, "=")
		s.caps[name] = value
	}
}

func (s *session) can(capability string) bool {
	_, ok := s.caps[capability]
	return ok
}

func (s *session) addRef(l []byte) error {
	if bytes.HasPrefix(l, []byte("shallow ")) {
		return nil
	}
	hash, name, ok := bytes.Cut(l, []byte(" "))
	if !ok || !isHash(string(hash)) {
		return fmt.Errorf("not a ref: %q", packet.Message(l))
	}
	return s.refs.add(name, hash, &s.held)
}

// The bounds of what is kept of a listing: how many branches, claims and reports,
// and how many bytes their names and hashes have.
const (
	mostRefs      = 50_000
	mostRefsBytes = 8 << 20
)

func (r Refs) add(name, hash []byte, held *int) error {
	if !bytes.HasPrefix(name, []byte(headsPrefix)) && !bytes.HasPrefix(name, []byte(ownPrefix)) {
		return nil
	}
	*held += len(name) + len(hash)
	if len(r) >= mostRefs || *held > mostRefsBytes {
		return fmt.Errorf("%w: it has more than %d branches, claims and reports, or their names are very long", ErrTooLarge, mostRefs)
	}
	r[string(name)] = string(hash)
	return nil
}

// isHash reports whether text is a full object name in lower case.
func isHash(text string) bool {
	if len(text) != 40 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; packet.HexDigit(c) < 0 || c >= 'A' && c <= 'F' {
			return false
		}
	}
	return true
}
