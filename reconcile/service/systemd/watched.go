package systemd

import (
	"context"
	"maps"
	"slices"

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
	kept *unitState
	// follows are the other objects whose changes are changes of this unit.
	follows map[godbus.ObjectPath]bool
}

func changesOf(path godbus.ObjectPath) []godbus.MatchOption {
	return []godbus.MatchOption{
		godbus.WithMatchInterface(properties), godbus.WithMatchMember("PropertiesChanged"), godbus.WithMatchObjectPath(path),
	}
}

// follow makes the changes of other objects changes of a watched unit: those of its
// real name, if it is watched by an alias, and of the units that belong to it. It is
// worth trying only: without it the unit is still looked at from time to time.
func (l *link) follow(ctx context.Context, unit string, paths []godbus.ObjectPath) {
	own := unitPath(unit)
	l.mu.Lock()
	w := l.watched[own]
	var fresh []godbus.ObjectPath
	if w != nil {
		for _, p := range paths {
			if p != own && !w.follows[p] {
				w.follows[p] = true
				fresh = append(fresh, p)
			}
		}
	}
	l.mu.Unlock()
	if !l.bus {
		return
	}
	for _, p := range fresh {
		_ = l.signals.AddMatchSignalContext(ctx, changesOf(p)...)
	}
}

// watch calls wake at every change of a unit until stop is called.
func (l *link) watch(ctx context.Context, unit string, wake func()) (stop func(), err error) {
	path := unitPath(unit)
	if l.bus {
		if err := l.signals.AddMatchSignalContext(ctx, changesOf(path)...); err != nil {
			return nil, err
		}
	}
	key := &wake
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watched[path] == nil {
		l.watched[path] = &watched{wakes: map[*func()]struct{}{}, follows: map[godbus.ObjectPath]bool{}}
	}
	l.watched[path].wakes[key] = struct{}{}
	return func() { l.forget(path, key) }, nil
}

func (l *link) forget(path godbus.ObjectPath, key *func()) {
	l.mu.Lock()
	w := l.watched[path]
	rules := []godbus.ObjectPath{path}
	if delete(w.wakes, key); len(w.wakes) == 0 {
		delete(l.watched, path)
		rules = slices.AppendSeq(rules, maps.Keys(w.follows))
	}
	l.mu.Unlock()
	if !l.bus || l.isLost() {
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, forgetBound)
	defer cancel()
	for _, p := range rules {
		_ = l.signals.RemoveMatchSignalContext(ctx, changesOf(p)...)
	}
}

func (l *link) wake(path godbus.ObjectPath) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for own, w := range l.watched {
		if own == path || w.follows[path] {
			w.changed()
		}
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
func (l *link) recall(unit string) (kept *unitState, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.watched[unitPath(unit)]
	if w == nil {
		return nil, 0
	}
	return w.kept, w.changes
}

// remember remembers a look, unless a signal came since the reading began.
func (l *link) remember(unit string, seen unitState, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.watched[unitPath(unit)]; w != nil && w.changes == changes {
		w.kept = &seen
	}
}
