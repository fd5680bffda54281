package compose

import (
	"cmp"
	"fmt"
	"strings"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

const (
	// maxQuote bounds what is quoted of others, in bytes.
	maxQuote = 300
	// maxDetails is of how many containers a service's detail speaks.
	maxDetails = 10
)

// stateOf says what the containers of one service amount to. Only a service none
// of whose containers may still serve is down; one whose containers differ is
// in none of the known states.
func stateOf(all []container) service.State {
	if len(all) == 0 {
		return service.State{Run: plan.Stopped, Detail: "it has no container"}
	}
	seen := service.State{Run: all[0].run(), Enabled: enabled(all), Holdoff: true}
	var details, ill []string
	for _, c := range all {
		seen.Run = both(seen.Run, c.run())
		// The engine waits ever longer before it starts such a container again.
		seen.Holdoff = seen.Holdoff && c.state == "restarting"
		if seen.PID == 0 {
			seen.PID = c.pid
		}
		if c.since.After(seen.Since) {
			seen.Since = c.since
		}
		if d := c.detail(); d != "" {
			details = append(details, named(c, len(all))+d)
		}
		if c.state == "running" && c.health == "unhealthy" {
			ill = append(ill, named(c, len(all))+"its health check fails: "+cmp.Or(quoted(c.healthSaid), c.health))
		}
	}
	seen.Unhealthy = strings.Join(ill[:min(len(ill), maxDetails)], "; ")
	if over := len(details) - maxDetails; over > 0 {
		details = append(details[:maxDetails], fmt.Sprintf("and %d more", over))
	}
	if seen.Run == plan.RunUnsure {
		details = append(details, inStates(all))
	}
	seen.Detail = strings.Join(details, "; ")
	return seen
}

// both is what two containers of a service amount to.
func both(a, b plan.Run) plan.Run {
	switch {
	case a == b:
		return a
	case a.Down() && b.Down():
		return plan.RunFailed
	case a == plan.RunUnsure || b == plan.RunUnsure || a.Down() || b.Down():
		return plan.RunUnsure
	case a == plan.Stopping || b == plan.Stopping:
		return plan.Stopping
	}
	return plan.Starting
}

func (c container) run() plan.Run {
	switch c.state {
	case "running":
		return plan.Running
	case "restarting":
		return plan.Starting
	case "removing":
		return plan.Stopping
	case "created":
		if c.problem != "" {
			return plan.RunFailed
		}
		return plan.Stopped
	case "exited", "dead":
		if c.failed() {
			return plan.RunFailed
		}
		return plan.Stopped
	}
	return plan.RunUnsure
}

// The exit codes of a process ended by SIGTERM and SIGKILL, which is what a stop
// sends.
const (
	exitTerminated = 143
	exitKilled     = 137
)

func (c container) failed() bool {
	if c.outOfMemory || c.state == "dead" || c.problem != "" {
		return true
	}
	return c.exit != 0 && c.exit != exitTerminated && c.exit != exitKilled
}

// detail says what a state alone does not.
func (c container) detail() string {
	switch c.state {
	case "running":
		return c.healthDetail()
	case "restarting":
		return fmt.Sprintf("the engine starts it again and again, %s so far; %s", times(c.restarts), c.how())
	case "created":
		return cmp.Or(quoted(c.problem), "created, never started")
	case "exited", "dead":
		if c.exit == 0 && !c.failed() {
			return ""
		}
		return c.how()
	}
	return c.state
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (c container) healthDetail() string {
	switch c.health {
	case "", "healthy", "none":
		return ""
	case "starting":
		return "its health check has not passed yet"
	}
	if said := quoted(c.healthSaid); said != "" {
		return c.health + ": " + said
	}
	return c.health
}

// how says how the container's process ended.
func (c container) how() string {
	switch {
	case c.problem != "":
		return quoted(c.problem)
	case c.outOfMemory:
		return "it was killed because memory ran out"
	case c.exit == exitKilled:
		return "its process was killed (exit code 137)"
	}
	return fmt.Sprintf("its process ended with exit code %d", c.exit)
}

// enabled names the restart policies by which the engine starts containers when
// the machine boots.
func enabled(all []container) string {
	for _, c := range all {
		if c.policy.IsAlways() || c.policy.IsUnlessStopped() {
			return "restart: " + string(c.policy.Name)
		}
	}
	return ""
}

// inStates counts the containers by state.
func inStates(all []container) string {
	count := map[string]int{}
	var order []string
	for _, c := range all {
		if count[c.state]++; count[c.state] == 1 {
			order = append(order, c.state)
		}
	}
	for i, state := range order {
		order[i] = fmt.Sprintf("%d %s", count[state], state)
	}
	return "its containers: " + strings.Join(order, ", ")
}

func named(c container, of int) string {
	if of == 1 {
		return ""
	}
	return c.name + ": "
}

// quoted makes one bounded line of what somebody else said.
func quoted(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxQuote {
		s = strings.ToValidUTF8(s[:maxQuote], "") + " …"
	}
	return s
}
