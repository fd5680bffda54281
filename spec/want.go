package spec

import (
	"errors"
	"fmt"
	"time"

	"mainstay/schema"
)

// WatchdogBound is the time that the watchdog may need to restart a dead or
// frozen agent, or the guard to act in its place. It is part of W, by which a
// seizer waits out a lease (R7).
const WatchdogBound = 30 * time.Second

// ErrUnknownNode means that the deployment has no node of that name.
var ErrUnknownNode = errors.New("no such node in the deployment")

// Wanted is everything that one node should be and have, with {{ }} expanded
// and defaults filled in.
type Wanted struct {
	Deployment string `json:"deployment"`
	Node       string `json:"node"`
	Role       string `json:"role"`
	Exclusive  bool   `json:"exclusive"`
	// Side is empty for a node of a shared role.
	Side    Side   `json:"side,omitempty"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url,omitempty"`
	// Active and Fenced are the document's own words.
	Active Side `json:"active"`
	Fenced Side `json:"fenced,omitempty"`
	// Peer names the node of the same role on the other side, empty when there
	// is none. PeerPaused is that node's own pause.
	Peer       string `json:"peer,omitempty"`
	PeerPaused bool   `json:"peerPaused,omitempty"`
	// PausedUntil and PeerUntil are when either pause ends by that node's own clock,
	// zero for one that does not.
	PausedUntil time.Time `json:"pausedUntil,omitzero"`
	PeerUntil   time.Time `json:"peerUntil,omitzero"`
	// Follows names the followed role, and FollowNodes its node by side.
	Follows     string          `json:"follows,omitempty"`
	FollowNodes map[Side]string `json:"followNodes,omitempty"`
	Paused      bool            `json:"paused,omitempty"`
	PauseReason string          `json:"pauseReason,omitempty"`
	// Witness probes the peer (R4). It is nil without one, or without a peer.
	Witness *Probe `json:"witness,omitempty"`
	// DetectOn probes the followed role's node of each side.
	DetectOn map[Side]*Probe `json:"detectOn,omitempty"`
	Services []Service       `json:"services,omitempty"`
	Files    []File          `json:"files,omitempty"`
	Jobs     []Job           `json:"jobs,omitempty"`
	Checks   []Check         `json:"checks,omitempty"`
	Leaves   []Check         `json:"leaves,omitempty"`
	// Hosts are what the document names as a node's address or in a node's url:
	// probes may ask there.
	Hosts    []string      `json:"hosts,omitempty"`
	Handover Handover      `json:"handover"`
	Agent    AgentSettings `json:"agent"`
	// StopTime is the sum of the stop timeouts, and StopBound that plus
	// WatchdogBound: W of R7.
	StopTime  time.Duration `json:"stopTime"`
	StopBound time.Duration `json:"stopBound"`
}

// Want returns what one node of a loaded deployment should be and have. The
// error is ErrUnknownNode, or says which field cannot be expanded; the latter
// does not happen to a deployment that Load returned.
func (d *Deployment) Want(node string) (*Wanted, error) {
	n, ok := d.Nodes[node]
	if !ok {
		return nil, fmt.Errorf("node %q of deployment %q: %w", node, d.Name, ErrUnknownNode)
	}
	data := d.dataset()
	x := &expander{set: data, data: data.of(node)}
	role := x.role(schema.Path{"roles", n.Role}, d.Roles[n.Role])
	w := &Wanted{
		Deployment: d.Name, Node: node, Role: n.Role, Exclusive: role.Exclusive,
		Side: n.Side, Address: n.Address, URL: n.URL,
		Active: d.Active, Fenced: d.Fenced,
		Paused: n.Paused, PauseReason: n.Reason, PausedUntil: n.Until,
		Witness: role.Witness, Services: role.Services, Files: role.Files, Jobs: role.Jobs, Checks: role.Checks, Leaves: role.Leaves, Hosts: d.hosts(),
		Handover: d.Handover, Agent: d.Agent,
	}
	if peer, ok := d.Peer(node); ok {
		w.Peer, w.PeerPaused, w.PeerUntil = peer, d.Nodes[peer].Paused, d.Nodes[peer].Until
	} else {
		w.Witness = nil
	}
	for _, s := range w.Services {
		w.StopTime += s.StopTimeout.D()
	}
	w.StopBound = w.StopTime + WatchdogBound
	failed := append(x.failed, d.followed(w, data)...)
	if data.work.done > maxWork {
		return nil, fmt.Errorf("node %q: %w", node, errOverworked)
	}
	if len(failed) > 0 {
		first := failed[0]
		return nil, fmt.Errorf("node %q: %s: %w", node, first.path, first.err)
	}
	return w, nil
}

// followed fills in what a node knows of the role it follows.
func (d *Deployment) followed(w *Wanted, data *dataset) []expansion {
	role := d.Roles[w.Role]
	if role.Follows == "" {
		return nil
	}
	w.Follows = role.Follows
	w.FollowNodes = make(map[Side]string)
	var failed []expansion
	for _, side := range []Side{Main, Standby} {
		name, ok := d.NodeOf(role.Follows, side)
		if !ok {
			continue
		}
		w.FollowNodes[side] = name
		if role.Detect == nil {
			continue
		}
		if w.DetectOn == nil {
			w.DetectOn = make(map[Side]*Probe)
		}
		x := &expander{set: data, data: data.of(name)}
		w.DetectOn[side] = x.probe(schema.Path{"roles", w.Role, "detect"}, role.Detect)
		failed = append(failed, x.failed...)
	}
	return failed
}
