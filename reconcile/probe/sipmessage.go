package probe

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

// options is an OPTIONS request ready to be sent.
type options struct {
	wire   []byte
	callID string
}

// newOptions writes the request. Its Call-ID is random, so that no reply to an
// earlier try is taken for one to this.
func newOptions(address, transport string, local net.Addr) (options, error) {
	uri, err := sipURI("", address)
	if err != nil {
		return options{}, fmt.Errorf("address %s: %w", address, err)
	}
	own, err := sipURI("mainstay", local.String())
	if err != nil {
		return options{}, fmt.Errorf("own address %s: %w", local, err)
	}
	callID := sip.CallIDHeader(rand.Text())
	forwards := sip.MaxForwardsHeader(70)
	length := sip.ContentLengthHeader(0)
	r := sip.NewRequest(sip.OPTIONS, uri)
	r.AppendHeader(&sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(transport),
		Host: own.Host, Port: own.Port,
		Params: sip.HeaderParams{{K: "branch", V: sip.RFC3261BranchMagicCookie + rand.Text()}, {K: "rport"}},
	})
	r.AppendHeader(&forwards)
	r.AppendHeader(&sip.FromHeader{Address: own, Params: sip.HeaderParams{{K: "tag", V: rand.Text()}}})
	r.AppendHeader(&sip.ToHeader{Address: uri})
	r.AppendHeader(&callID)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	r.AppendHeader(&sip.ContactHeader{Address: own})
	r.AppendHeader(sip.NewHeader("Accept", "application/sdp"))
	r.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	r.AppendHeader(&length)
	return options{wire: []byte(r.String()), callID: string(callID)}, nil
}

func sipURI(user, address string) (sip.Uri, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return sip.Uri{}, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return sip.Uri{}, fmt.Errorf("port %q is not a number", port)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return sip.Uri{Scheme: "sip", User: user, Host: host, Port: number}, nil
}

// reply is what a probe needs of a response. The zero reply belongs to no
// request.
type reply struct {
	callID string
	status int
}

// newReplyParser reads no header but those that matter here: a server with an
// odd Contact header is a server that answers.
func newReplyParser() *sip.Parser {
	all := sip.DefaultHeadersParser()
	few := make(sip.HeadersParser)
	for _, name := range []string{"call-id", "i", "content-length", "l"} {
		few[name] = all[name]
	}
	p := sip.NewParser(sip.WithHeadersParsers(few))
	p.MaxMessageLength = maxMessage
	return p
}

// readReply reads one datagram. A cut-off body is no hindrance: the status is
// before it.
func readReply(p *sip.Parser, data []byte) (reply, error) {
	message, _, err := p.ParseHeaders(data, false)
	if err != nil {
		return reply{}, plainParseError(err)
	}
	return replyOf(message), nil
}

// readReplies adds data to a stream and returns the responses that are whole
// now. After an error the stream is of no more use.
func readReplies(stream *sip.ParserStream, data []byte) ([]reply, error) {
	if _, err := stream.Write(data); err != nil {
		return nil, err
	}
	var replies []reply
	for {
		message, _, err := stream.ParseNext()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			return replies, nil // more is to come: of a message, or after a keep-alive's empty lines
		case errors.Is(err, sip.ErrParseReadBodyIncomplete):
			// A response without a length ends the stream, but its status is read.
			return append(replies, replyOf(message)), err
		case err != nil:
			return replies, plainParseError(err)
		}
		replies = append(replies, replyOf(message))
	}
}

func replyOf(message sip.Message) reply {
	r, ok := message.(*sip.Response)
	if !ok || r.CallID() == nil {
		return reply{}
	}
	return reply{callID: r.CallID().Value(), status: r.StatusCode}
}

// plainParseError keeps bytes from the network out of the logs unless they are
// short and printable.
func plainParseError(err error) error {
	return errors.New(printable([]byte(err.Error()), 120))
}
