package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// twinBound is how long both copies of a node may serve: a look at git, its timeout
// and a stop.
const twinBound = 10 * time.Second

// wall is the command that gives a node processes and mounts of its own, nil for a node
// that shares this machine's.
func (m *machine) wall() []string {
	if !m.apart {
		return nil
	}
	wall := []string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"}
	if m.at == "" {
		return append(wall, `exec "$@"`, "sh")
	}
	return append(wall, `mount --bind "$1" "$2" && shift 2 && exec "$@"`, "sh", m.folder, m.at)
}

// clonedContainer: main's container is copied while it serves, with its state folder and
// the machine id, and the copy is started beside it. Then the sides change twice.
func clonedContainer(s *site) {
	if err := exec.CommandContext(s.ctx, "unshare", "--mount", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
		s.giveUp("a container cannot be played here: unshare: " + err.Error())
		return
	}
	m := s.nodes[mainSide]
	m.apart = true
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.wait(time.Second)
	s.clone(m)
	s.wait(watch)
	s.declare(standbySide)
	s.wait(watch)
	s.declare(mainSide)
	s.wait(watch)
	s.twinsServed(m)
}

// clone starts a copy of a node beside it, which sees its own folder where the first one
// sees its.
func (s *site) clone(m *machine) {
	s.twin = &machine{side: m.side, folder: m.folder + "-twin", at: m.folder, apart: true, address: m.address, url: m.url, coordination: m.coordination}
	s.copy(filepath.Join(m.folder, "state"), filepath.Join(s.twin.folder, "state"))
	s.must(os.MkdirAll(filepath.Join(s.twin.folder, "beats"), 0o755))
	s.writeConfig(s.twin)
	s.say("a copy of %s starts", m.side)
	s.twin.agent = s.spawn(s.twin, "agent")
}

// twinsServed finds both copies serving for longer than one of them needs to learn of
// the other.
func (s *site) twinsServed(m *machine) {
	for _, a := range spans(m.folder, m.side) {
		for _, b := range spans(s.twin.folder, m.side) {
			if o := both(a, b); o.long() > s.slowed(twinBound) {
				s.found = append(s.found, "both copies of "+m.side+" served for "+o.long().Round(time.Second/100).String())
			} else if o.long() > 0 {
				s.say("both copies served for %v", o.long())
			}
		}
	}
}
