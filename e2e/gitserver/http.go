package gitserver

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"testing"
)

// maxBody bounds what one request may send, in bytes.
const maxBody = 256 << 20

// prefix is the path under which every server offers its one repository.
const prefix = "/repo.git"

// Option changes how HTTP serves.
type Option func(http.Handler) http.Handler

// Wrap puts middleware around the server. Options given first are outermost:
// they see a request first and its reply last.
func Wrap(middleware func(http.Handler) http.Handler) Option { return middleware }

// Auth asks for this user and password by HTTP basic authentication.
func Auth(user, password string) Option {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, p, _ := r.BasicAuth()
			if !same(u, user) || !same(p, password) {
				w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// HTTP serves the bare repository in dir on loopback, for reading and pushing,
// until the test ends, and returns its URL. Several servers may serve the same
// folder, for example one that works and one that does not.
func HTTP(t testing.TB, dir string, opts ...Option) string {
	t.Helper()
	server := unstarted(t, handler(t, dir, opts))
	server.Start()
	return server.URL + prefix
}

// HTTPS is HTTP under a certificate of its own, returned as PEM to be trusted
// by the client.
func HTTPS(t testing.TB, dir string, opts ...Option) (url string, certificate []byte) {
	t.Helper()
	server := unstarted(t, handler(t, dir, opts))
	server.StartTLS()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	return server.URL + prefix, pem.EncodeToMemory(block)
}

// endKey finds, in a request's context, the channel that the server closes
// when it ends. A request's own context ends with its client already.
type endKey struct{}

func serverEnd(r *http.Request) <-chan struct{} {
	end, _ := r.Context().Value(endKey{}).(<-chan struct{})
	return end
}

func unstarted(t testing.TB, h http.Handler) *httptest.Server {
	ctx, end := context.WithCancel(context.Background())
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.BaseContext = func(net.Listener) context.Context {
		return context.WithValue(ctx, endKey{}, ctx.Done())
	}
	t.Cleanup(func() {
		end()
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func handler(t testing.TB, dir string, opts []Option) http.Handler {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatalf("git is needed to serve a repository: %v", err)
	}
	var h http.Handler = &cgi.Handler{
		Path: git,
		Args: []string{"http-backend"},
		Root: prefix,
		Env: append(Env(),
			"GIT_PROJECT_ROOT="+dir,
			"GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_COUNT=2",
			"GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true",
			"GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*",
		),
		Logger: log.New(io.Discard, "", 0),
		Stderr: io.Discard,
	}
	h = onlyPrefix(wholeBody(h))
	for i := len(opts) - 1; i >= 0; i-- {
		h = opts[i](h)
	}
	return h
}

// onlyPrefix answers 404 outside the repository, which the CGI handler would
// otherwise hand to git as a path.
func onlyPrefix(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", next)
	return mux
}

// wholeBody reads a chunked body to its end, because CGI needs to be told the
// length first.
func wholeBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 0 && !takeBody(w, r) {
			http.Error(w, "body cut short or too large", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// takeBody reads a request's body to its end, so that the request can be
// carried out without its client, and reports whether all of it came.
func takeBody(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	return true
}
