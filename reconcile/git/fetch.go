package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
)

// fetchRequest is what to ask of upload-pack.
type fetchRequest struct {
	wants []string
	// depth is how many generations of commits to send; zero is all of them.
	depth int
	// filter leaves objects out, on servers that can.
	filter string
	// commits keeps nothing else of what is sent.
	commits bool
}

// infinite is git's own word for a depth that ends at the roots.
const infinite = 0x7fffffff

// fetch asks for objects and adds them to store. When the store already holds a
// part of the history, only what is missing is sent.
func (s *session) fetch(ctx context.Context, f fetchRequest, into *store) error {
	in, err := s.link.Send(ctx, s.fetchLines(f, into))
	if err != nil {
		return s.fail(ctx, err)
	}
	if err := s.readPack(in, f, into); err != nil {
		return s.fail(ctx, err)
	}
	return nil
}

// fetchAtOnce is fetch without asking first where the refs are: a server sends only what
// one of them is at. It is not done where that has to be asked, because a ref has moved
// or the server wants it.
func (r *Remote) fetchAtOnce(ctx context.Context, d transport.Dialer, f fetchRequest, into *store) (done bool, err error) {
	s := r.reopen(d, transport.UploadPack, "fetch")
	if s == nil {
		return false, nil
	}
	defer s.close()
	if err = s.fetch(ctx, f, into); err == nil || s.unpacking || ctx.Err() != nil {
		return true, err
	}
	r.forget(d, transport.UploadPack)
	return false, nil
}

func (s *session) fetchLines(f fetchRequest, have *store) []byte {
	var b bytes.Buffer
	caps := " agent=" + transport.Agent
	// Some hosts insist on multi_ack_detailed, though there is nothing to
	// negotiate here.
	for _, c := range []string{"multi_ack_detailed", "ofs-delta", "side-band-64k", "no-progress"} {
		if s.can(c) {
			caps += " " + c
		}
	}
	if s.filters(f) {
		caps += " filter"
	}
	for i, want := range f.wants {
		if i > 0 {
			caps = ""
		}
		b.Write(packet.Format("want %s%s\n", want, caps))
	}
	for _, commit := range have.edge() {
		b.Write(packet.Format("shallow %s\n", commit))
	}
	if s.deepens(f) {
		b.Write(packet.Format("deepen %d\n", f.depth))
	}
	if s.filters(f) {
		b.Write(packet.Format("filter %s\n", f.filter))
	}
	b.WriteString(packet.Flush)
	for _, commit := range have.tips {
		b.Write(packet.Format("have %s\n", commit))
	}
	b.Write(packet.Format("done\n"))
	return b.Bytes()
}

func (s *session) filters(f fetchRequest) bool { return f.filter != "" && s.can("filter") }

func (s *session) deepens(f fetchRequest) bool { return f.depth > 0 && s.can("shallow") }

// readPack unpacks the answer as it arrives. What the connection says of its own
// end comes before what that looks like to the unpacking.
func (s *session) readPack(in *bufio.Reader, f fetchRequest, into *store) error {
	if s.deepens(f) {
		if err := readShallow(in, into); err != nil {
			return err
		}
	}
	if err := readAcks(in); err != nil {
		return err
	}
	s.unpacking = true
	into.budget.commits = f.commits
	if !s.can("side-band-64k") {
		return into.unpack(in)
	}
	data := &packet.Data{In: in}
	err := into.unpack(data)
	if err != nil && data.Err != nil && !errors.Is(data.Err, io.EOF) {
		return data.Err
	}
	return err
}

// readAcks skips what the server says about commits both sides have. The line
// before the pack is a NAK, or an ACK with nothing after its hash.
func readAcks(in *bufio.Reader) error {
	for {
		l, err := packet.Line(in)
		if err != nil {
			return err
		}
		word, rest, _ := bytes.Cut(l, []byte(" "))
		switch {
		case string(word) == "NAK", string(word) == "ACK" && packet.IsHash(string(rest)):
			return nil
		case string(word) != "ACK":
			return serverSays(l)
		}
	}
}

// mostCuts bounds at how many commits a history that was sent may end.
const mostCuts = 20_000

// readShallow learns where the history that was sent ends.
func readShallow(in *bufio.Reader, into *store) error {
	for {
		l, err := packet.Line(in)
		if err != nil || l == nil {
			return err
		}
		word, commit, _ := bytes.Cut(l, []byte(" "))
		switch string(word) {
		case "shallow":
			if !packet.IsHash(string(commit)) {
				return fmt.Errorf("not a commit: %q", packet.Message(commit))
			}
			if len(into.cut) >= mostCuts {
				return tooLarge("its history ends at more than %d commits", mostCuts)
			}
			into.cut[string(commit)] = true
		case "unshallow":
			delete(into.cut, string(commit))
		default:
			return serverSays(l)
		}
	}
}

func serverSays(l []byte) error {
	return fmt.Errorf("the server says: %s", packet.Message(bytes.TrimPrefix(l, []byte("ERR "))))
}
