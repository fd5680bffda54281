package transport

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// A server that takes the connection and says nothing costs the time it is given, no more;
// an address without a host key is told from one that does not answer.
func TestAskingForAHostKeyIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	line, fingerprint, err := HostKey(ctx, "ssh://git@"+l.Addr().String()+"/x.git")
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) || err == nil || line != "" || fingerprint != "" {
		t.Errorf("%q %q %v", line, fingerprint, err)
	}
	for _, address := range []string{"https://git.example.org/x.git", "/srv/git/x.git"} {
		if _, _, err := HostKey(t.Context(), address); !errors.Is(err, ErrNoHostKey) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
