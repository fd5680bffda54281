package systemd

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"

	godbus "github.com/godbus/dbus/v5"
)

// fakeSystemd keeps units in memory and answers for them on a fakeBus.
type fakeSystemd struct {
	bus *fakeBus

	mu    sync.Mutex
	units map[godbus.ObjectPath]*fakeUnit
	jobs  uint32
}

// fakeUnit is one unit. The fields are guarded by the systemd it belongs to.
type fakeUnit struct {
	name         string
	load, active string
	sub          string
	fileState    string
	wantedBy     []string
	triggeredBy  []string
	consistsOf   []string
	wants        []string
	names        []string
	result       string
	code, status int32
	pid          uint32
	job          uint32
	left         []process
	unmet        bool

	// hangs makes stops wait until the unit is killed.
	hangs bool
	// fails makes starts end in failure.
	fails bool
	// startResult, when set, is the result of every start, which changes nothing.
	startResult string
	// callError, when set, is the error of the member it is set for.
	callError map[string]string
	// hold keeps the result of a start back until endJob.
	hold  bool
	calls map[string]int
}

func newFakeSystemd(t *testing.T) (*fakeSystemd, *Bus) {
	s := &fakeSystemd{units: map[godbus.ObjectPath]*fakeUnit{}}
	s.bus = newFakeBus(t, s.answer)
	b := newBus(slog.New(slog.DiscardHandler), s.bus.ways())
	t.Cleanup(b.Close)
	return s, b
}

func (s *fakeSystemd) add(name string) *fakeUnit {
	u := &fakeUnit{name: name, load: "loaded", active: "inactive", sub: "dead", fileState: "disabled", result: "success",
		callError: map[string]string{}, calls: map[string]int{}}
	s.units[unitPath(name)] = u
	return u
}

// alias gives a unit another name.
func (s *fakeSystemd) alias(u *fakeUnit, name string) {
	u.names = append(u.names, name)
	s.units[unitPath(name)] = u
}

// change alters a unit and tells those who watch it.
func (s *fakeSystemd) change(u *fakeUnit, alter func()) {
	s.mu.Lock()
	alter()
	s.mu.Unlock()
	s.bus.emit(unitPath(u.name), properties, "PropertiesChanged", destination+".Unit", map[string]godbus.Variant{}, []string{})
}

func (s *fakeSystemd) count(u *fakeUnit, member string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.calls[member]
}

func (u *fakeUnit) enter(active, sub string, pid uint32) func() {
	return func() { u.active, u.sub, u.pid = active, sub, pid }
}

func (s *fakeSystemd) answer(c call) ([]any, string) {
	if c.path != managerPath {
		return s.get(c)
	}
	if c.member == "Subscribe" {
		return nil, ""
	}
	if c.member == "ListUnitsByNames" {
		return s.list(c.args[0].([]string))
	}
	name, _ := c.args[0].(string)
	s.mu.Lock()
	u := s.units[unitPath(name)]
	if u == nil {
		s.mu.Unlock()
		return nil, destination + ".NoSuchUnit"
	}
	u.calls[c.member]++
	refused := u.callError[c.member]
	s.mu.Unlock()
	if refused != "" {
		return nil, refused
	}
	switch c.member {
	case "GetUnitProcesses":
		return []any{s.processes(u)}, ""
	case "ResetFailedUnit":
		s.change(u, func() {
			if u.active == "failed" {
				u.active, u.sub, u.result = "inactive", "dead", "success"
			}
		})
	case "KillUnit":
		s.killed(u)
	case "StartUnit", "RestartUnit", "StopUnit", "ReloadUnit":
		return []any{s.order(u, c.member)}, ""
	}
	return nil, ""
}

// unitRow is what systemd lists of a unit.
type unitRow struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            godbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         godbus.ObjectPath
}

func (s *fakeSystemd) list(names []string) ([]any, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []unitRow{}
	for _, name := range names {
		u := s.units[unitPath(name)]
		if u == nil {
			u = &fakeUnit{name: name, load: "not-found", active: "inactive", sub: "dead", calls: map[string]int{}}
		}
		u.calls["ListUnitsByNames"]++
		rows = append(rows, unitRow{Name: name, Load: u.load, Active: u.active, Sub: u.sub, Path: unitPath(name), Job: u.job, JobPath: "/"})
	}
	return []any{rows}, ""
}

type processRow struct {
	Group   string
	PID     uint32
	Command string
}

func (s *fakeSystemd) processes(u *fakeUnit) []processRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []processRow{}
	for _, p := range u.left {
		rows = append(rows, processRow{"/system.slice/" + u.name, p.pid, p.command})
	}
	return rows
}

// get answers Properties.Get and GetAll.
func (s *fakeSystemd) get(c call) ([]any, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.units[c.path]
	if u == nil {
		u = &fakeUnit{load: "not-found", active: "inactive", sub: "dead"}
	}
	if refused := u.callError[c.member]; refused != "" {
		return nil, refused
	}
	if u.calls != nil {
		u.calls[c.member]++
	}
	all := u.properties()
	if c.member == "Get" {
		return []any{all[c.args[1].(string)]}, ""
	}
	return []any{all}, ""
}

type jobProperty struct {
	ID   uint32
	Path godbus.ObjectPath
}

type loadErrorProperty struct{ Name, Message string }

type conditionProperty struct {
	Name            string
	Trigger, Negate bool
	Parameter       string
	State           int32
}

func (u *fakeUnit) properties() map[string]godbus.Variant {
	values := map[string]any{
		"Id": u.name, "Names": append([]string{u.name}, u.names...), "ConsistsOf": append([]string{}, u.consistsOf...),
		"Wants": append([]string{}, u.wants...), "LoadState": u.load, "ActiveState": u.active, "SubState": u.sub, "UnitFileState": u.fileState,
		"LoadError": loadErrorProperty{"org.example.Bad", "line 3 is wrong"}, "Job": jobProperty{u.job, "/"},
		"StateChangeTimestamp": uint64(1700000000000000), "MainPID": u.pid, "Result": u.result,
		"ExecMainCode": u.code, "ExecMainStatus": u.status,
		"WantedBy": append([]string{}, u.wantedBy...), "RequiredBy": []string{}, "TriggeredBy": append([]string{}, u.triggeredBy...),
		"ConditionResult": !u.unmet, "ConditionTimestamp": uint64(1),
		"Conditions": []conditionProperty{
			{"ConditionPathExists", false, false, "/there", 1},
			{"ConditionPathExists", false, true, "/gone", map[bool]int32{true: -1, false: 1}[u.unmet]},
		},
	}
	all := map[string]godbus.Variant{}
	for k, v := range values {
		all[k] = godbus.MakeVariant(v)
	}
	return all
}

// order begins a job and, unless it is to be held, ends it at once; the signals
// come after the reply has been written, as they do in reality often enough.
func (s *fakeSystemd) order(u *fakeUnit, member string) godbus.ObjectPath {
	s.mu.Lock()
	s.jobs++
	id := s.jobs
	u.job = id
	s.mu.Unlock()
	switch member {
	case "StartUnit", "RestartUnit":
		go s.start(u, id, member == "RestartUnit")
	case "StopUnit":
		go s.stop(u, id)
		s.mu.Lock()
		for _, name := range u.consistsOf {
			if m := s.units[unitPath(name)]; u.active != "inactive" {
				go s.stop(m, 0)
			}
		}
		s.mu.Unlock()
	default:
		go s.endJob(u, id, "done")
	}
	return jobPath(id)
}

func jobPath(id uint32) godbus.ObjectPath {
	return godbus.ObjectPath(fmt.Sprintf("/org/freedesktop/systemd1/job/%d", id))
}

func (s *fakeSystemd) start(u *fakeUnit, id uint32, again bool) {
	s.mu.Lock()
	startResult, hold, fails, running := u.startResult, u.hold, u.fails, u.active == "active"
	waits := u.sub == "auto-restart" && !again
	s.mu.Unlock()
	switch {
	case waits:
		return // Like systemd's, it waits for the automatic start.
	case startResult != "":
		s.endJob(u, id, startResult)
	case hold:
		s.change(u, u.enter("activating", "start", 1000+id))
	case fails:
		s.change(u, func() { u.enter("failed", "failed", 0)(); u.result, u.code, u.status = "exit-code", 1, 203 })
		s.endJob(u, id, "failed")
	case running:
		s.endJob(u, id, "done")
	default:
		s.change(u, u.enter("active", "running", 1000+id))
		s.endJob(u, id, "done")
	}
}

func (s *fakeSystemd) stop(u *fakeUnit, id uint32) {
	s.mu.Lock()
	hangs := u.hangs && u.active == "active" || u.active == "deactivating"
	s.mu.Unlock()
	if hangs {
		s.change(u, u.enter("deactivating", "stop-sigterm", 0))
		return
	}
	s.change(u, u.enter("inactive", "dead", 0))
	s.endJob(u, id, "done")
}

// killed is what becomes of a unit whose processes are killed.
func (s *fakeSystemd) killed(u *fakeUnit) {
	s.mu.Lock()
	stopping, id := u.active == "deactivating", u.job
	u.left = nil
	s.mu.Unlock()
	s.change(u, func() { u.enter("failed", "failed", 0)(); u.result, u.code, u.status = "signal", 2, 9 })
	if stopping {
		s.endJob(u, id, "done")
	}
}

func (s *fakeSystemd) endJob(u *fakeUnit, id uint32, result string) {
	s.mu.Lock()
	if u.job == id {
		u.job = 0
	}
	s.mu.Unlock()
	s.bus.emit(managerPath, manager, "JobRemoved", id, jobPath(id), u.name, result)
}

// alive tells whether a unit runs.
func (s *fakeSystemd) alive(u *fakeUnit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.active != "inactive" && u.active != "failed" || len(u.left) > 0
}
