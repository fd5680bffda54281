package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
)

// session is a link whose refs were read.
type session struct {
	link transport.Link
	at   string
	step string
	refs Refs
	held int // the bytes of refs
	caps map[string]string
	// unpacking says that objects of an answer have come.
	unpacking bool
}

// openSession starts a service and reads its refs.
func (r *Remote) openSession(ctx context.Context, d transport.Dialer, service, step string) (*session, error) {
	l, err := d.Dial(ctx, service)
	if err != nil {
		return nil, failure.Complete(ctx, err, step, d.Shown())
	}
	s := &session{link: l, at: d.Shown(), step: step}
	if err := s.readRefs(); err != nil {
		l.Close()
		return nil, s.fail(ctx, err)
	}
	if _, can := d.(transport.Reopener); can && len(s.caps) > 0 {
		r.can.Store(serviceOf{d, service}, s.caps)
	}
	return s, nil
}

// serviceOf is a service of one address.
type serviceOf struct {
	at      transport.Dialer
	service string
}

// reopen is openSession without the request that asks for the refs, for whoever knows
// already where its ref is: that one costs as much as the one that follows, and names
// every ref of the server. It is nil where the refs come unasked, or were never read.
func (r *Remote) reopen(d transport.Dialer, service, step string) *session {
	caps, known := r.can.Load(serviceOf{d, service})
	if !known {
		return nil
	}
	l := d.(transport.Reopener).Reopen(service)
	if l == nil {
		return nil
	}
	return &session{link: l, at: d.Shown(), step: step, caps: caps.(map[string]string)}
}

// forget asks a server again what it can before the next request.
func (r *Remote) forget(d transport.Dialer, service string) { r.can.Delete(serviceOf{d, service}) }

func (s *session) fail(ctx context.Context, err error) error {
	if errors.Is(err, failure.ErrTooLarge) || errors.Is(err, failure.ErrDamaged) {
		var e *failure.Error
		if errors.As(err, &e) {
			return err
		}
		return &failure.Error{Kind: failure.ErrTooLarge, Step: s.step, At: s.at, Err: failure.Scrub(err)}
	}
	return failure.Complete(ctx, s.link.Explain(err), s.step, s.at)
}

func (s *session) close() { s.link.Close() }

// readRefs reads the advertisement. Only branches and this product's own refs
// are kept: a host may show thousands of others.
func (s *session) readRefs() error {
	s.refs, s.caps = Refs{}, map[string]string{}
	r := s.link.Refs()
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
		return nil, &failure.Error{Kind: failure.ErrAuth, Err: errors.New("the server says: " + packet.Message(text))}
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
	if !ok || !packet.IsHash(string(hash)) {
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
		return fmt.Errorf("%w: it has more than %d branches, claims and reports, or their names are very long", failure.ErrTooLarge, mostRefs)
	}
	r[string(name)] = string(hash)
	return nil
}
