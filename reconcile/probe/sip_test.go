package probe

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"mainstay/e2e/attack"
	"mainstay/spec"
)

// serveUDP calls handle with every datagram; what it returns is sent back.
func serveUDP(t testing.TB, handle func(request []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, maxMessage)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			for _, out := range handle(buffer[:n]) {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func silentUDP(t testing.TB) string {
	return serveUDP(t, func([]byte) [][]byte { return nil })
}

// respond answers a request the way a SIP server does.
func respond(request []byte, code int, phrase string) []byte {
	message, err := sip.ParseMessage(request)
	if err != nil {
		return []byte("the probe sent something that is not sip: " + err.Error())
	}
	r := sip.NewResponseFromRequest(message.(*sip.Request), code, phrase, nil)
	return []byte(r.String())
}

func TestAnyFinalResponseToOptionsIsAnAnswer(t *testing.T) {
	for _, code := range []int{200, 302, 401, 404, 486, 503, 603} {
		answer := func(request []byte) [][]byte { return [][]byte{respond(request, code, "Said")} }
		wantAnswer(t, spec.Probe{SIP: serveUDP(t, answer), Timeout: long})
		tcp := serveTCP(t, func(c net.Conn) {
			buffer := make([]byte, maxMessage)
			n, _ := c.Read(buffer)
			_, _ = c.Write(respond(buffer[:n], code, "Said"))
			silent(c)
		})
		wantAnswer(t, spec.Probe{SIP: tcp, Transport: "tcp", Timeout: long})
	}
}

func TestTheRequestIsACompleteOptions(t *testing.T) {
	requests := make(chan []byte, 1)
	address := serveUDP(t, func(request []byte) [][]byte {
		requests <- append([]byte(nil), request...)
		return [][]byte{respond(request, 200, "OK")}
	})
	wantAnswer(t, spec.Probe{SIP: address, Timeout: long})
	request := string(<-requests)
	for _, line := range []string{
		"OPTIONS sip:" + address + " SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:", ";branch=z9hG4bK", ";rport", "Max-Forwards: 70",
		"From: <sip:mainstay@127.0.0.1:", ";tag=", "To: <sip:" + address + ">", "Call-ID: ", "CSeq: 1 OPTIONS",
		"Contact: <sip:mainstay@127.0.0.1:", "Content-Length: 0\r\n\r\n",
	} {
		if !strings.Contains(request, line) {
			t.Errorf("request lacks %q:\n%s", line, request)
		}
	}
}

func TestSIPOverIPv6(t *testing.T) {
	o, err := newOptions("[2001:db8::1]:5060", "udp", &net.UDPAddr{IP: net.ParseIP("2001:db8::2"), Port: 1234})
	if err != nil {
		t.Fatal(err)
	}
	message, err := sip.ParseMessage(o.wire)
	if err != nil {
		t.Fatalf("%v in\n%s", err, o.wire)
	}
	request := message.(*sip.Request)
	if got := request.Recipient.Addr(); got != "sip:[2001:db8::1]:5060" {
		t.Errorf("recipient %s", got)
	}
	if via := request.Via(); via.Host != "2001:db8::2" || via.Port != 1234 {
		t.Errorf("via %s", via)
	}
}

func TestALostRequestIsSentAgainWithinTheBound(t *testing.T) {
	var count int
	address := serveUDP(t, func(request []byte) [][]byte {
		if count++; count == 1 {
			return nil
		}
		return [][]byte{respond(request, 200, "OK")}
	})
	wantAnswer(t, spec.Probe{SIP: address, Timeout: long})
}

func TestSIPWithoutAnAnswerSaysWhatWasSeen(t *testing.T) {
	udp := func(out ...string) string {
		return serveUDP(t, func([]byte) (all [][]byte) {
			for _, o := range out {
				all = append(all, []byte(o))
			}
			return all
		})
	}
	trying := serveUDP(t, func(request []byte) [][]byte { return [][]byte{respond(request, 100, "Trying")} })
	foreign := "SIP/2.0 200 OK\r\nCall-ID: other\r\nContent-Length: 0\r\n\r\n"
	for name, c := range map[string]struct{ address, says string }{
		"silent":         {silentUDP(t), "no answer within 200ms"},
		"provisional":    {trying, "only a provisional response (100) within 200ms"},
		"garbage":        {udp("\x00\x01\x02garbage\x1b[2J"), "only a datagram that is not sip"},
		"empty":          {udp(""), "only a datagram that is not sip"},
		"cut off":        {udp("SIP/2.0 200 OK\r\nCall-ID: x"), "only a datagram that is not sip"},
		"no call-id":     {udp("SIP/2.0 200 OK\r\n\r\n"), "only messages that do not belong"},
		"foreign":        {udp(foreign), "only messages that do not belong"},
		"request":        {udp("OPTIONS sip:x SIP/2.0\r\nCall-ID: x\r\n\r\n"), "only messages that do not belong"},
		"nobody listens": {nobody(t), "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ask(t, spec.Probe{SIP: c.address, Timeout: short})
			wantError(t, err, "sip options to "+c.address+" over udp", c.says)
			if strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("control characters reached the error: %q", err)
			}
		})
	}
}

func TestAnAnswerIsFoundAmongOtherDatagrams(t *testing.T) {
	address := serveUDP(t, func(request []byte) [][]byte {
		return [][]byte{[]byte("noise"), respond(request, 100, "Trying"), {}, respond(request, 200, "OK")}
	})
	wantAnswer(t, spec.Probe{SIP: address, Timeout: long})
}

func TestAnOddHeaderDoesNotMakeAnAnswerUnreadable(t *testing.T) {
	address := serveUDP(t, func(request []byte) [][]byte {
		r := string(respond(request, 200, "OK"))
		return [][]byte{[]byte(strings.Replace(r, "CSeq: 1 OPTIONS", "CSeq: one\r\nContact: <<<\r\nTo: ;;", 1))}
	})
	wantAnswer(t, spec.Probe{SIP: address, Timeout: long})
}

func TestSIPOverTCPWithoutAnAnswerSaysWhatWasSeen(t *testing.T) {
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = c.Write([]byte(text))
			silent(c)
		}
	}
	hangUp := func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)) }
	for name, c := range map[string]struct{ address, says string }{
		"silent":   {serveTCP(t, silent), "no answer within 200ms"},
		"closed":   {serveTCP(t, hangUp), "the connection was closed, with no answer"},
		"garbage":  {serveTCP(t, say("220 mail.example.org ESMTP\r\n")), "what came back is not sip"},
		"half":     {serveTCP(t, say("SIP/2.0 200 OK\r\nCall-ID: ")), "no answer within 200ms"},
		"huge":     {serveTCP(t, say("SIP/2.0 200 OK\r\n"+strings.Repeat("X: y\r\n", 20000))), "what came back is not sip"},
		"too long": {serveTCP(t, say("SIP/2.0 200 OK\r\nCall-ID: x\r\nContent-Length: 4000000000\r\n\r\n")), "what came back is not sip"},
		"nobody":   {nobody(t), "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ask(t, spec.Probe{SIP: c.address, Transport: "tcp", Timeout: boundFor(c.says)})
			wantError(t, err, "sip options to "+c.address+" over tcp", c.says)
		})
	}
}

func TestAnAnswerOverTCPMayComeInPieces(t *testing.T) {
	address := serveTCP(t, func(c net.Conn) {
		buffer := make([]byte, maxMessage)
		n, _ := c.Read(buffer)
		_, _ = c.Write([]byte("\r\n\r\n"))
		_, _ = c.Write(respond(buffer[:n], 100, "Trying"))
		for _, b := range respond(buffer[:n], 200, "OK") {
			_, _ = c.Write([]byte{b})
		}
		silent(c)
	})
	wantAnswer(t, spec.Probe{SIP: address, Transport: "tcp", Timeout: long})
}

func TestAnAnswerOverTCPWithoutALengthCounts(t *testing.T) {
	address := serveTCP(t, func(c net.Conn) {
		buffer := make([]byte, maxMessage)
		n, _ := c.Read(buffer)
		r := string(respond(buffer[:n], 200, "OK"))
		_, _ = c.Write([]byte(strings.Replace(r, "Content-Length: 0\r\n", "", 1)))
		silent(c)
	})
	wantAnswer(t, spec.Probe{SIP: address, Transport: "tcp", Timeout: long})
}

func TestASIPTryLeavesNothingBehind(t *testing.T) {
	answering := serveUDP(t, func(request []byte) [][]byte { return [][]byte{respond(request, 200, "OK")} })
	mute, muteTCP, refused := silentUDP(t), serveTCP(t, silent), nobody(t)
	leavesNothing(t, func() {
		for range 10 {
			wantAnswer(t, spec.Probe{SIP: answering, Timeout: long})
			bound := spec.Duration(5 * time.Millisecond)
			wantError(t, ask(t, spec.Probe{SIP: mute, Timeout: bound}), "within")
			wantError(t, ask(t, spec.Probe{SIP: muteTCP, Transport: "tcp", Timeout: bound}), "within")
			wantError(t, ask(t, spec.Probe{SIP: refused, Timeout: long}), "nothing listens")
		}
	})
}

func FuzzSIPReply(f *testing.F) {
	for _, code := range []int{100, 200, 404} {
		f.Add([]byte(fmt.Sprintf("SIP/2.0 %d X\r\ni: mine\r\nl: 0\r\n\r\n", code)))
	}
	f.Add([]byte("SIP/2.0 200 OK\r\nCall-ID: mine\r\nContent-Length: 99999999999\r\n\r\n"))
	f.Add([]byte("SIP/2.0 99999 OK\r\nCall-ID:\r\n mine\r\n\r\nrest"))
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nCall-ID: mine\r\n\r\n"))
	f.Add([]byte("\r\n\r\nSIP/2.0 200 OK\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		attack.Cheap(t, func() {
			try := &sipTry{request: options{callID: "mine"}, seen: "no answer"}
			r, err := readReply(newReplyParser(), data)
			answer := try.isAnswer(r, err)
			if answer && (err != nil || r.status < 200 || r.callID != "mine") {
				t.Errorf("%q was taken for an answer: %+v, %v", data, r, err)
			}
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			stream := newReplyParser().NewSIPStream()
			defer stream.Close()
			half := len(data) / 2
			if _, err := readReplies(stream, data[:half]); err == nil {
				_, _ = readReplies(stream, data[half:])
			}
		})
	})
}
