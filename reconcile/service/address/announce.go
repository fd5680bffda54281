package address

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"mainstay/reconcile/service"
)

// defaultAgain are the times after the first announcement at which it is repeated: frames
// get lost, and a switch whose port just came up forwards none for a while.
var defaultAgain = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 5 * time.Second}

// announceFolder keeps that an announcement is not through, below the service's folder.
const announceFolder = "announce"

func announceMark(c Config) *service.Mark {
	if c.Folder == "" {
		return service.NewMark("", c.Log)
	}
	return service.NewMark(filepath.Join(c.Folder, announceFolder), c.Log)
}

// series is an announcement that is repeated.
type series struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// announce says that the address is here, now and again later.
func (d *Driver) announce(w wire, from device) error {
	err := d.sayHere(w, from)
	ctx, cancel := context.WithCancel(context.Background())
	s := &series{cancel: cancel, done: make(chan struct{})}
	d.mu.Lock()
	before := d.series
	d.series = s
	d.mu.Unlock()
	if before != nil {
		before.cancel()
	}
	go func() {
		defer close(s.done)
		defer cancel()
		defer w.close()
		d.repeat(ctx, w, from)
	}()
	return err
}

func (d *Driver) sayHere(w wire, from device) error {
	for _, frame := range announcements(from.hardware, d.prefix.Addr()) {
		if err := w.send(frame); err != nil {
			return fmt.Errorf("announce %s on %s: %w", d.prefix.Addr(), from.name, err)
		}
	}
	return nil
}

// repeat ends early once the address is not listed there any more: nobody is told to send
// to a machine that does not have it.
func (d *Driver) repeat(ctx context.Context, w wire, from device) {
	began := time.Now()
	for _, at := range d.again {
		next := time.NewTimer(at - time.Since(began))
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return
		}
		places, err := d.kernel.addresses(ctx, d.prefix.Addr())
		if err == nil && !slices.ContainsFunc(places, func(p place) bool { return p.index == from.index }) {
			return
		}
		if err == nil {
			err = d.sayHere(w, from)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Warn("the address was not announced once more", "address", d.prefix, "error", err)
		}
	}
	d.untold.Clear()
}

// quiet ends the announcement and the question that are under way, and returns once nothing
// of them can be sent any more.
func (d *Driver) quiet(ctx context.Context) error {
	d.mu.Lock()
	d.stopping = true
	all := []*series{d.series, d.seek}
	d.series, d.seek = nil, nil
	d.mu.Unlock()
	for _, s := range all {
		if s == nil {
			continue
		}
		s.cancel()
		select {
		case <-s.done:
		case <-ctx.Done():
			return service.Ended(ctx)
		}
	}
	return nil
}

// resume announces anew what an agent that ended added and did not announce to the end.
func (d *Driver) resume(ctx context.Context) {
	if !d.unfinished.CompareAndSwap(true, false) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callBound)
	defer cancel()
	places, err := d.kernel.addresses(ctx, d.prefix.Addr())
	if err != nil || !slices.ContainsFunc(places, func(p place) bool { return p.on == d.want.Interface }) {
		return
	}
	from, err := d.kernel.device(ctx, d.want.Interface)
	if err != nil {
		return
	}
	w, err := d.kernel.open(from, d.prefix.Addr())
	if err == nil {
		err = d.announce(w, from)
	}
	if err != nil {
		d.log.Warn("the address was not announced once more", "address", d.prefix, "error", err)
	}
}
