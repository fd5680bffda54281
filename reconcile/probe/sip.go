package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"mainstay/spec"
)

// The retransmission intervals of a request over UDP (RFC 3261, timer E).
const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
)

// maxMessage bounds one SIP message, and is the largest datagram there is.
const maxMessage = 65535

// newSIP asks with an OPTIONS request; any final response to it is an answer,
// a refusal included. The socket is this probe's own, so that closing it ends
// everything the try started.
func newSIP(p spec.Probe) (Func, error) {
	address, err := target(p.SIP, "5060")
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	p.Transport = cmp.Or(p.Transport, "udp")
	exchange := map[string]func(*sipTry, context.Context) error{
		"udp": (*sipTry).overUDP,
		"tcp": (*sipTry).overTCP,
	}[p.Transport]
	if exchange == nil {
		return nil, fmt.Errorf("sip: transport %q: want udp or tcp", p.Transport)
	}
	// A new room at each try would be most of what an idle agent throws away.
	room := &sync.Pool{New: func() any { return new([maxMessage]byte) }}
	return func(ctx context.Context) error {
		err := askSIP(ctx, address, p, room, exchange)
		if err != nil {
			return fmt.Errorf("sip options to %s over %s: %w", address, p.Transport, err)
		}
		return nil
	}, nil
}

func askSIP(ctx context.Context, address string, p spec.Probe, room *sync.Pool, exchange func(*sipTry, context.Context) error) error {
	conn, err := dial(ctx, p.Transport, address, p.Timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer expire(ctx, conn)()
	request, err := newOptions(address, p.Transport, conn.LocalAddr())
	if err != nil {
		return err
	}
	try := &sipTry{conn: conn, request: request, timeout: p.Timeout, room: room, seen: noAnswer}
	return exchange(try, ctx)
}

// sipTry is one request and what came back for it so far.
type sipTry struct {
	conn    net.Conn
	request options
	timeout spec.Duration
	room    *sync.Pool // for datagrams
	// seen tells the last thing that happened, for the error.
	seen string
}

// noAnswer is what was seen while nothing came back.
const noAnswer = "no answer"

// overUDP sends the request again and again until a reply comes.
func (t *sipTry) overUDP(ctx context.Context) error {
	for interval := timerT1; ; interval = min(2*interval, timerT2) {
		if _, err := t.conn.Write(t.request.wire); err != nil {
			return t.failure(ctx, err)
		}
		err := t.awaitDatagram(ctx, time.Now().Add(interval))
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return t.failure(ctx, err)
		}
	}
}

// awaitDatagram reads datagrams until one is the answer, or until then.
func (t *sipTry) awaitDatagram(ctx context.Context, until time.Time) error {
	parser := newReplyParser()
	room := t.room.Get().(*[maxMessage]byte) // nothing of it outlives this call
	defer t.room.Put(room)
	buffer := room[:]
	for {
		n, err := t.read(ctx, buffer, until)
		if err != nil {
			return err
		}
		if t.isAnswer(readReply(parser, buffer[:n])) {
			return nil
		}
	}
}

// overTCP sends the request once and reads until its reply is whole.
func (t *sipTry) overTCP(ctx context.Context) error {
	if _, err := t.conn.Write(t.request.wire); err != nil {
		return t.failure(ctx, err)
	}
	stream := newReplyParser().NewSIPStream()
	defer stream.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := t.read(ctx, buffer, time.Time{})
		if err != nil {
			return t.failure(ctx, err)
		}
		replies, err := readReplies(stream, buffer[:n])
		for _, r := range replies {
			if t.isAnswer(r, nil) {
				return nil
			}
		}
		if err != nil {
			return judge(Otherwise, errors.New("what came back is not sip"))
		}
	}
}

// read waits for data until then, or until ctx ends when then is zero.
func (t *sipTry) read(ctx context.Context, buffer []byte, until time.Time) (int, error) {
	_ = t.conn.SetReadDeadline(until)
	// The deadline just set may have undone the one that ctx set.
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return t.conn.Read(buffer)
}

// isAnswer reports whether a reply is the final response to this request, and
// otherwise remembers what it was.
func (t *sipTry) isAnswer(r reply, err error) bool {
	switch {
	case err != nil:
		t.seen = "only a datagram that is not sip"
	case r.callID != t.request.callID:
		t.seen = "only messages that do not belong to this request"
	case r.status < 200:
		t.seen = fmt.Sprintf("only a provisional response (%d)", r.status)
	default:
		return true
	}
	return false
}

// failure puts an error into words and judges it: whatever came back, be it not
// the wanted answer, proves that the target is alive.
func (t *sipTry) failure(ctx context.Context, err error) error {
	sent, to := &dialed{}, t.conn.RemoteAddr().String()
	sent.to.Store(&to)
	when := ended(ctx, t.timeout)
	switch {
	case when != "":
		err = fmt.Errorf("%s %s", t.seen, when)
	case errors.Is(err, io.EOF):
		return judge(Otherwise, fmt.Errorf("the connection was closed, with %s", t.seen))
	default:
		err = reason(err)
	}
	if t.seen != noAnswer {
		return judge(Otherwise, err)
	}
	return sent.verdict(err, when != "")
}
