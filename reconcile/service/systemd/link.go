package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	sdbus "github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

const (
	destination = "org.freedesktop.systemd1"
	manager     = destination + ".Manager"
	managerPath = godbus.ObjectPath("/org/freedesktop/systemd1")
	properties  = "org.freedesktop.DBus.Properties"
	busName     = "org.freedesktop.DBus"
)

const (
	// connectBound bounds the making of a connection.
	connectBound = 5 * time.Second
	// forgetBound bounds the removal of one subscription.
	forgetBound = time.Second
	// signalBuffer is how many signals wait without a goroutine of their own.
	signalBuffer = 256
)

// way is one way to reach systemd.
type way struct {
	name string
	open func(...godbus.ConnOption) (*godbus.Conn, error)
	// hello says that a message bus is in between: it wants a greeting, and
	// passes on only the signals asked for.
	hello bool
}

// link is one connection to systemd, from its making to its loss.
type link struct {
	conn    *sdbus.Conn
	calls   *godbus.Conn
	signals *godbus.Conn
	bus     bool
	ctx     context.Context
	close   context.CancelFunc

	mu      sync.Mutex
	watched map[godbus.ObjectPath]*watched
}

// lost is closed once the connection is gone.
func (l *link) lost() <-chan struct{} { return l.ctx.Done() }

func (l *link) isLost() bool { return l.ctx.Err() != nil }

func newLink(ctx context.Context, w way) (*link, error) {
	l := &link{bus: w.hello, watched: map[godbus.ObjectPath]*watched{}}
	l.ctx, l.close = context.WithCancel(context.Background())
	bound := time.AfterFunc(connectBound, l.close)
	ended := context.AfterFunc(ctx, l.close)
	err := l.open(w)
	inTime := bound.Stop()
	if err == nil && (!ended() || !inTime) {
		err = errors.New("it did not answer in time")
	}
	ended()
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// open makes both connections, subscribes, and ties their ends together.
func (l *link) open(w way) error {
	var opened []*godbus.Conn
	conn, err := sdbus.NewConnection(func() (*godbus.Conn, error) {
		c, err := l.openOne(w)
		if err == nil {
			opened = append(opened, c)
		}
		return c, err
	})
	if err != nil {
		return err
	}
	l.conn, l.calls, l.signals = conn, opened[0], opened[1]
	incoming := make(chan *godbus.Signal, signalBuffer)
	l.signals.Signal(incoming)
	go l.dispatch(incoming)
	return l.subscribe()
}

func (l *link) openOne(w way) (*godbus.Conn, error) {
	c, err := w.open(godbus.WithContext(l.ctx))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(c.Context(), l.close)
	if err := c.Auth([]godbus.Auth{godbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err != nil {
		return nil, err
	}
	if w.hello {
		return c, c.Hello()
	}
	return c, nil
}

// subscribe asks for the signals that concern every unit.
func (l *link) subscribe() error {
	if l.bus {
		for _, rule := range [][]godbus.MatchOption{
			{godbus.WithMatchInterface(manager), godbus.WithMatchMember("Reloading")},
			{godbus.WithMatchInterface(manager), godbus.WithMatchMember("UnitFilesChanged")},
			{godbus.WithMatchInterface(busName), godbus.WithMatchMember("NameOwnerChanged"), godbus.WithMatchArg(0, destination)},
		} {
			if err := l.signals.AddMatchSignalContext(l.ctx, rule...); err != nil {
				return fmt.Errorf("ask for signals: %w", err)
			}
		}
	}
	object := l.signals.Object(destination, managerPath)
	err := object.CallWithContext(l.ctx, manager+".Subscribe", 0).Err
	var refused godbus.Error
	if errors.As(err, &refused) && refused.Name == destination+".AlreadySubscribed" {
		return nil
	}
	return err
}

// dispatch wakes whom a signal concerns, until the connection ends. Signals say
// when to look, never what is true.
func (l *link) dispatch(incoming <-chan *godbus.Signal) {
	for s := range incoming {
		switch s.Name {
		case properties + ".PropertiesChanged":
			l.wake(s.Path)
		case manager + ".JobRemoved":
			if unit, ok := argument(s, 2).(string); ok {
				l.wake(unitPath(unit))
			}
		case manager + ".Reloading":
			if began, ok := argument(s, 0).(bool); ok && !began {
				l.wakeAll()
			}
		case manager + ".UnitFilesChanged":
			l.wakeAll()
		case busName + ".NameOwnerChanged":
			// Another systemd answers now, which knows of no subscription.
			if name, ok := argument(s, 0).(string); ok && name == destination {
				l.close()
			}
		}
	}
}

func argument(s *godbus.Signal, i int) any {
	if i >= len(s.Body) {
		return nil
	}
	return s.Body[i]
}

func unitPath(unit string) godbus.ObjectPath {
	return managerPath + "/unit/" + godbus.ObjectPath(sdbus.PathBusEscape(unit))
}
