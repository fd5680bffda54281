package host

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"mainstay/reconcile/control"
	"mainstay/reconcile/machine"
)

// listenAgain is how often an address that cannot be had is tried: one that a
// network interface brings may come after the agent.
const listenAgain = 10 * time.Second

// serveHTTP serves the listen address. An address that cannot be had is loud
// and stops nothing.
func (n *Node) serveHTTP(ctx context.Context) {
	f := n.file
	if f.Listen == "" || f.Listen == "off" {
		return
	}
	l := listen(ctx, f.Listen, listenAgain, n.log)
	if l == nil {
		return
	}
	name, _ := os.Hostname() // without one the node's name and the addresses are left
	h := &control.HTTP{
		Agent: n.Agent, Metrics: n.metrics.Handler(), Boot: machine.Clock{}.Boot, Began: machine.Clock{}.Boot(), Names: []string{name, f.Node},
		Notify: &control.Notifier{SecretFile: f.NotifySecretFile, Look: n.Agent.Sync, Count: n.metrics.Notified},
	}
	h.Serve(ctx, l, n.log)
}

// listen returns nil when ctx ends first.
func listen(ctx context.Context, address string, again time.Duration, log *slog.Logger) net.Listener {
	said := ""
	for {
		l, err := net.Listen("tcp", address)
		if err == nil {
			log.Info("listening", "address", l.Addr().String())
			return l
		}
		if err.Error() != said {
			log.Error("listen: no metrics and no notifications until this is mended", "address", address, "error", err)
			said = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(again):
		}
	}
}
