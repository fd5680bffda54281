package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// FolderVariable is the environment variable that binds a process to the state
// folder of the agent that started it: two agents of one node name on one machine
// never take each other's services for their own.
const FolderVariable = "MAINSTAY_FOLDER"

// marked reports whether a process carries the service's marker and was started by
// no other agent. One that a person started carries no folder.
func (d *Driver) marked(e *environs, pid int) (bool, error) {
	env, err := e.read("/proc/" + strconv.Itoa(pid) + "/environ")
	switch {
	case err != nil && gone(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look at process %d: %w", pid, err)
	}
	marked := false
	for len(env) > 0 {
		line, rest, _ := bytes.Cut(env, []byte{0})
		switch {
		case string(line) == d.marker:
			marked = true
		case bytes.HasPrefix(line, []byte(FolderVariable+"=")) && string(line) != d.home:
			return false, nil
		}
		env = rest
	}
	return marked, nil
}

// carries reports whether a process has the service's marker and is not somebody
// else's.
func (d *Driver) carries(e *environs, pid int) (bool, error) {
	marked, err := d.marked(e, pid)
	return marked && d.standingOf(pid) != foreign, err
}

// standing is how far a process with the marker is believed: anybody on the machine
// can set a variable.
type standing int

const (
	// foreign is somebody else's: it is no part of the service.
	foreign standing = iota
	// doubtful may descend from the service, and is no proof that it runs.
	doubtful
	// own is the agent's user's, or in the agent's control group.
	own
)

// standingOf tells by what a process cannot set by itself. What a service starts is in
// the agent's control group, unless there is only one on this machine.
func (d *Driver) standingOf(pid int) standing {
	folder := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(folder + "/status")
	switch {
	case err == nil && actsOnlyAs(status, d.user) && !borrows(folder+"/exe"), err != nil && gone(err):
		return own // the same user's, or gone, which the reading of its state tells
	case err != nil:
		return doubtful
	}
	group, err := os.ReadFile(folder + "/cgroup")
	switch {
	case err != nil, !meaningful(string(group)) && string(group) == d.group:
		return doubtful
	case string(group) == d.group:
		return own
	}
	return foreign
}

// actsOnlyAs reports whether a process is a user's in every way, from its status file:
// a program that lends its owner's rights, such as su, is in some ways somebody else's.
func actsOnlyAs(status []byte, user string) bool {
	_, rest, _ := bytes.Cut(status, []byte("\nUid:"))
	fields := bytes.Fields(rest[:max(0, bytes.IndexByte(rest, '\n'))])
	for _, f := range fields {
		if string(f) != user {
			return false
		}
	}
	return len(fields) > 0
}

// borrows reports whether a program gives its owner's rights to whoever runs it: the
// environment, with the marker, is of whoever ran it, and it may have become its owner
// in every way.
func borrows(program string) bool {
	file, err := os.Stat(program)
	return err == nil && file.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0
}

// meaningful reports whether a list of control groups names any but the root.
func meaningful(groups string) bool {
	for line := range strings.Lines(groups) {
		if _, path, ok := strings.Cut(strings.TrimSpace(line), "::"); ok && path != "/" {
			return true
		}
	}
	return false
}
