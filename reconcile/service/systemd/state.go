package systemd

import (
	"fmt"
	"strings"
	"syscall"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// state says what a look means.
func (s unitState) state() service.State {
	run, detail := s.run()
	return service.State{Run: run, Detail: detail, Holdoff: s.holdoff() || s.broken() || s.lurks(), PID: s.pid,
		Enabled: s.enabled(), StandIn: s.standIn(), Since: s.since}
}

// holdoff reports whether systemd waits for the unit's RestartSec to pass. Once
// its own start is queued, another one is of no use.
func (s unitState) holdoff() bool { return s.active == "activating" && s.sub == "auto-restart" }

// broken reports whether what an active unit stands for failed: it wants another
// start, and is not down, since others may run.
func (s unitState) broken() bool { return s.standsIn() && len(s.members(failed)) > 0 }

// lurks reports whether a unit that ended is not down for good: something that
// belongs to it is up, or may start it at any time.
func (s unitState) lurks() bool {
	return !s.isActive() && len(s.left) == 0 && s.job == 0 && len(s.members(bound.ending)) == 0 &&
		(len(s.members(bound.up)) > 0 || len(s.triggers()) > 0)
}

// run maps systemd's states, and says what is special about one. Only a unit
// that nothing of is left and nothing is about to start is down.
func (s unitState) run() (plan.Run, string) {
	switch s.active {
	case "active":
		if s.broken() {
			return plan.Starting, "what it stands for does not run: " + say(s.members(failed))
		}
		return plan.Running, s.activeDetail()
	case "reloading", "refreshing":
		return plan.Running, s.active
	case "activating":
		return plan.Starting, s.activatingDetail()
	case "deactivating":
		return plan.Stopping, s.sub
	case "inactive", "failed":
		return s.ended()
	}
	return plan.RunUnsure, fmt.Sprintf("systemd says %s (%s)", s.active, s.sub)
}

func (s unitState) activeDetail() string {
	switch s.sub {
	case "running", "active", "listening", "plugged", "mounted", "waiting":
		return ""
	case "exited":
		return "active without a process (exited)"
	}
	return s.sub
}

func (s unitState) activatingDetail() string {
	if strings.HasPrefix(s.sub, "auto-restart") {
		return "systemd starts it again by itself: " + s.how()
	}
	return s.sub
}

func (s unitState) ended() (plan.Run, string) {
	if len(s.left) > 0 {
		return plan.Stopping, "the unit is " + s.active + ", but processes of it are left: " + names(s.left)
	}
	if s.job != 0 {
		return plan.Starting, "a start is queued"
	}
	if ending := s.members(bound.ending); len(ending) > 0 {
		return plan.Stopping, "the unit is " + s.active + ", but what belongs to it is not down: " + say(ending)
	}
	if up := s.members(bound.up); len(up) > 0 {
		return plan.Starting, "the unit is " + s.active + ", but what belongs to it is up: " + say(up)
	}
	if lurking := s.triggers(); len(lurking) > 0 {
		return plan.Starting, "the unit is " + s.active + ", but may be started at any time: " + say(lurking)
	}
	if s.active == "failed" {
		return plan.RunFailed, s.how()
	}
	return plan.Stopped, s.why()
}

// why says what stands in the way of an inactive unit's start.
func (s unitState) why() string {
	switch {
	case s.load == "not-found":
		return "there is no such unit on this machine"
	case s.load == "masked":
		return "masked"
	case s.load == "error" || s.load == "bad-setting":
		return "its unit file cannot be used: " + s.loadError
	case len(s.unmet) > 0:
		return "its condition is not met: " + strings.Join(s.unmet, ", ")
	}
	return ""
}

// how says how a service last ended.
func (s unitState) how() string {
	switch s.result {
	case "exit-code":
		return "its process ended with exit code " + exitCode(s.status)
	case "signal", "core-dump":
		return fmt.Sprintf("its process was ended by signal %d (%s)", s.status, syscall.Signal(s.status))
	}
	if words, ok := results()[s.result]; ok {
		return words
	}
	return "systemd says " + s.active + " (" + strings.TrimSuffix(s.sub+", "+s.result, ", ") + ")"
}

// results are the values of a service's Result property that need no number.
func results() map[string]string {
	return map[string]string{
		"success":         "its process ended without an error",
		"timeout":         "it did not start or stop in the time its unit allows",
		"watchdog":        "it stopped answering systemd's watchdog",
		"start-limit-hit": "it was started too often in a short time",
		"oom-kill":        "it was killed because memory ran out",
		"protocol":        "it did not tell systemd that it is ready, or left no PID file",
		"resources":       "systemd lacked what it needs to start it",
		"exec-condition":  "its ExecCondition said no",
	}
}

// exitCode names those exit codes that systemd itself gives when it cannot run
// the program.
func exitCode(status int32) string {
	words := map[int32]string{
		200: "the working directory is missing", 203: "the program cannot be executed", 208: "its standard input cannot be set up",
		209: "its standard output cannot be set up", 216: "its group does not exist", 217: "its user does not exist",
		226: "its name space cannot be set up", 233: "its dynamic user cannot be made", 238: "its state folder cannot be made",
	}
	if w, ok := words[status]; ok {
		return fmt.Sprintf("%d (%s)", status, w)
	}
	return fmt.Sprint(status)
}

// enabled says what besides the agent would start the unit.
func (s unitState) enabled() string {
	switch s.fileState {
	case "enabled", "enabled-runtime":
		// A unit that is enabled for its alias only is started by nobody.
		if s.aliases == 0 || len(s.wantedBy) > 0 {
			return s.fileState
		}
	}
	if len(s.triggeredBy) > 0 {
		return "triggered by " + strings.Join(s.triggeredBy, ", ")
	}
	if len(s.wantedBy) > 0 {
		return "wanted by " + strings.Join(s.wantedBy, ", ")
	}
	return ""
}

// names shows the first few processes.
func names(all []process) string {
	const shown = 5
	var list []string
	for i, p := range all {
		if i == shown {
			list = append(list, fmt.Sprintf("and %d more", len(all)-shown))
			break
		}
		command := p.command
		if len(command) > 60 {
			command = command[:60] + "…"
		}
		list = append(list, fmt.Sprintf("%d (%s)", p.pid, strings.ToValidUTF8(command, "?")))
	}
	return strings.Join(list, ", ")
}
