package probe

import (
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/spec"
)

// FuzzHTTPAnswer puts whatever a server may send before an HTTP probe: it ends
// within its bound, and its error repeats nothing of the answer.
func FuzzHTTPAnswer(f *testing.F) {
	const secret = "s3cr3t-of-the-page"
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /", "HTTP/1.1 500 ", "HTTP/1.1 200 OK\r\nContent-Length: -1",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", "", "HTTP/9.9 ", "HTTP/1.1 200 OK\r\nX: ",
	} {
		f.Add([]byte(head))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = listener.Close() })
	f.Fuzz(func(t *testing.T, head []byte) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 1 + maxRedirects + 1 {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write(append(head, secret...))
				_ = conn.Close()
			}
		}()
		u := &url.URL{Scheme: "http", Host: listener.Addr().String()}
		ask, err := New(spec.Probe{HTTP: u.String(), Body: "never-there-" + "x", Timeout: spec.Duration(2 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		attack.Cheap(t, func() { err = ask(t.Context()) })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if err == nil && !strings.Contains(string(head), "never-there-x") || err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", head, err)
		}
		for range 1 + maxRedirects + 1 { // let the server's loop end
			if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
				_, _ = io.WriteString(conn, "x")
				_ = conn.Close()
			}
			select {
			case <-done:
				return
			default:
			}
		}
		<-done
	})
}
