package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"time"

	"mainstay/e2e/gitserver"
)

// server is git's http-backend over every bare repository of a run, with a way of
// its own for each node: http://address/NODE/NAME.git.
type server struct {
	address string
	http    *http.Server
	links   map[string]*link
}

// link is one node's way to git. The zero link lets everything through.
type link struct {
	mu sync.Mutex
	// cut refuses, hang answers nothing, lose drops answers after the fact, late
	// carries pushes out only when it is over.
	cut, hang, lose bool
	late            chan struct{}
	delay           time.Duration
	// changed ends what is under way when that changes.
	changed chan struct{}
}

// fault replaces how the link behaves.
func (l *link) fault(change func(*link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.late != nil {
		close(l.late)
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	l.cut, l.hang, l.lose, l.late, l.delay = false, false, false, nil, 0
	if change != nil {
		change(l)
	}
}

func cut(l *link)      { l.cut = true }
func hang(l *link)     { l.hang = true }
func lose(l *link)     { l.lose = true }
func holdBack(l *link) { l.late = make(chan struct{}) }

// serveGit serves the folder's repositories until ctx ends.
func serveGit(ctx context.Context, folder string, nodes []string) (*server, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("git is needed: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{address: l.Addr().String(), links: map[string]*link{}}
	mux := http.NewServeMux()
	for _, n := range nodes {
		s.links[n] = &link{}
		mux.Handle("/"+n+"/", s.links[n].wrap(&memo{folder: folder, root: "/" + n, next: backend(git, folder, "/"+n), kept: map[string]answer{}}))
	}
	s.http = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = s.http.Close() })
	return s, nil
}

func backend(git, folder, root string) http.Handler {
	return &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Root: root,
		Env: append(gitserver.Env(), "GIT_PROJECT_ROOT="+folder, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=3",
			"GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true",
			"GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*",
			"GIT_CONFIG_KEY_2=receive.autogc", "GIT_CONFIG_VALUE_2=false"),
		Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
	}
}

// wrap puts the link before the backend.
func (l *link) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(strings.NewReader(string(body))), int64(len(body)), nil
		l.mu.Lock()
		isCut, isHung, loses, late, delay := l.cut, l.hang, l.lose, l.late, l.delay
		l.mu.Unlock()
		switch {
		case isCut:
			panic(http.ErrAbortHandler)
		case isHung:
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		case delay > 0 && !pause(r.Context(), delay):
			panic(http.ErrAbortHandler)
		}
		push := writes(r, string(body))
		if late != nil && push { // the push lands after its sender gave up
			<-late
		}
		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r.WithContext(context.WithoutCancel(r.Context())))
		if loses && push {
			panic(http.ErrAbortHandler)
		}
		for name, values := range reply.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(reply.Code)
		_, _ = w.Write(reply.Body.Bytes())
	})
}
