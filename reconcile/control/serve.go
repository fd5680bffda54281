package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// busyMost is how many requests are served at the same time.
	busyMost = 32
	// openMost is how many connections are open at the same time: the next ones
	// wait in the kernel.
	openMost = 64
	// closeGrace is how long requests under way may take once the agent ends.
	closeGrace = time.Second
)

// serve serves a handler on l until ctx ends, with every request bounded in
// size, time and number. longest is how long an answer may take to come. A
// server that breaks is logged and stops nothing else.
func serve(ctx context.Context, l net.Listener, handler http.Handler, longest time.Duration, log *slog.Logger) {
	s := &http.Server{
		Handler:           asked(busy(handler)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      longest + 15*time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
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

// limited is a listener with a bound on the connections that are open. When all
// places are taken the one that has waited longest without a whole request goes: who
// only opens connections keeps nobody else out.
// golang.org/x/net/netutil.LimitListener would let the next one wait instead.
type limited struct {
	net.Listener
	most int

	mu    sync.Mutex
	free  *sync.Cond
	open  []*limitedConn // the oldest first
	ended bool
}

func newLimited(l net.Listener, most int) *limited {
	n := &limited{Listener: l, most: most}
	n.free = sync.NewCond(&n.mu)
	return n
}

// Accept waits for a connection to come, and, when every open one has a request
// under way, for one of them to end.
func (l *limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &limitedConn{Conn: c, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) >= l.most && !l.ended && !l.evict() {
		l.free.Wait()
	}
	if l.ended {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.open = append(l.open, one)
	return one, nil
}

// evict closes the oldest connection that has no request under way.
func (l *limited) evict() bool {
	for _, c := range l.open {
		if c.asked == 0 {
			l.drop(c)
			_ = c.Conn.Close()
			return true
		}
	}
	return false
}

func (l *limited) drop(c *limitedConn) {
	l.open = slices.DeleteFunc(l.open, func(o *limitedConn) bool { return o == c })
	l.free.Broadcast()
}

// Close also ends an Accept that waits for a place.
func (l *limited) Close() error {
	l.mu.Lock()
	l.ended = true
	l.free.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	of    *limited
	asked int // requests under way, held by of.mu
}

// ask counts a request that begins or ends.
func (c *limitedConn) ask(n int) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.asked += n
	c.of.free.Broadcast()
}

// Close gives the connection's place to the next one.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.drop(c)
	return err
}

// connKey is where a request's context has its connection.
type connKey struct{}

// asked tells a connection that a whole request came, so that it keeps its place.
func asked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, is := r.Context().Value(connKey{}).(*limitedConn); is {
			c.ask(1)
			defer c.ask(-1)
		}
		next.ServeHTTP(w, r)
	})
}
