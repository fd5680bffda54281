package systemd

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	godbus "github.com/godbus/dbus/v5"
)

// A unit may stand for others: Debian's postgresql.service runs nothing, and
// postgresql@15-main.service, which is bound to it, runs the database. What is bound
// to a unit belongs to it: it is down only when they are, and it runs only when none
// of them failed.

// tie is how another unit belongs to one.
type tie int

const (
	// tied units are stopped with the unit, by systemd and by a stop here.
	tied tie = iota
	// wanted units are started with a target and not stopped with it.
	wanted
	// trigger units start the unit: sockets, timers and paths.
	trigger
)

// bound is what was read of a unit that belongs to another.
type bound struct {
	name string
	tie  tie
	unitState
}

const (
	// maxBound is how many units are read that belong to one, and maxDeep through
	// how many others.
	maxBound = 64
	maxDeep  = 3
)

// kindOf is a unit's type.
func kindOf(unit string) string { return strings.TrimPrefix(path.Ext(unit), ".") }

// ties lists the units that belong to one, as its properties name them.
func ties(unit string, p map[string]any) map[string]tie {
	out := map[string]tie{}
	add := func(as tie, kinds []string, keys ...string) {
		for _, key := range keys {
			for _, name := range texts(p, key) {
				if _, known := out[name]; !known && name != unit && slices.Contains(kinds, kindOf(name)) {
					out[name] = as
				}
			}
		}
	}
	run := []string{"service", "scope", "target", "slice"}
	add(tied, run, "ConsistsOf", "PropagatesStopTo", "BoundBy", "Triggers")
	switch kindOf(unit) {
	case "slice":
		add(tied, run, "RequiredBy")
	case "target":
		add(wanted, []string{"service", "scope"}, "Wants", "Requires", "BindsTo")
	}
	add(trigger, []string{"socket", "timer", "path", "automount"}, "TriggeredBy")
	return out
}

// standsIn reports whether an active unit has no process of its own by which it
// could be known to run.
func (s unitState) standsIn() bool {
	switch kindOf(s.id) {
	case "service":
		return s.active == "active" && s.sub == "exited"
	case "scope":
		return false
	}
	return s.active == "active"
}

// readBound reads what belongs to a unit, and what belongs to those that stand in
// for others in their turn.
func (l *link) readBound(ctx context.Context, unit string, of map[string]tie) ([]bound, error) {
	var all []bound
	read := map[string]bool{unit: true}
	for range maxDeep {
		next := map[string]tie{}
		for name, as := range of {
			if read[name] || len(all) >= maxBound {
				continue
			}
			read[name] = true
			b, its, err := l.readOne(ctx, name, as)
			if err != nil {
				return nil, fmt.Errorf("%s, which belongs to it: %w", name, err)
			}
			all = append(all, b)
			if as != trigger && (b.standsIn() || kindOf(name) != "service") {
				for one, tie := range its {
					next[one] = max(tie, as)
				}
			}
		}
		if of = next; len(of) == 0 {
			break
		}
	}
	slices.SortFunc(all, func(a, b bound) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

func (l *link) readOne(ctx context.Context, name string, as tie) (bound, map[string]tie, error) {
	p, err := l.conn.GetUnitPropertiesContext(ctx, name)
	if err != nil {
		return bound{}, nil, err
	}
	b := bound{name: name, tie: as, unitState: readUnit(p)}
	if b.left, err = l.leftOf(ctx, name, b.active); err != nil {
		return b, nil, err
	}
	if b.active == "failed" && kindOf(name) == "service" {
		err = l.readEnd(ctx, name, &b.unitState)
	}
	its := ties(name, p)
	for one, tie := range its {
		if tie == trigger { // it starts that unit, and not this one
			delete(its, one)
		}
	}
	return b, its, err
}

// up reports whether anything of the unit runs, starts or stops.
func (b bound) up() bool {
	return b.active != "inactive" && b.active != "failed" || len(b.left) > 0 || b.job != 0
}

// ending reports whether the unit is on its way down.
func (b bound) ending() bool { return b.active == "deactivating" || !b.isActive() && len(b.left) > 0 }

func (s unitState) isActive() bool { return s.active != "inactive" && s.active != "failed" }

func (b bound) says() string {
	switch {
	case !b.isActive() && len(b.left) > 0:
		return b.name + " is " + b.active + ", but processes of it are left: " + names(b.left)
	case b.active == "failed":
		return b.name + " failed: " + b.how()
	}
	return fmt.Sprintf("%s is %s (%s)", b.name, b.active, b.sub)
}

// members are the units that belong to one, without its triggers.
func (s unitState) members(is func(bound) bool) []bound {
	return slices.DeleteFunc(slices.Clone(s.bound), func(b bound) bool { return b.tie == trigger || !is(b) })
}

// triggers are the active units that may start one at any time.
func (s unitState) triggers() []bound {
	return slices.DeleteFunc(slices.Clone(s.bound), func(b bound) bool { return b.tie != trigger || !b.up() })
}

func say(all []bound) string {
	var list []string
	for _, b := range all[:min(len(all), 5)] {
		list = append(list, b.says())
	}
	if over := len(all) - len(list); over > 0 {
		list = append(list, fmt.Sprintf("and %d more", over))
	}
	return strings.Join(list, "; ")
}

func failed(b bound) bool { return b.active == "failed" && !b.up() }

// standIn says what an active unit without a process of its own is worth.
func (s unitState) standIn() string {
	if !s.standsIn() {
		return ""
	}
	text := s.id + " has no process of its own: that it is active proves nothing"
	var list []string
	for _, b := range s.members(func(b bound) bool { return kindOf(b.name) == "service" }) {
		list = append(list, b.name)
	}
	if len(list) > 0 {
		text += "; name in the document what runs: " + strings.Join(list, ", ")
	}
	return text
}

// paths are the objects whose changes are changes of a unit: its own under its real
// name, and those of what belongs to it.
func (s unitState) paths() []godbus.ObjectPath {
	var all []godbus.ObjectPath
	if s.id != "" {
		all = append(all, unitPath(s.id))
	}
	for _, b := range s.bound {
		all = append(all, unitPath(b.name))
	}
	return all
}
