//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// transport is what makes an Asterisk answer SIP at all: Debian's own
// configuration listens nowhere.
const transport = "[udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0:5060\n"

// timed logs how long a step took, because the harness has to stay quick.
func timed(t *testing.T, what string, step func()) {
	t.Helper()
	began := time.Now()
	step()
	t.Logf("%-44s %7.2f s", what, time.Since(began).Seconds())
}

// patience is how long a test waits for a state of another host. A wait ends as
// soon as the state is there, so it is generous: for a machine whose every core
// is busy with something else.
const patience = 4 * time.Minute

// eventually waits for a state of another host.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	bound, pause := time.After(patience), 10*time.Millisecond
	for !is() {
		pause = min(2*pause, 200*time.Millisecond)
		select {
		case <-time.After(pause):
		case <-bound:
			t.Fatalf("never came: %s", what)
		}
	}
}

// reaches reports whether a TCP connection to that address can be made.
func reaches(address string) bool {
	conn, err := net.DialTimeout("tcp", address, 500*time.Millisecond)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// connects is reaches, seen from a host.
func connects(t *testing.T, from *hosts.Host, address string, port int) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := from.Exec(ctx, "bash", "-c", fmt.Sprintf("exec 3<>/dev/tcp/%s/%d", address, port))
	return err == nil
}

// sipOptions sends one OPTIONS request and returns the status line of the
// answer, or nothing.
func sipOptions(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("udp", address+":5060")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := strings.Join([]string{
		"OPTIONS sip:probe@" + address + " SIP/2.0",
		"Via: SIP/2.0/UDP " + conn.LocalAddr().String() + ";branch=z9hG4bKprobe;rport",
		"From: <sip:probe@test>;tag=1", "To: <sip:probe@" + address + ">",
		"Call-ID: probe", "CSeq: 1 OPTIONS", "Max-Forwards: 70", "Content-Length: 0", "", "",
	}, "\r\n")
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return ""
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		return ""
	}
	status, _, _ := strings.Cut(string(answer[:n]), "\r\n")
	return status
}

// page gets a page of a host, or says why it could not.
func page(url string) string {
	client := http.Client{Timeout: time.Second}
	reply, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(body))
}
