package doctor

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mainstay/spec"
)

// R4: what a standby would go by when main falls silent is tried before that, and
// failing to ask is told apart from silence.
func TestTheWitnessIsTriedOnce(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().String()
	free.Close()
	for _, c := range []struct {
		name, node string
		witness    spec.Probe
		level      Level
		text, do   string
	}{
		{"it answers", "a2", spec.Probe{HTTP: s.URL}, OK, "the witness of a1 answers from here", ""},
		{"it answers otherwise", "a2", spec.Probe{HTTP: s.URL, Status: []int{204}}, Warn, "another answer than the document wants", "whatever answers is alive"},
		{"its name is unknown here", "a2", spec.Probe{HTTP: "http://a1.no-such-host.invalid:8080/"}, Fail, "the witness of a1 cannot be asked from here", "never taken for dead"},
		{"the active side does not answer", "a2", spec.Probe{TCP: closed}, Fail, "the document declares that side active", "it would be taken for dead"},
		{"the other side does not answer", "a1", spec.Probe{TCP: closed}, OK, "the witness of a2 does not answer from here, and that side is not declared active", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, problems := spec.Load("d.yaml", []byte(strings.TrimLeft(document, "\n")), nil)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			w, err := d.Want(c.node)
			if err != nil {
				t.Fatal(err)
			}
			w.Witness = &c.witness
			e := &examiner{file: &spec.AgentFile{Allow: spec.Allow{Systemd: []string{"*"}, Compose: []string{"mainstay-no-such"}, Probes: []string{"a1.no-such-host.invalid:8080"}}}, now: time.Now}
			e.probes(t.Context(), d, w)
			has(t, e.found, c.level, c.text, c.do)
			if len(e.found) != 1 {
				t.Errorf("found %+v", e.found)
			}
		})
	}
}
