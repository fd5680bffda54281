package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	godbus "github.com/godbus/dbus/v5"

	"mainstay/reconcile/service"
)

// Bus is the connection to systemd that all units of an agent share. It is made
// on first use and again after it was lost: over the system bus, or, while
// that does not answer, directly. Its methods may be used at any time from any
// goroutine.
type Bus struct {
	log  *slog.Logger
	ways []way
	// turn is held while a connection is made, so that one is enough for all.
	turn chan struct{}

	mu      sync.Mutex
	current *link
	closed  bool
}

// NewBus returns a Bus that is not connected yet.
func NewBus(log *slog.Logger) *Bus {
	return newBus(log, []way{
		{name: "the system bus", hello: true, open: godbus.SystemBusPrivate},
		{name: "systemd's own socket", open: func(o ...godbus.ConnOption) (*godbus.Conn, error) {
			return godbus.Dial("unix:path=/run/systemd/private", o...)
		}},
	})
}

func newBus(log *slog.Logger, ways []way) *Bus {
	return &Bus{log: log, ways: ways, turn: make(chan struct{}, 1)}
}

// Unit returns the driver of a unit. A name without a type is a service's.
func (b *Bus) Unit(name string) *Unit {
	return &Unit{bus: b, name: fullName(name), log: b.log.With("unit", fullName(name))}
}

// Reload makes a running unit read its configuration again and waits for the
// result. A unit that is down has nothing to reload: that is nil.
func (b *Bus) Reload(ctx context.Context, name string) error {
	return b.Unit(name).reload(ctx)
}

// Close ends the connection and every watch on it; the Bus is of no use then.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.current != nil {
		b.current.close()
	}
}

// link returns the connection, making it if there is none. Its error wraps
// service.ErrUnavailable.
func (b *Bus) link(ctx context.Context) (*link, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to systemd: %w", service.Ended(ctx))
	}
	if l, err := b.alive(); l != nil || err != nil {
		return l, err
	}
	l, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		l.close()
		return nil, errBusClosed
	}
	b.current = l
	return l, nil
}

var errBusClosed = fmt.Errorf("connect to systemd: %w: the agent is ending", service.ErrUnavailable)

func (b *Bus) alive() (*link, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errBusClosed
	}
	if b.current != nil && !b.current.isLost() {
		return b.current, nil
	}
	return nil, nil
}

func (b *Bus) connect(ctx context.Context) (*link, error) {
	var failures []error
	for _, w := range b.ways {
		l, err := newLink(ctx, w)
		if err == nil {
			b.log.Debug("connected to systemd", "over", w.name)
			return l, nil
		}
		if ended := service.Ended(ctx); ended != nil {
			return nil, fmt.Errorf("connect to systemd: %w", ended)
		}
		failures = append(failures, fmt.Errorf("over %s: %w", w.name, err))
	}
	return nil, fmt.Errorf("connect to systemd: %w: %w", service.ErrUnavailable, errors.Join(failures...))
}

// fullName adds the type that systemd's interface wants and people leave out.
func fullName(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i >= 0 {
		switch name[i+1:] {
		case "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope":
			return name
		}
	}
	return name + ".service"
}
