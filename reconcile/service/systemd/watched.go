package systemd

import (
	"context"

	godbus "github.com/godbus/dbus/v5"
)

// watched is a unit whose signals come in.
type watched struct {
	wakes map[*func()]struct{}
	// changes counts the signals.
	changes uint64
	// kept is what was read since the last signal, or nil. It spares reading
	// again what surrounds the state of a unit; the state itself is read every
	// time.
	kept *look
}

// watch calls wake at every change of a unit until stop is called.
func (l *link) watch(ctx context.Context, unit string, wake func()) (stop func(), err error) {
	path := unitPath(unit)
	rule := []godbus.MatchOption{
		godbus.WithMatchInterface(properties), godbus.WithMatchMember("PropertiesChanged"), godbus.WithMatchObjectPath(path),
	}
	if l.bus {
		if err := l.signals.AddMatchSignalContext(ctx, rule...); err != nil {
			return nil, err
		}
	}
	key := &wake
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watched[path] == nil {
		l.watched[path] = &watched{wakes: map[*func()]struct{}{}}
	}
	l.watched[path].wakes[key] = struct{}{}
	return func() { l.forget(path, key, rule) }, nil
}

func (l *link) forget(path godbus.ObjectPath, key *func(), rule []godbus.MatchOption) {
	l.mu.Lock()
	w := l.watched[path]
	if delete(w.wakes, key); len(w.wakes) == 0 {
		delete(l.watched, path)
	}
	l.mu.Unlock()
	if !l.bus || l.isLost() {
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, forgetBound)
	defer cancel()
	_ = l.signals.RemoveMatchSignalContext(ctx, rule...)
}

func (l *link) wake(path godbus.ObjectPath) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.watched[path]; w != nil {
		w.changed()
	}
}

func (l *link) wakeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.watched {
		w.changed()
	}
}

func (w *watched) changed() {
	w.changes++
	w.kept = nil
	for wake := range w.wakes {
		(*wake)()
	}
}

// recall returns what is kept of a unit, if anything, and how many signals of
// it came so far.
func (l *link) recall(unit string) (kept *look, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.watched[unitPath(unit)]
	if w == nil {
		return nil, 0
	}
	return w.kept, w.changes
}

// keep remembers a look, unless a signal came since the reading began.
func (l *link) keep(unit string, seen look, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.watched[unitPath(unit)]; w != nil && w.changes == changes {
		w.kept = &seen
	}
}
