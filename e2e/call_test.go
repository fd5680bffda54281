//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"mainstay/e2e/hosts"
)

// exchange is an Asterisk that lets anybody call the extension "service".
var exchange = map[string]string{
	"/etc/asterisk/pjsip.conf": transport +
		"[anonymous]\ntype=endpoint\ncontext=public\ndisallow=all\nallow=ulaw\n",
	"/etc/asterisk/extensions.conf": "[public]\nexten => service,1,Answer()\n same => n,Wait(30)\n",
}

func TestATelephonesCallGoesThroughAnAsterisk(t *testing.T) {
	network := hosts.NewNetwork(t)
	pair := hosts.StartAll(t,
		hosts.Spec{Name: "xivo", Image: hosts.Node, Network: network},
		hosts.Spec{Name: "phone", Image: hosts.Bookworm, Network: network})
	xivo, phone := pair[0], pair[1]
	for path, text := range exchange {
		xivo.Put(t, path, text)
	}
	xivo.Must(t, "systemctl", "start", "asterisk")
	call := []string{"sipp", "-sn", "uac", "-s", "service", "-m", "1", "-d", "500", "-timeout", "20s",
		"-i", phone.IP(), xivo.IP() + ":5060"}
	timed(t, "a call of half a second", func() { phone.Must(t, call...) })
	if got := xivo.Must(t, "asterisk", "-rx", "core show calls"); !strings.Contains(got, "1 call processed") {
		t.Errorf("Asterisk counts %q", got)
	}
	xivo.Must(t, "systemctl", "stop", "asterisk")
	if got := sipOptions(t, xivo.IP()); got != "" {
		t.Errorf("a stopped Asterisk answers %q", got)
	}
}
