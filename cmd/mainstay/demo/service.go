package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Service runs one of the demo's services until it is told to stop.
//
//	sip ADDRESS NAME       answers OPTIONS over UDP, as Asterisk would, but not
//	                       while the file that DEMO_HOLD names exists
//	http ADDRESS NAME      says its name on every path
//	proxy ADDRESS FILE     relays to the upstream that FILE names
//	check FILE             exits 0 when FILE names an upstream
//	reload URL             asks a proxy to read its file again
func Service(ctx context.Context, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(args) < 2 {
		return errors.New("a kind and an address are needed")
	}
	rest := strings.Join(args[2:], " ")
	switch args[0] {
	case "sip":
		return answerSIP(ctx, args[1])
	case "http":
		return serveHTTP(ctx, args[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, rest)
		}))
	case "proxy":
		return runProxy(ctx, args[1], rest)
	case "check":
		_, err := upstream(args[1])
		return err
	case "reload":
		return reload(ctx, args[1])
	}
	return fmt.Errorf("unknown kind of service %q", args[0])
}

// answerSIP answers every OPTIONS request with 200 OK.
func answerSIP(ctx context.Context, address string) error {
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { c.Close() })
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return ended(ctx, err)
		}
		if reply := sipOK(buf[:n]); reply != nil && !held() {
			_, _ = c.WriteTo(reply, from)
		}
	}
}

// held reports whether the service is to look as if it were still starting.
func held() bool {
	_, err := os.Stat(os.Getenv("DEMO_HOLD"))
	return err == nil
}

// sipOK makes the answer to an OPTIONS request: the headers that RFC 3261,
// section 8.2.6, has copied.
func sipOK(request []byte) []byte {
	if !bytes.HasPrefix(request, []byte("OPTIONS ")) {
		return nil
	}
	var b strings.Builder
	b.WriteString("SIP/2.0 200 OK\r\n")
	for line := range strings.SplitSeq(string(request), "\r\n") {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		switch strings.TrimSpace(name) {
		case "to", "t":
			b.WriteString(line + ";tag=demo\r\n")
		case "via", "v", "from", "f", "call-id", "i", "cseq":
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return []byte(b.String())
}

// serveHTTP serves until ctx ends.
func serveHTTP(ctx context.Context, address string, h http.Handler) error {
	s := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { s.Close() })
	return ended(ctx, s.ListenAndServe())
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// runProxy relays every request to the upstream of its file; /-/reload reads
// the file again.
func runProxy(ctx context.Context, address, file string) error {
	var target atomic.Pointer[url.URL]
	if u, err := upstream(file); err == nil {
		target.Store(u)
	}
	relay := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target.Load()) }}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, _ *http.Request) {
		u, err := upstream(file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		target.Store(u)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if target.Load() == nil {
			http.Error(w, "no upstream yet", http.StatusServiceUnavailable)
			return
		}
		relay.ServeHTTP(w, r)
	})
	return serveHTTP(ctx, address, mux)
}

// upstream reads the one line that counts of a proxy's file.
func upstream(file string) (*url.URL, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if host, ok := strings.CutPrefix(strings.TrimSpace(line), "upstream "); ok {
			if _, _, err := net.SplitHostPort(host); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			return &url.URL{Scheme: "http", Host: host}, nil
		}
	}
	return nil, fmt.Errorf("%s names no upstream", file)
}

func reload(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil // not running: it reads the file when it starts
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(b))
	}
	return nil
}
