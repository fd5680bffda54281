package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// soon is how long a recipe looks for what may also never come.
	soon = 30 * time.Second
	// watch is how long a recipe looks on after its last move.
	watch = 8 * time.Second
	// byHandBound is how long a process that a person started on the inactive side
	// may run: drivers look every 10 s for what they did not start.
	byHandBound = 13 * time.Second
)

// newGitServer: main's site burnt with the git server while standby serves. The new
// server is made from a clone, which carries no claims, and main is a new machine.
func newGitServer(s *site) { s.newServer(false) }

func newGitServerSeen(s *site) { s.newServer(true) }

func (s *site) newServer(seen bool) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.declare(standbySide)
	s.wants(standbySide)
	s.goesDown(mainSide, soon)
	s.git.links[standbySide].fault(cut) // nobody has told it of the new server yet
	s.end(mainSide, syscall.SIGKILL)
	s.wipe(mainSide)
	rebuilt := s.rebuild()
	s.declare(mainSide)
	if seen { // the rebuilt server has the old one's address
		s.replaceOld(rebuilt)
		s.git.links[standbySide].fault(nil)
	}
	s.start(mainSide)
	s.wait(watch)
}

// coordinationMoved: standby, a new machine, finds claims in another place.
func coordinationMoved(s *site) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.end(standbySide, syscall.SIGTERM)
	s.wipe(standbySide)
	s.nodes[standbySide].coordination = s.anotherPlace(standbySide)
	s.git.links[mainSide].fault(cut)
	s.declare(standbySide)
	s.start(standbySide)
	s.wait(watch)
}

// coordinationOff: only one of the two nodes has claims.
func coordinationOff(s *site) {
	s.nodes[mainSide].coordination = "off"
	s.declare(mainSide, hold)
	s.start(mainSide)
	s.comesUp(mainSide, soon)
	s.git.links[mainSide].fault(cut)
	s.declare(standbySide)
	s.start(standbySide)
	s.wait(watch)
}

// sharedToExclusive: a role that both nodes run becomes exclusive while main is cut
// off and runs on.
func sharedToExclusive(s *site) {
	s.doc.shared = true
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.wants(standbySide)
	s.git.links[mainSide].fault(cut)
	s.doc.shared = false
	s.declare(standbySide)
	s.accepts(standbySide)
	s.goesDown(standbySide, soon) // what it ran as a shared node has to end first
	s.since = time.Now()
	s.wait(watch)
}

// nameAccepted: the deployment is renamed with a failover, and accepted on standby
// first.
func nameAccepted(s *site) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.declare(standbySide, func(d *document) { d.name += "-renamed" })
	s.accepts(standbySide)
	s.wait(watch)
}

// accepts is a person who accepts on a node the newest commit, which it refuses, and
// states what it leaves behind.
func (s *site) accepts(side string) {
	head, err := s.output(s.work(), "rev-parse", "HEAD")
	s.must(err)
	accept := []string{"accept", strings.TrimSpace(head)[:12], "--attest", "both sides were looked at"}
	if !s.until(side+" accepts the commit", patience, func() bool { return s.ask(side, accept...) == 0 }) {
		s.giveUp(side + " never accepted the commit")
	}
}

// roleRenamed: the commit that fails over renames the role, while main is cut off.
func roleRenamed(s *site) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	if s.rand.IntN(2) == 0 {
		s.git.links[mainSide].fault(cut)
	}
	s.declare(standbySide, func(d *document) { d.role = "telephony" })
	if s.rand.IntN(2) == 0 {
		s.accepts(standbySide)
	}
	s.wait(watch)
}

// presumptionLaundered: standby presumes main dead, gives the claim back, and takes
// it again as if main had released it.
func presumptionLaundered(s *site) {
	s.doc.witness = false
	s.declare(mainSide)
	s.both()
	s.wants(mainSide)
	s.signal(mainSide, syscall.SIGSTOP)
	s.declare(standbySide)
	s.wants(standbySide)
	s.declare(mainSide, hold, absentStop)
	s.goesDown(standbySide, soon)
	s.declare(standbySide)
	s.wait(watch)
}

// launderedWitness: the same, while main's witness answers again.
func launderedWitness(s *site) {
	s.declare(mainSide)
	s.both()
	s.wants(mainSide)
	s.nodes[mainSide].answer(false)
	s.git.links[mainSide].fault(cut)
	s.declare(standbySide)
	s.wants(standbySide)
	s.declare(mainSide, absentStop)
	s.goesDown(standbySide, soon)
	s.nodes[mainSide].answer(true)
	s.wait(time.Second)
	s.declare(standbySide)
	s.wait(watch)
}

// kindChanged: a service becomes another kind under its name while it runs.
func kindChanged(s *site) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.declare(mainSide, func(d *document) { d.services = []string{command1("phone", "")} })
	s.wait(2 * time.Second)
	s.declare(standbySide)
	s.comesUp(standbySide, soon)
	s.wait(watch)
}

// allowTightened: a service leaves the document and then the list of what the node
// allows.
func allowTightened(s *site) {
	m := s.nodes[mainSide]
	s.declare(mainSide, hold, func(d *document) { d.services = append(d.services, process1("extra")) })
	s.both()
	s.wants(mainSide)
	s.wait(time.Second)
	s.declare(mainSide, func(d *document) { d.services = d.services[:1] })
	s.wait(time.Second)
	s.end(mainSide, syscall.SIGTERM)
	m.allow = fmt.Sprintf("[[%q, beat, %q, phone]]", s.self, m.folder+"/")
	s.start(mainSide)
	s.wait(2 * time.Second)
	s.declare(standbySide)
	s.comesUp(standbySide, soon)
	s.wait(watch)
}

// slowDaemon: a start command returns before its status says running, and the
// document goes back at once.
func slowDaemon(s *site) {
	s.declare(standbySide, hold, func(d *document) {
		d.services = []string{strings.Replace(command1("phone", ""), "setsid ", "setsid sh -c 'sleep 2; exec \\\"$0\\\" \\\"$@\\\"' ", 1)}
	})
	s.both()
	s.comesUp(standbySide, soon)
	for range 3 {
		s.declare(mainSide)
		s.until("standby is down", soon, func() bool { return !s.serves(standbySide) })
		s.wait(time.Duration(300+s.rand.IntN(1500)) * time.Millisecond)
		s.declare(standbySide)
		s.wait(3 * time.Second)
	}
	s.wait(watch)
}

// takeoverLate: a person's takeover waits, main comes back and serves, and the order
// is carried out against it.
func takeoverLate(s *site) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	old := s.tip("xivo")
	s.declare(standbySide)
	s.wants(standbySide)
	s.declare(mainSide)
	s.goesDown(standbySide, soon)
	s.wants(mainSide)
	s.end(standbySide, syscall.SIGTERM)
	s.wipe(standbySide)
	s.end(mainSide, syscall.SIGTERM) // its services run on; somebody believes it off
	s.putBack("xivo", old)
	s.start(standbySide)
	ordered := func() bool { return s.ask(standbySide, "takeover", "--attest", "main is powered off") == 0 }
	s.until("the takeover is accepted", soon, ordered) // refused is safe, too
	s.wait(time.Second)
	if s.serves(standbySide) {
		return // it was carried out at once: a person's word, not a late one
	}
	s.start(mainSide)
	s.wait(2 * time.Second)
	s.git.links[mainSide].fault(cut)
	s.wait(watch)
	if o := s.overlaps(); len(o) > 0 {
		s.found = append(s.found, fmt.Sprintf("a takeover that had waited was carried out against a side that had come back: %.2f s", o[len(o)-1].long().Seconds()))
	}
}

// restoredTogether: main and the git server come back from one old backup while
// standby serves.
func restoredTogether(s *site) {
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	s.wait(time.Second)
	state := filepath.Join(s.nodes[mainSide].folder, "state")
	s.copy(state, state+".backup")
	restore := s.backUp()
	s.declare(standbySide)
	s.wants(standbySide)
	s.goesDown(mainSide, soon)
	s.end(mainSide, syscall.SIGKILL)
	s.git.links[standbySide].fault(cut)
	s.copy(state+".backup", state)
	restore()
	s.start(mainSide)
	s.wait(time.Duration(s.rand.IntN(3000)) * time.Millisecond)
	s.git.links[standbySide].fault(nil)
	s.wait(watch)
}

// byHand: a person starts the service on the inactive side.
func byHand(s *site) {
	s.byHand = true
	s.declare(mainSide, hold)
	s.both()
	s.wants(mainSide)
	m := s.nodes[standbySide]
	c := exec.Command(s.self, "beat", m.folder+"/", "phone")
	c.Env = append(os.Environ(), "MAINSTAY_SERVICE="+s.doc.name+"/xivo-standby/phone")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	s.must(c.Start())
	go func() { _ = c.Wait() }()
	s.comesUp(standbySide, 2*time.Second)
	s.until("what a person started is ended", s.slowed(byHandBound), func() bool { return !s.serves(standbySide) })
}
