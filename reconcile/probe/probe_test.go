package probe

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/spec"
)

func TestAProbeIsOfExactlyOneKind(t *testing.T) {
	for name, p := range map[string]spec.Probe{
		"none":  {},
		"two":   {TCP: "127.0.0.1:1", SIP: "127.0.0.1:1"},
		"three": {TCP: "127.0.0.1:1", HTTP: "http://h/", Command: []string{"true"}},
	} {
		_, err := New(p)
		if err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestATargetThatCannotBeUnderstoodIsRefusedBeforeAnythingIsSent(t *testing.T) {
	for _, c := range []struct {
		p    spec.Probe
		says string
	}{
		{spec.Probe{TCP: "host"}, "want host:port"},
		{spec.Probe{TCP: ":80"}, "both given"},
		{spec.Probe{TCP: "host:"}, "both given"},
		{spec.Probe{TCP: "::1:80"}, "want host:port"},
		{spec.Probe{SIP: "host:5060", Transport: "tls"}, "want udp or tcp"},
		{spec.Probe{SIP: ":5060"}, "both given"},
		{spec.Probe{HTTP: "ftp://host/"}, "want http://host/"},
		{spec.Probe{HTTP: "http:///path"}, "want http://host/"},
		{spec.Probe{HTTP: "http://ho st/"}, "http"},
		{spec.Probe{Command: []string{""}}, "name is empty"},
	} {
		_, err := New(c.p)
		wantError(t, err, c.says)
	}
}

func TestSIPTakesItsWellKnownPortWhenNoneIsGiven(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1":         "10.0.0.1:5060",
		"10.0.0.1:5070":    "10.0.0.1:5070",
		"[2001:db8::1]":    "[2001:db8::1]:5060",
		"[2001:db8::1]:80": "[2001:db8::1]:80",
		"pbx.example.org":  "pbx.example.org:5060",
	} {
		got, err := target(in, "5060")
		if err != nil || got != want {
			t.Errorf("target(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestZeroFieldsGetTheirDefaultsAndOthersStay(t *testing.T) {
	s := func(n int) spec.Duration { return spec.Duration(time.Duration(n) * time.Second) }
	want := spec.Probe{SIP: "h", Timeout: s(2), Every: s(1), Fail: 3, Within: s(60)}
	if diff := cmp.Diff(want, Defaults(spec.Probe{SIP: "h"})); diff != "" {
		t.Error(diff)
	}
	own := spec.Probe{SIP: "h", Transport: "tcp", Timeout: s(7), Every: s(8), Fail: 9, Within: s(10)}
	if diff := cmp.Diff(own, Defaults(own)); diff != "" {
		t.Error(diff)
	}
}

func TestTCPAcceptedIsAnAnswer(t *testing.T) {
	wantAnswer(t, spec.Probe{TCP: serveTCP(t, silent), Timeout: long})
}

func TestTCPRefusedSaysThatNothingListens(t *testing.T) {
	address := nobody(t)
	wantError(t, ask(t, spec.Probe{TCP: address}), "tcp connection to "+address, "nothing listens there")
}

func TestAnUnknownHostNameIsSaidSo(t *testing.T) {
	err := reason(&net.DNSError{Name: "pbx.example.org", IsNotFound: true})
	wantError(t, err, `the host name "pbx.example.org" does not exist`)
}

func TestACalledOffProbeReturnsAtOnceAndDoesNotBlameTheTarget(t *testing.T) {
	for _, p := range []spec.Probe{
		{TCP: nobody(t)},
		{SIP: silentUDP(t)},
		{SIP: serveTCP(t, silent), Transport: "tcp"},
		{HTTP: "http://" + serveTCP(t, silent) + "/"},
		{Command: []string{"sleep", "60"}},
	} {
		p.Timeout = long
		f, err := New(p)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		wantError(t, f(ctx), "before the probe was called off")
	}
}

func TestTheCallersDeadlineBoundsATryAsWell(t *testing.T) {
	f, err := New(spec.Probe{SIP: silentUDP(t), Timeout: long})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), short.D())
	defer cancel()
	wantError(t, f(ctx), "in the time that was left")
}
