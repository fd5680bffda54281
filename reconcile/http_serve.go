package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// busyMost is how many requests are served at the same time.
	busyMost = 32
	// openMost is how many connections are open at the same time.
	openMost = 64
	// closeGrace is how long requests under way may take once the agent ends.
	closeGrace = time.Second
)

// serve serves a handler on l until ctx ends, with every request bounded in
// size, time and number. longest is how long an answer may take to come. A
// server that breaks is logged and stops nothing else.
func serve(ctx context.Context, l net.Listener, handler http.Handler, longest time.Duration, log *slog.Logger) {
	s := &http.Server{
		Handler:           busy(handler),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      longest + 15*time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	closed := make(chan struct{})
	unless := context.AfterFunc(ctx, func() {
		defer close(closed)
		grace, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		if s.Shutdown(grace) != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(newLimited(l, openMost))
	if !unless() {
		<-closed
		return
	}
	if !errors.Is(err, http.ErrServerClosed) {
		log.Error("serve", "address", l.Addr().String(), "error", err)
	}
}

// busy answers 503 at once when too much is under way.
func busy(next http.Handler) http.Handler {
	slots := make(chan struct{}, busyMost)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			writeError(w, http.StatusServiceUnavailable, errors.New("too many requests are under way"))
		}
	})
}

// limited is a listener with a bound on the connections that are open: the next
// ones wait in the kernel.
type limited struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newLimited(l net.Listener, most int) *limited {
	return &limited{Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept waits until a connection may be open, and for one to come.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, free: func() { <-l.slots }}, nil
}

// Close also ends an Accept that waits for a place.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	free func()
	once sync.Once
}

// Close gives the connection's place to the next one.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.free)
	return err
}
