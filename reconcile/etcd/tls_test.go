package etcd_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git/failure"
)

// secured is a fake cluster behind TLS, and its certificate in PEM.
func secured(t *testing.T) (at string, certificate []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(etcdserver.NewFake(1))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// A member whose certificate is not of the named authorities is asked for nothing, and a
// file that is renewed counts from the next connection on.
func TestOnlyTheNamedAuthorityIsBelievedAndARenewedFileCounts(t *testing.T) {
	at, certificate := secured(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	c, err := etcd.Open(etcd.Options{URL: "etcd://" + at + "/voice", CAFile: file})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, content := range []string{"", "nonsense"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.ListPrimary(t.Context()); !errors.Is(err, failure.ErrHostKey) {
			t.Errorf("with %q: %v", content, err)
		}
	}
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListPrimary(t.Context()); err != nil {
		t.Errorf("with its own: %v", err)
	}
	system, err := etcd.Open(etcd.Options{URL: "etcds://" + at + "/voice"})
	if err != nil {
		t.Fatal(err)
	}
	defer system.Close()
	if _, err := system.ListPrimary(t.Context()); !errors.Is(err, failure.ErrHostKey) {
		t.Errorf("by the system's authorities: %v", err)
	}
}

// A member that wants a certificate which this machine has not got says so after the
// handshake, and that is no member which is out of reach: a person can mend it.
func TestAMemberThatWantsACertificateIsNotOutOfReach(t *testing.T) {
	server := httptest.NewUnstartedServer(etcdserver.NewFake(1))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := etcd.Open(etcd.Options{URL: "etcd://" + server.Listener.Addr().String() + "/voice", CAFile: file})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var told *failure.Error
	if _, err := c.ListPrimary(t.Context()); !errors.Is(err, failure.ErrAuth) || !errors.As(err, &told) || told.Hint() == "" {
		t.Errorf("got %v", err)
	}
}
