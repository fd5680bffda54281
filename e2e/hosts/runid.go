//go:build e2e

package hosts

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// label marks everything the harness makes in the Docker engine. Its value is
// the run that made it.
const label = "mainstay.e2e"

// prefix begins the name of everything the harness makes.
const prefix = "mse-"

// runPattern finds the run in the name of something it made.
var runPattern = regexp.MustCompile(`^` + prefix + `(\d+)-(\d+)`)

// Run names this process: its id and when it started, so that a process
// which later gets the same id is somebody else.
func Run() string {
	pid := os.Getpid()
	return fmt.Sprintf("%s%d-%d", prefix, pid, startTime(pid))
}

// runOf is the run that a name belongs to, or nothing.
func runOf(name string) string { return runPattern.FindString(name) }

// alive reports whether the process that a run names still exists.
func alive(run string) bool {
	parts := runPattern.FindStringSubmatch(run)
	if parts == nil {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return false
	}
	return parts[2] == strconv.FormatUint(startTime(pid), 10)
}

// startTime is when a process started, in clock ticks since boot, or 0 when
// there is no such process.
func startTime(pid int) uint64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is the program's name in brackets and may hold spaces.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const startField = 22 - 3
	if len(fields) <= startField {
		return 0
	}
	ticks, err := strconv.ParseUint(fields[startField], 10, 64)
	if err != nil {
		return 0
	}
	return ticks
}
