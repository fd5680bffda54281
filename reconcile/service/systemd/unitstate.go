package systemd

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	sdbus "github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// unitState is what was read of one unit.
type unitState struct {
	// id is the unit's real name, and aliases how many others it has.
	id                                      string
	aliases                                 int
	load, loadError, active, sub, fileState string
	// job is the number of the queued job, 0 without one.
	job uint32
	// unmet lists the conditions that kept the last start from happening.
	unmet       []string
	wantedBy    []string
	triggeredBy []string
	since       time.Time
	// Of services only. result, code and status tell how it last ended.
	pid          int
	result       string
	code, status int32
	// left are processes that outlived the unit.
	left []process
	// bound are the units that belong to it.
	bound []bound
}

// process is one process of a unit.
type process struct {
	pid     uint32
	command string
}

// readUnit reads a unit. The state and what is left of processes are always read;
// the rest only if a signal came or the state is another one than before.
func (l *link) readUnit(ctx context.Context, unit string) (unitState, error) {
	kept, changes := l.recall(unit)
	if kept != nil {
		seen, err := l.readStates(ctx, unit, *kept)
		if seen != nil || err != nil {
			return *cmp.Or(seen, &unitState{}), err
		}
	}
	seen, err := l.readWhole(ctx, unit)
	if err == nil {
		l.follow(ctx, unit, seen.paths())
		l.remember(unit, seen, changes)
	}
	return seen, err
}

// readStates reads only the states of a unit and of what belongs to it, and returns
// nil if one changed. What belongs to a unit that stands in for others is read anew
// every time: systemd does not say when another one comes.
func (l *link) readStates(ctx context.Context, unit string, kept unitState) (*unitState, error) {
	if kept.standsIn() {
		return nil, nil
	}
	names := []string{unit}
	for _, b := range kept.bound {
		names = append(names, b.name)
	}
	rows, err := l.conn.ListUnitsByNamesContext(ctx, names)
	if err != nil {
		return nil, err
	}
	if len(rows) != len(names) || !same(rows[0], kept) {
		return nil, nil
	}
	if kept.left, err = l.leftOf(ctx, unit, kept.active); err != nil {
		return nil, err
	}
	kept.bound = slices.Clone(kept.bound)
	for i, b := range kept.bound {
		if !same(rows[i+1], b.unitState) {
			return nil, nil
		}
		if kept.bound[i].left, err = l.leftOf(ctx, b.name, b.active); err != nil {
			return nil, err
		}
	}
	return &kept, nil
}

func same(now sdbus.UnitStatus, kept unitState) bool {
	return now.LoadState == kept.load && now.ActiveState == kept.active && now.SubState == kept.sub && now.JobId == kept.job
}

// readWhole reads a unit, and of a service what fits its state.
func (l *link) readWhole(ctx context.Context, unit string) (unitState, error) {
	p, err := l.conn.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return unitState{}, err
	}
	seen := readUnit(p)
	seen.id = cmp.Or(seen.id, unit)
	if seen.bound, err = l.readBound(ctx, seen.id, ties(seen.id, p)); err != nil {
		return unitState{}, err
	}
	if seen.left, err = l.leftOf(ctx, unit, seen.active); err != nil {
		return unitState{}, err
	}
	switch {
	case kindOf(seen.id) != "service":
	case seen.active == "failed" || strings.HasPrefix(seen.sub, "auto-restart"):
		err = l.readEnd(ctx, unit, &seen)
	case seen.active != "inactive":
		err = l.readPID(ctx, unit, &seen)
	}
	return seen, err
}

func (l *link) readPID(ctx context.Context, unit string, seen *unitState) error {
	p, err := l.conn.GetServicePropertyContext(ctx, unit, "MainPID")
	if err != nil {
		return err
	}
	pid, _ := p.Value.Value().(uint32)
	seen.pid = int(pid)
	return nil
}

func (l *link) readEnd(ctx context.Context, unit string, seen *unitState) error {
	p, err := l.conn.GetUnitTypePropertiesContext(ctx, unit, "Service")
	if err != nil {
		return err
	}
	seen.result = text(p, "Result")
	seen.code, _ = p["ExecMainCode"].(int32)
	seen.status, _ = p["ExecMainStatus"].(int32)
	return nil
}

// leftOf lists what is left in the control group of a service or scope that ended. One
// that is not loaded has none.
func (l *link) leftOf(ctx context.Context, unit, active string) ([]process, error) {
	if (active != "inactive" && active != "failed") || kindOf(unit) != "service" && kindOf(unit) != "scope" {
		return nil, nil
	}
	var rows []struct {
		Group   string
		PID     uint32
		Command string
	}
	object := l.calls.Object(destination, managerPath)
	err := object.CallWithContext(ctx, manager+".GetUnitProcesses", 0, unit).Store(&rows)
	var refused godbus.Error
	if errors.As(err, &refused) && refused.Name == destination+".NoSuchUnit" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	left := make([]process, 0, len(rows))
	for _, r := range rows {
		left = append(left, process{pid: r.PID, command: r.Command})
	}
	return left, nil
}

// readUnit reads the properties that units of all types have.
func readUnit(p map[string]any) unitState {
	seen := unitState{
		id:          text(p, "Id"),
		aliases:     max(0, len(texts(p, "Names"))-1),
		load:        text(p, "LoadState"),
		active:      text(p, "ActiveState"),
		sub:         text(p, "SubState"),
		fileState:   text(p, "UnitFileState"),
		wantedBy:    append(texts(p, "WantedBy"), texts(p, "RequiredBy")...),
		triggeredBy: texts(p, "TriggeredBy"),
		unmet:       unmet(p),
	}
	// LoadError is a pair of a name and a message.
	if pair, ok := p["LoadError"].([]any); ok && len(pair) == 2 {
		seen.loadError, _ = pair[1].(string)
	}
	if pair, ok := p["Job"].([]any); ok && len(pair) == 2 {
		seen.job, _ = pair[0].(uint32)
	}
	if micros, ok := p["StateChangeTimestamp"].(uint64); ok && micros > 0 {
		seen.since = time.UnixMicro(int64(micros))
	}
	return seen
}

// unmet lists the conditions and assertions that were found wanting when a
// start was last tried.
func unmet(p map[string]any) []string {
	var list []string
	for _, kind := range []string{"Condition", "Assert"} {
		tried, _ := p[kind+"Timestamp"].(uint64)
		met, known := p[kind+"Result"].(bool)
		if tried == 0 || met || !known {
			continue
		}
		list = append(list, unmetOf(p[kind+"s"])...)
		if len(list) == 0 {
			list = append(list, "a condition that is not named")
		}
	}
	return list
}

// unmetOf reads rows of type, trigger, negate, parameter and state; a negative
// state is a condition that failed.
func unmetOf(rows any) []string {
	all, _ := rows.([][]any)
	var list []string
	for _, row := range all {
		if len(row) != 5 {
			continue
		}
		name, _ := row[0].(string)
		negated, _ := row[2].(bool)
		parameter, _ := row[3].(string)
		state, _ := row[4].(int32)
		if negated {
			parameter = "!" + parameter
		}
		if state < 0 {
			list = append(list, name+"="+parameter)
		}
	}
	return list
}

func text(p map[string]any, key string) string {
	s, _ := p[key].(string)
	return s
}

func texts(p map[string]any, key string) []string {
	list, _ := p[key].([]string)
	return list
}
