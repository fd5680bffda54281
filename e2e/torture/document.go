package main

import (
	"fmt"
	"strings"
	"time"
)

// document is what the runs vary of a deployment.
type document struct {
	name, role, active, fenced string
	unconfirmed, absent        string
	lease                      time.Duration // as on an idle machine
	shared                     bool
	witness                    bool
	services                   []string // each one a YAML flow mapping
}

// plain is a pair of nodes with one process each, polling fast.
func plain(name string) document {
	return document{name: name, role: "xivo", active: mainSide, unconfirmed: "start", absent: "keep", witness: true,
		services: []string{process1("phone")}}
}

// process1 is a service of kind process, command1 one of kind command: SELF and
// FOLDER are filled in.
func process1(name string) string {
	return "{ name: " + name + ", process: { command: [SELF, beat, FOLDER/, " + name + "] }, stopTimeout: 5s }"
}

func command1(name, script string) string {
	return "{ name: " + name + ", command: { start: [sh, -c, " + fmt.Sprintf("%q", script+" setsid \"$0\" beat \"$1\" \"$2\" >/dev/null 2>&1 </dev/null &") +
		", SELF, FOLDER/, " + name + "], stop: [sh, -c, " + fmt.Sprintf("%q", "pkill -TERM -f -- \"beat $1 $2\"; exit 0") +
		", SELF, FOLDER/, " + name + "], status: [sh, -c, " + fmt.Sprintf("%q", "pgrep -f -- \"$0 beat $1 $2\\$\" >/dev/null || exit 3") +
		", SELF, FOLDER/, " + name + "] }, stopTimeout: 5s }"
}

// text writes the document.
func (d *document) text(s *site) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: mainstay/v1\nkind: Deployment\nname: %s\nactive: %s\n", d.name, d.active)
	if d.fenced != "" {
		fmt.Fprintf(&b, "fenced: %s\n", d.fenced)
	}
	fmt.Fprintf(&b, "agent: { poll: %s, timeout: %s, heartbeat: 1m }\nhandover: { wait: %s, unconfirmed: %s, absent: %s, lease: %s }\n",
		s.slowed(300*time.Millisecond), s.slowed(3*time.Second), s.slowed(2*time.Second), d.unconfirmed, d.absent, s.slowed(d.lease))
	b.WriteString("nodes:\n")
	for _, side := range []string{mainSide, standbySide} {
		place := ", side: " + side
		if d.shared {
			place = ""
		}
		fmt.Fprintf(&b, "  xivo-%s: { role: %s%s, address: %s }\n", side, d.role, place, s.nodes[side].address)
	}
	fmt.Fprintf(&b, "roles:\n  %s:\n    exclusive: %t\n", d.role, !d.shared)
	if d.witness && !d.shared {
		fmt.Fprintf(&b, "    witness: { tcp: \"{{ .peer.address }}:%d\", every: 200ms, timeout: 150ms }\n", witnessPort)
	}
	b.WriteString("    services:\n")
	for _, service := range d.services {
		b.WriteString("      - " + strings.NewReplacer("SELF", fmt.Sprintf("%q", s.self), "FOLDER/", fmt.Sprintf("\"%s/{{ .node.name }}/\"", s.dir)).Replace(service) + "\n")
	}
	return b.String()
}

// shortLease is the lease of these runs on an idle machine.
const shortLease = 7 * time.Second

func hold(d *document)       { d.unconfirmed = "hold" }
func presume(d *document)    { d.unconfirmed = "start" }
func absentStop(d *document) { d.absent = "stop" }
func leased(d *document)     { d.lease = shortLease }
