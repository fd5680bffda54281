//go:build onhost

package probe

import (
	"os"
	"testing"

	"mainstay/spec"
)

// sipVariable names the host of a real SIP server that listens on UDP and
// TCP, and httpVariable the URL of a real web server. The e2e tests build these
// tests as a program with -tags onhost and set both.
const (
	sipVariable  = "MAINSTAY_TEST_SIP"
	httpVariable = "MAINSTAY_TEST_HTTP"
)

func TestOnHostARealServerAnswers(t *testing.T) {
	for _, p := range []spec.Probe{
		{SIP: os.Getenv(sipVariable)},
		{SIP: os.Getenv(sipVariable), Transport: "tcp"},
		{HTTP: os.Getenv(httpVariable), Body: "nginx"},
		{TCP: os.Getenv(sipVariable) + ":5060"},
	} {
		wantAnswer(t, p)
	}
	leavesNothing(t, func() {
		for range 50 {
			wantAnswer(t, spec.Probe{SIP: os.Getenv(sipVariable)})
		}
	})
}
