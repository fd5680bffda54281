package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
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
	err := s.Serve(netutil.LimitListener(l, openMost))
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
