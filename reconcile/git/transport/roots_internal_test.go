package transport

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// A file of authorities pins: no public authority may speak for the server then.
func TestAFileOfAuthoritiesStandsAlone(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	want := x509.NewCertPool()
	want.AddCert(server.Certificate())
	got, err := rootsFrom(file)
	if err != nil || !got.Equal(want) {
		t.Errorf("the file's authority is not the only one: %v", err)
	}
	if got, err := rootsFrom(""); got != nil || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
}
