package host

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"
)

func TestAnAddressThatComesLaterIsListenedOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan net.Listener)
	go func() {
		got <- listen(t.Context(), taken.Addr().String(), time.Millisecond, slog.New(slog.DiscardHandler))
	}()
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	l := <-got
	if l == nil {
		t.Fatal("it was given up")
	}
	_ = l.Close()
}

func TestNobodyListensAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l := listen(ctx, "127.0.0.1:-1", time.Hour, slog.New(slog.DiscardHandler)); l != nil {
		t.Errorf("got %v", l.Addr())
	}
}
