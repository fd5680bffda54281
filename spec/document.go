// Package spec is the deployment document and the agent's own file: their
// types, strict decoding, defaults, meaning, and what one node of a
// deployment wants.
//
// It knows nothing of git, of services that run or of time: a document in, a
// validated value or a list of problems out. The schema and Load are its source.
package spec

import (
	"encoding/json"
	"slices"
	"time"

	"mainstay/spec/floating"
	"mainstay/spec/timing"
)

// Duration is text such as "30s".
type Duration = timing.Duration

// Schedule is text such as "5s" or "0 * * * *".
type Schedule = timing.Schedule

// Side is one half of a deployment.
type Side string

// The two sides. The empty Side means none, or unknown.
const (
	Main    Side = "main"
	Standby Side = "standby"
)

// Other returns the opposite side, and the empty Side for the empty one.
func (s Side) Other() Side {
	switch s {
	case Main:
		return Standby
	case Standby:
		return Main
	}
	return ""
}

// Deployment is one document: an installation, its nodes on two sides and the
// word that says which side is active.
type Deployment struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	// Active is the declared side: the failover switch.
	Active Side `json:"active"`
	// Fenced names a side that a person states is off. Nobody waits for it and
	// it stays down. Empty means none.
	Fenced   Side            `json:"fenced,omitempty"`
	Agent    AgentSettings   `json:"agent"`
	Handover Handover        `json:"handover"`
	Nodes    map[string]Node `json:"nodes"`
	Roles    map[string]Role `json:"roles"`

	// Templates holds the content of every template that a file names, by that
	// name. Load fills it in.
	Templates map[string][]byte `json:"-"`
	// Source is the document as Load read it, as JSON and without defaults.
	Source json.RawMessage `json:"-"`
}

// AgentSettings is how every agent of the deployment behaves towards git.
type AgentSettings struct {
	// Poll is how often a node looks at git: a duration, or a five-field or
	// @every cron expression. The default is 5s.
	Poll Schedule `json:"poll"`
	// Timeout is the hard bound on one git operation. The default is 10s.
	Timeout Duration `json:"timeout"`
	// Heartbeat is how often an unchanged report is published again. The
	// default is 5m.
	Heartbeat Duration `json:"heartbeat"`
}

// Unconfirmed is what the side coming up does when no release came in time.
type Unconfirmed string

// The values of handover.unconfirmed.
const (
	UnconfirmedStart Unconfirmed = "start"
	UnconfirmedHold  Unconfirmed = "hold"
)

// Absent is what the serving side does when the other never says it is ready.
type Absent string

// The values of handover.absent.
const (
	AbsentKeep Absent = "keep"
	AbsentStop Absent = "stop"
)

// Handover bounds a change of side (R2, R4, R7).
type Handover struct {
	// Wait is how long the side coming up waits for a release, 30s by default.
	Wait Duration `json:"wait"`
	// Unconfirmed defaults to start.
	Unconfirmed Unconfirmed `json:"unconfirmed"`
	// Absent defaults to keep.
	Absent Absent `json:"absent"`
	// Lease, above zero, stops an active node that cannot read its claim for so long.
	Lease Duration `json:"lease"`
	// Objective is how long a switch should take at most; zero is none.
	Objective Duration `json:"objective,omitzero"`
}

// Node is one machine of the deployment.
type Node struct {
	Role string `json:"role"`
	// Side is set on nodes of an exclusive role and empty on shared nodes.
	Side    Side   `json:"side,omitempty"`
	Address string `json:"address,omitempty"`
	// URL is where people reach this node, told to them after a switch.
	URL string `json:"url,omitempty"`
	// Paused stops the agent from touching the node: it observes and reports
	// only (R11). Reason says why, and Until when that ends by the node's own clock,
	// zero for a commit that ends it.
	Paused bool      `json:"paused,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// PausedAt reports whether the document pauses the node at a time of its clock.
func (n Node) PausedAt(at time.Time) bool {
	return n.Paused && (n.Until.IsZero() || at.Before(n.Until))
}

// Role is what a node is and what it runs.
type Role struct {
	// Exclusive roles run on one side only, fenced by a claim.
	Exclusive bool `json:"exclusive,omitempty"`
	// Follows names the exclusive role whose serving side this role follows.
	Follows string `json:"follows,omitempty"`
	// Witness probes the other side's node; while it answers nobody presumes
	// that node dead (R4).
	Witness *Probe `json:"witness,omitempty"`
	// Detect lets a shared role leave a side that stopped answering.
	Detect *Probe `json:"detect,omitempty"`
	// Services are started top to bottom and stopped bottom to top.
	Services []Service `json:"services,omitempty"`
	Files    []File    `json:"files,omitempty"`
	Jobs     []Job     `json:"jobs,omitempty"`
	Checks   []Check   `json:"checks,omitempty"`
	// Leaves count what a switch leaves on the side that goes, such as voicemails.
	Leaves []Check `json:"leaves,omitempty"`
}

// Service is one thing a driver starts and stops. Exactly one of Systemd,
// Compose, Command, Process, Address and Run is set.
type Service struct {
	Name    string          `json:"name"`
	Systemd string          `json:"systemd,omitempty"`
	Compose *ComposeService `json:"compose,omitempty"`
	Command *CommandService `json:"command,omitempty"`
	Process *ProcessService `json:"process,omitempty"`
	// Address is an address that moves to the side that serves.
	Address *floating.Address `json:"address,omitempty"`
	// Run is commands around a switch.
	Run *RunService `json:"run,omitempty"`
	// Ready tells when the service serves. Without it a running service is
	// ready. Ready.Within bounds how long that may take after the start.
	Ready *Probe `json:"ready,omitempty"`
	// StartTimeout bounds the start order itself. The default is 90s.
	StartTimeout Duration `json:"startTimeout"`
	// StopTimeout bounds a stop, and is part of stopBound (R7). The default
	// is 30s.
	StopTimeout Duration `json:"stopTimeout"`
	Drain       *Drain   `json:"drain,omitempty"`
	// Restart is how soon a service that died is started again; nil is
	// the default of each field.
	Restart *Restart `json:"restart,omitempty"`
}

// Restart is the back-off of a service that dies again and again: it is started at
// once, then First after the order before, then after twice as long each time, up to
// Most. One that ran for Forgive begins anew.
type Restart struct {
	First   Duration `json:"first"`
	Most    Duration `json:"most"`
	Forgive Duration `json:"forgive"`
}

// ComposeService is one service of a Docker Compose project.
type ComposeService struct {
	Project string `json:"project"`
	Service string `json:"service"`
	// Directory holds the compose file; needed only when no container of the
	// project exists yet.
	Directory string `json:"directory,omitempty"`
}

// CommandService is a service driven by three commands, without a shell.
type CommandService struct {
	Start  []string `json:"start"`
	Stop   []string `json:"stop"`
	Status []string `json:"status"`
	// Running, Stopped and Failed list the exit codes of Status. The default
	// is LSB: 0 running, 3 stopped, 1 and 2 failed; any other is unknown.
	// Partial are those of a group of which a part runs: it is not down, and it
	// is started again while it should run.
	Running []int `json:"running,omitempty"`
	Stopped []int `json:"stopped,omitempty"`
	Failed  []int `json:"failed,omitempty"`
	Partial []int `json:"partial,omitempty"`
}

// RunService is commands that have no state of their own. OnStart runs at each start, at
// least once, and OnStop at each stop; a stop never waits for more than its bound.
type RunService struct {
	OnStart []string `json:"onStart,omitempty"`
	OnStop  []string `json:"onStop,omitempty"`
	// Required makes a start fail with OnStart. Else a failure is told only.
	Required bool `json:"required,omitempty"`
}

// ProcessService is a child process that the agent supervises itself.
type ProcessService struct {
	Command     []string          `json:"command"`
	Directory   string            `json:"directory,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
}

// Drain waits for work under way to end before a planned stop. Command exits 0
// when nothing is left, and otherwise says what is; it is asked again until then,
// at most for Within. A Within of zero is no drain.
type Drain struct {
	Command []string `json:"command"`
	Within  Duration `json:"within"`
}

// Probe is one question to a service. Exactly one of SIP, HTTP, TCP and
// Command is set.
type Probe struct {
	// SIP is host:port for an OPTIONS request; any final response is an answer.
	SIP string `json:"sip,omitempty"`
	// Transport of SIP: udp (the default) or tcp.
	Transport string `json:"transport,omitempty"`
	HTTP      string `json:"http,omitempty"`
	// Status lists the HTTP codes that count as an answer. The default is any
	// code from 200 to 399.
	Status []int `json:"status,omitempty"`
	// Body, when set, must be contained in the HTTP response's first 64 KiB.
	Body string `json:"body,omitempty"`
	// Insecure accepts any TLS certificate.
	Insecure bool     `json:"insecure,omitempty"`
	TCP      string   `json:"tcp,omitempty"`
	Command  []string `json:"command,omitempty"`
	// Timeout bounds one try. The default is 2s.
	Timeout Duration `json:"timeout"`
	// Every is the time between two tries. The default is 1s.
	Every Duration `json:"every"`
	// Fail is how many tries in a row must go unanswered before the target
	// counts as silent. The default is 3.
	Fail int `json:"fail"`
	// Within bounds how long a started service may take to answer. The
	// default is 60s.
	Within Duration `json:"within"`
}

// File is a file rendered from a template beside the document.
type File struct {
	Path     string `json:"path"`
	Template string `json:"template"`
	// Mode is octal text such as "0640". The default keeps the mode of the
	// file that is replaced, or 0644.
	Mode string `json:"mode,omitempty"`
	// Check is run on the candidate before it replaces anything. An argument
	// {{ .candidate }} names the candidate; without one the whole
	// configuration is checked in place and rolled back on refusal.
	Check *Action `json:"check,omitempty"`
	// Reload makes the new content take effect.
	Reload *Action `json:"reload,omitempty"`
}

// Action is a command, or the reload of a systemd unit. Exactly one is set.
type Action struct {
	Command []string `json:"command,omitempty"`
	Systemd string   `json:"systemd,omitempty"`
	// Timeout bounds the action. The default is 30s.
	Timeout Duration `json:"timeout"`
}

// When ties a job to the state of its node.
type When string

// The values of jobs[].when.
const (
	WhenActive   When = "active"
	WhenInactive When = "inactive"
	WhenAlways   When = "always"
)

// Job is a scheduled command tied to the claim.
type Job struct {
	Name     string   `json:"name"`
	When     When     `json:"when"`
	Schedule Schedule `json:"schedule"`
	Command  []string `json:"command"`
	// Timeout bounds one run. The default is 30m.
	Timeout Duration `json:"timeout"`
}

// Check is a readiness check, published in the report; it never blocks the
// agent.
type Check struct {
	Name    string   `json:"name"`
	Command []string `json:"command"`
	// Every is the time between two runs. The default is 1m.
	Every Duration `json:"every"`
	// Timeout bounds one run. The default is 30s.
	Timeout Duration `json:"timeout"`
}

// Peer returns the name of the node with the same role on the other side, and
// whether there is one.
func (d *Deployment) Peer(node string) (string, bool) {
	n := d.Nodes[node]
	if n.Side == "" {
		return "", false
	}
	return d.NodeOf(n.Role, n.Side.Other())
}

// NodeOf returns the name of the node of an exclusive role on a side, and
// whether there is one.
func (d *Deployment) NodeOf(role string, side Side) (string, bool) {
	for name, n := range d.Nodes {
		if n.Role == role && n.Side == side && side != "" {
			return name, true
		}
	}
	return "", false
}

// NodeNames lists the nodes by name, sorted.
func (d *Deployment) NodeNames() []string {
	names := make([]string, 0, len(d.Nodes))
	for n := range d.Nodes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
