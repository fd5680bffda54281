package run

import (
	"os"
	"slices"
	"strings"
)

// Environment is the agent's own environment without what its service manager
// meant for the agent alone. Every command that the agent runs is given this one: a
// child that kept NOTIFY_SOCKET or WATCHDOG_PID could speak to systemd in the
// agent's name, and hide from the watchdog that the agent hangs (R7).
func Environment() []string { return clean(os.Environ()) }

// private are the prefixes of the variables that are the agent's alone.
func private() []string {
	return []string{"NOTIFY_", "WATCHDOG_", "LISTEN_", "FDSTORE", "MAINPID=", "MANAGERPID", "INVOCATION_ID=",
		"JOURNAL_STREAM=", "SYSTEMD_EXEC_PID=", "CREDENTIALS_DIRECTORY=", "MEMORY_PRESSURE_"}
}

func clean(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(line string) bool {
		return slices.ContainsFunc(private(), func(prefix string) bool { return strings.HasPrefix(line, prefix) })
	})
}
