//go:build e2e

package hosts

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Use is what units used of the processors so far, all that they ever started with it, and the
// memory that their processes have resident, in kB.
func (h *Host) Use(units ...string) (processor time.Duration, resident int, err error) {
	for _, unit := range units {
		used, err := processorOf(filepath.Join(h.cgroup, "system.slice", unit))
		if err != nil {
			return 0, 0, err
		}
		pids, err := h.Processes(unit)
		if err != nil {
			return 0, 0, err
		}
		processor += used
		for _, pid := range pids {
			resident += residentOf(pid)
		}
	}
	return processor, resident, nil
}

// processorOf is what a control group used of the processors, as the kernel counts it.
func processorOf(cgroup string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(cgroup, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == "usage_usec" {
			micro, err := strconv.ParseInt(value, 10, 64)
			return time.Duration(micro) * time.Microsecond, err
		}
	}
	return 0, fmt.Errorf("%s: the kernel does not count processor time", cgroup)
}

// residentOf is the resident memory of a process in kB, none of one that has ended.
func residentOf(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, found := strings.Cut(string(status), "VmRSS:")
	if !found {
		return 0
	}
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		return 0
	}
	return kb
}
