// Package hangup calls a function whenever the process gets SIGHUP. It does not know what
// that function does.
package hangup

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Call calls f on every SIGHUP until ctx ends.
func Call(ctx context.Context, f func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-hup:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
}
