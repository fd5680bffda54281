package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
)

// noHash is git's name for a ref that does not exist.
const noHash = "0000000000000000000000000000000000000000"

// update moves ref from old, which it must still be at, to next. An empty old
// creates the ref; a next of noHash, with no objects, deletes it.
type update struct {
	ref, old, next string
	objects        []plumbing.EncodedObject
}

// push carries out an update on the repository itself. The server takes the
// ref's lock, compares old and swaps, so of all updates with one old value at
// most one is carried out.
//
// u is tried at once where that can be done. Should it be refused, or be empty, listed
// says what to do with the refs that the server has; nil keeps to u.
//
// An error is failure.ErrUnknown when the update was sent and its fate is not known;
// every other error means it was not carried out and never will be.
func (r *Remote) push(ctx context.Context, step string, u update, listed func(Refs) update) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	done, refused := r.pushAtOnce(ctx, step, u)
	if done {
		return u.next, refused
	}
	tried := u.old
	s, err := r.openSession(ctx, r.dialers[0], transport.ReceivePack, step)
	if err != nil {
		return "", err
	}
	defer s.close()
	if listed != nil {
		u = listed(s.refs)
	}
	switch now := s.refs[u.ref]; {
	case now == u.next:
		return u.next, nil // an earlier push of the same commit was carried out
	case now != u.old:
		return "", s.refuse(u, fmt.Sprintf("it is at %s", orNone(now)))
	case refused != nil && u.old == tried:
		return "", refused
	}
	return u.next, s.update(ctx, u)
}

// pushAtOnce is push without asking first where the ref is: the server compares anyway.
// It is not done where that has to be asked, because nothing of the server is known, or
// where it refused the update or did not let it in, which it then never carries out.
func (r *Remote) pushAtOnce(ctx context.Context, step string, u update) (done bool, refused error) {
	s := r.reopen(r.dialers[0], transport.ReceivePack, step)
	if s == nil || u.next == "" {
		return false, nil
	}
	defer s.close()
	err := s.update(ctx, u)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, failure.ErrRefused):
		return false, err
	}
	r.forget(r.dialers[0], transport.ReceivePack)
	if errors.Is(err, failure.ErrAuth) {
		return false, nil
	}
	return true, err
}

func orNone(hash string) string {
	if hash == "" {
		return "no commit"
	}
	return hash
}

func (s *session) refuse(u update, why string) *failure.Error {
	return &failure.Error{Kind: failure.ErrRefused, Step: s.step, At: s.at, Err: fmt.Errorf("%s was to move from %s: %s", u.ref, orNone(u.old), why)}
}

func (s *session) update(ctx context.Context, u update) error {
	var pack []byte
	if u.next != noHash {
		var err error
		if pack, err = packOf(u.objects); err != nil {
			return err
		}
	}
	in, err := s.link.Send(ctx, append(s.commandLines(u), pack...))
	if err != nil {
		return s.unknown(ctx, err)
	}
	answer := in
	if s.can("side-band-64k") {
		said, err := packet.Sideband(in)
		if err != nil {
			return s.unknown(ctx, err)
		}
		answer = bufio.NewReader(bytes.NewReader(said))
	}
	refused, err := readStatus(answer, u.ref)
	if err != nil {
		return s.unknown(ctx, err)
	}
	// The hooks that run after a push end when the service does.
	_, _ = io.Copy(io.Discard, in)
	if refused != "" {
		return s.refuse(u, "the server says: "+refused)
	}
	return nil
}

// unknown is what any error is once an update was sent.
func (s *session) unknown(ctx context.Context, err error) error {
	return &failure.Error{Kind: failure.ErrUnknown, Step: s.step, Err: s.fail(ctx, err), Advice: "list again: the ref tells"}
}

func (s *session) commandLines(u update) []byte {
	caps := "report-status agent=" + transport.Agent
	if s.can("side-band-64k") {
		caps += " side-band-64k"
	}
	old := u.old
	if old == "" {
		old = noHash
	}
	return append(packet.Format("%s %s %s\x00 %s", old, u.next, u.ref, caps), packet.Flush...)
}

// readStatus reads the server's report on one ref. It returns why the update was
// refused, or nothing when it was carried out.
func readStatus(in *bufio.Reader, ref string) (refused string, err error) {
	unpack, err := packet.Line(in)
	if err != nil {
		return "", err
	}
	result, has := strings.CutPrefix(string(unpack), "unpack ")
	if !has {
		return "", serverSays(unpack)
	}
	for {
		l, err := packet.Line(in)
		if err != nil {
			return "", err
		}
		if l == nil {
			return "", errors.New("the server's report does not name the ref")
		}
		word, rest, _ := strings.Cut(string(l), " ")
		name, why, _ := strings.Cut(rest, " ")
		switch {
		case name != ref:
		case word == "ok" && result == "ok":
			return "", nil
		case word == "ng":
			return packet.Message([]byte(why + " (" + result + ")")), nil
		}
	}
}
