//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// registerScenario is what a telephone says to be reachable.
const registerScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="register">
<send retrans="300"><![CDATA[
REGISTER sip:[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:phone@[remote_ip]>;tag=[pid]r[call_number]
To: <sip:phone@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Expires: 120
Content-Length: 0

]]></send>
<recv response="200" timeout="2000"/>
</scenario>
`

// callScenario is one call, which keeps to the route that its answer names.
const callScenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="call">
<send retrans="300"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:phone@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=phone 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000

]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="183" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:phone@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause/>
<send retrans="300"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:phone@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
`

// answerHangUp ends a call that the other end hangs up.
const answerHangUp = `<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
`

func (p *wholePage) preparePhone(t *testing.T) {
	t.Helper()
	p.phone.Put(t, "/root/register.xml", registerScenario)
	p.phone.Put(t, "/root/call.xml", callScenario)
	untilAnswered, _, _ := strings.Cut(callScenario, "<pause/>")
	p.phone.Put(t, "/root/held.xml", untilAnswered+answerHangUp)
}

// sipp runs a telephone until its one call has ended.
func (p *wholePage) sipp(ctx context.Context, bound time.Duration, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, bound+patience)
	defer cancel()
	argv := []string{"sipp", "-m", "1", "-i", p.phone.IP(), "-timeout", strconv.Itoa(int(bound.Seconds())) + "s", "-timeout_error"}
	_, err := p.phone.Exec(ctx, append(argv, args...)...)
	return err
}

// register makes the telephone known to the first side that answers, main
// before standby, as a telephone with a backup registrar does. It returns that
// side, or nothing.
func (p *wholePage) register() string {
	for _, side := range []string{"main", "standby"} {
		if p.sipp(p.t.Context(), 2*time.Second, "-sf", "/root/register.xml", p.nodes["xivo-"+side].IP()+":5060") == nil {
			return side
		}
	}
	return ""
}

// call calls through a node and hangs up after a while. It is refused if either
// end hangs up earlier.
func (p *wholePage) call(ctx context.Context, node, extension string, held time.Duration) error {
	return p.callAt(ctx, p.nodes[node].IP(), extension, held)
}

// callAt is call with the address that the telephone knows, which may be a name.
func (p *wholePage) callAt(ctx context.Context, address, extension string, held time.Duration) error {
	return p.sipp(ctx, held+time.Minute, "-sf", "/root/call.xml", "-s", extension,
		"-d", strconv.Itoa(int(held.Milliseconds())), address+":5060")
}

// wantCalls makes one call out of the serving XiVO over its trunk, and one into
// it from the media server.
func (p *wholePage) wantCalls(t *testing.T, side string) {
	t.Helper()
	registered := ""
	eventually(t, "the telephone registers", func() bool { registered = p.register(); return registered != "" })
	if registered != side {
		t.Errorf("the telephone registers at %q", registered)
	}
	eventually(t, side+"'s trunk is registered at mds1", func() bool {
		out, err := p.nodes["xivo-"+side].Exec(t.Context(), "asterisk", "-rx", "pjsip show registrations")
		return err == nil && strings.Contains(out, "mds1/sip:"+p.nodes["mds1"].IP()) && strings.Contains(out, "Registered")
	})
	p.nextCall(t, "the edge to "+side, voiceName)
	p.nextCall(t, "the XiVO of "+side, p.nodes["xivo-"+side].IP())
	p.goesThrough(t, "over the trunk of "+side, "xivo-"+side, "service")
	p.goesThrough(t, "from the media server to "+side, "mds1", "xivo")
}

// caller is a telephone that calls one name again and again.
type caller struct {
	through, refused int
	longest          time.Duration // that a call which went through took
}

// keepsCalling is the track of a caller. It tells which side served when a call
// had gone through, and nothing while calls are refused.
func (p *wholePage) keepsCalling(t *testing.T, c *caller) slowTrack {
	return slowTrack{"calls to " + voiceName, 200 * time.Millisecond, func() string {
		began := time.Now()
		if p.sipp(t.Context(), 5*time.Second, "-sf", "/root/call.xml", "-s", "here", "-d", "50", voiceName+":5060") != nil {
			c.refused++
			return ""
		}
		c.through, c.longest = c.through+1, max(c.longest, time.Since(began))
		for _, side := range []string{"main", "standby"} {
			if p.nodes["xivo-"+side].Runs("asterisk.service") {
				return side
			}
		}
		return ""
	}}
}

// nextCall makes the one call that a telephone's user would make next: it must go
// through at first try.
func (p *wholePage) nextCall(t *testing.T, what, address string) {
	t.Helper()
	if err := p.callAt(t.Context(), address, "here", 300*time.Millisecond); err != nil {
		t.Errorf("the telephone's next call through %s was refused: %v", what, err)
	}
}

// goesThrough calls until a call goes through, and tells if that was not the
// first: a trunk that has just moved may refuse one.
func (p *wholePage) goesThrough(t *testing.T, what, node, extension string) {
	t.Helper()
	refused := 0
	eventually(t, "a call "+what, func() bool {
		err := p.call(t.Context(), node, extension, 300*time.Millisecond)
		if err != nil {
			refused++
		}
		return err == nil
	})
	if refused > 0 {
		say(t, "%-44s %7d", "calls refused "+what, refused)
	}
}

// hold calls an extension of a XiVO itself and holds the call. What it returns
// waits for the end and tells whether both ends were there to the last.
func (p *wholePage) hold(node string, held time.Duration) (end func() error) {
	done, ctx := make(chan error, 1), p.t.Context()
	p.calls.Add(1)
	go func() {
		defer p.calls.Add(-1)
		done <- p.call(ctx, node, "here", held)
	}()
	return func() error { return <-done }
}

// holdUntilToldTo calls an extension of a XiVO itself, and returns when the call
// is up. What it returns makes the XiVO hang up, and tells whether it was this
// that ended the call, on both ends.
func (p *wholePage) holdUntilToldTo(t *testing.T, node string) (hangUp func() error) {
	t.Helper()
	host, ended, ctx := p.nodes[node], make(chan error, 1), t.Context()
	p.calls.Add(1)
	go func() {
		defer p.calls.Add(-1)
		ended <- p.sipp(ctx, 9*time.Minute, "-sf", "/root/held.xml", "-s", "here", host.IP()+":5060")
	}()
	eventually(t, "a call on "+node+" is up", func() bool {
		out, err := host.Exec(ctx, "asterisk", "-rx", "core show channels count")
		return err == nil && strings.Contains(out, "1 active call") || len(ended) > 0
	})
	return func() error {
		if len(ended) > 0 {
			return fmt.Errorf("it had ended already (error: %v)", <-ended)
		}
		if _, err := host.Exec(ctx, "asterisk", "-rx", "channel request hangup all"); err != nil {
			return err
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("the telephone holds it on, and the XiVO has no such call")
		}
	}
}

// user is a browser-like client that knows the page by its name only and
// checks who answers.
func (p *wholePage) user(t *testing.T) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(p.tls.chain)) {
		t.Fatal("the certificate is none")
	}
	edge := net.JoinHostPort(p.nodes["edge"].IP(), "443")
	return &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, edge)
		},
	}}
}

// pageSide is the side whose page a user sees, or nothing.
func pageSide(user *http.Client) string {
	reply, err := user.Get("https://" + voiceName + "/")
	if err != nil {
		return ""
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1000))
	if err != nil || reply.StatusCode != http.StatusOK {
		return ""
	}
	side, _ := strings.CutPrefix(strings.TrimSpace(string(body)), "xuc on ")
	return side
}
