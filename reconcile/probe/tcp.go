package probe

import (
	"context"
	"fmt"

	"mainstay/spec"
)

// newTCP asks whether a connection is accepted. A kernel accepts for a process
// that hangs, so this says less than sip and http do.
func newTCP(p spec.Probe) (Func, error) {
	address, err := target(p.TCP, "")
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	return func(ctx context.Context) error {
		conn, err := dial(ctx, "tcp", address, p.Timeout)
		if err != nil {
			return fmt.Errorf("tcp connection to %s: %w", address, err)
		}
		_ = conn.Close()
		return nil
	}, nil
}
